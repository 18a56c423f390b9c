/* emergency.c - the lines below zero: emergency credit and overdraft of one room. */
#include "concentrator/cli/handlers.h"

#include <errno.h>
#include <string.h>

#include "concentrator/cli/amount.h"
#include "concentrator/cli/change.h"
#include "concentrator/cli/credits.h"
#include "concentrator/cli/figure.h"

static void say_lines(struct session *session, const json_t *data)
{
	const struct screen *out = &session->out;
	unsigned digits = field_digits(data, "balance");
	char buf[FIGURE_SIZE];

	screen_fact(out, "balance", TONE_BOLD, "%s",
		    figure_exact(data, "balance_nano", digits, buf));
	credits_show(out, data, digits);
	screen_fact(out, "cut at", TONE_PLAIN, "%s",
		    figure_exact(data, "cutoff_nano", digits, buf));
}

int run_credit_emergency(struct call *call)
{
	const struct change change = {.verb = "credit.emergency",
				      .question = "Activate the emergency credit?",
				      .say = say_lines};
	json_t *args = json_pack("{s:s,s:s}", "room", call_get(call, "ROOM"), "reason",
				 call_get(call, "--reason"));

	return args == NULL ? session_no_memory(call->session) : change_run(call, &change, args);
}

/* The daemon's view of the room says how many decimals the currency has. */
static int put_limit(struct call *call, const char *typed, json_t *args)
{
	struct session *session = call->session;
	json_t *room = NULL;
	int64_t minor;
	int exit_code = session_ask(session, "room.show",
				    json_pack("{s:s}", "room", call_get(call, "ROOM")), &room);

	if (exit_code != 0)
		return exit_code;
	unsigned digits = field_digits(room, "balance");
	int r = amount_parse(typed, digits, &minor);

	if (r < 0)
		exit_code = session_problem(session, PROBLEM_USAGE, NULL, "AMOUNT %s: %s", typed,
					    r == -EDOM ? "more decimals than the currency has"
					    : r == -ERANGE
						    ? "too large"
						    : "not an amount, such as 5.00, nor default");
	else
		(void)json_object_set_new(
			args, "limit",
			json_pack("{s:I,s:i,s:O*}", "value", (json_int_t)minor, "multiplier",
				  -(int)digits, "monetaryUnit",
				  json_object_get(field_object(room, "balance"), "monetaryUnit")));
	json_decref(room);
	return exit_code;
}

int run_credit_overdraft(struct call *call)
{
	const struct change change = {
		.verb = "credit.overdraft", .question = "Set this limit?", .say = say_lines};
	const char *typed = call_get(call, "AMOUNT");
	json_t *args = json_pack("{s:s,s:s}", "room", call_get(call, "ROOM"), "reason",
				 call_get(call, "--reason"));
	int exit_code = args == NULL ? session_no_memory(call->session) : 0;

	if (exit_code == 0 && strcmp(typed, "default") != 0)
		exit_code = put_limit(call, typed, args);
	if (exit_code != 0) {
		json_decref(args);
		return exit_code;
	}
	return change_run(call, &change, args);
}
