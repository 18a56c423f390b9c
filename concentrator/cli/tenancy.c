/* tenancy.c - tenants come and go; balances corrected and given up. */
#include "concentrator/cli/handlers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/amount.h"
#include "concentrator/cli/change.h"
#include "concentrator/cli/figure.h"

static void say_rest(struct session *session, const json_t *data)
{
	const struct screen *out = &session->out;
	unsigned digits = field_digits(data, "amount");
	char buf[FIGURE_SIZE];
	const json_t *room;
	int64_t rounded = 0;
	size_t i;

	if (field_nano(data, "rounded_nano", &rounded) && rounded != 0)
		screen_fact(out, "rounding", TONE_PLAIN, "%s",
			    figure_exact(data, "rounded_nano", digits, buf));
	if (field_nano(data, "debts_nano", &rounded) && rounded != 0)
		screen_fact(out, "debts left", TONE_WARN, "%s, owed beside the amount",
			    figure_exact(data, "debts_nano", digits, buf));
	if (field_nano(data, "forfeited_nano", &rounded) && rounded != 0)
		screen_fact(out, "forfeited", TONE_PLAIN, "%s of allowance and subsidy",
			    figure_exact(data, "forfeited_nano", digits, buf));
	json_array_foreach(field_rows(data, "rooms"), i, room)
	{
		const char *tenancy = field_text(room, "tenancy");

		screen_say(out, TONE_BOLD, "room %s", field_text(room, "room"));
		screen_say(out, TONE_PLAIN, ": %s%s, balance %s",
			   *tenancy == '\0' ? "no tenancy" : "tenancy ", tenancy,
			   figure_exact(room, "balance_nano", digits, buf));
		screen_end_line(out);
	}
}

static void say_change(struct session *session, const json_t *data)
{
	char buf[FIGURE_SIZE];

	screen_fact(&session->out, "amount", TONE_BOLD, "%s",
		    figure_exact(data, "amount_nano", field_digits(data, "amount"), buf));
	say_rest(session, data);
}

/* What became of the balance of an account that was closed. */
static void say_closing(struct session *session, const json_t *data)
{
	const struct screen *out = &session->out;
	unsigned digits = field_digits(data, "amount");
	char buf[FIGURE_SIZE];
	int64_t nano = 0;

	if (field_nano(data, "given_up_nano", &nano) && nano != 0)
		screen_fact(out, "given up", TONE_WARN, "%s, which the room owed",
			    figure_exact(data, "given_up_nano", digits, buf));
	else if (field_nano(data, "amount_nano", &nano) && nano > 0)
		screen_fact(out, "refund", TONE_BOLD, "%s, to be paid to the tenant",
			    figure_exact(data, "amount_nano", digits, buf));
	else if (nano < 0)
		screen_fact(out, "owed", TONE_BOLD, "%s, by the tenant",
			    figure_exact(data, "amount_nano", digits, buf) + 1);
	else
		screen_fact(out, "refund", TONE_PLAIN, "none: the balance was zero");
	say_rest(session, data);
}

static int run(struct call *call, const char *verb, json_t *args, const char *question)
{
	bool closes = strcmp(verb, "tenancy.end") == 0 || strcmp(verb, "room.remove") == 0;
	const struct change change = {
		.verb = verb, .question = question, .say = closes ? say_closing : say_change};

	if (args == NULL)
		return session_no_memory(call->session);
	return change_run(call, &change, args);
}

int run_tenancy_move_in(struct call *call)
{
	return run(call, "tenancy.begin",
		   json_pack("{s:s,s:s,s:b,s:s}", "room", call_get(call, "ROOM"), "tenancy",
			     call_get(call, "ID"), "last_reading", call_has(call, "--last-reading"),
			     "reason", call_get(call, "--reason")),
		   "Begin the tenancy?");
}

int run_tenancy_move_out(struct call *call)
{
	return run(call, "tenancy.end",
		   json_pack("{s:s,s:b,s:s}", "room", call_get(call, "ROOM"), "last_reading",
			     call_has(call, "--last-reading"), "reason",
			     call_get(call, "--reason")),
		   "End the tenancy and carry the amount out?");
}

int run_tenancy_transfer(struct call *call)
{
	return run(call, "tenancy.transfer",
		   json_pack("{s:s,s:s,s:b,s:s}", "room", call_get(call, "ROOM"), "to",
			     call_get(call, "TO"), "last_reading", call_has(call, "--last-reading"),
			     "reason", call_get(call, "--reason")),
		   "Move the tenancy and the amount?");
}

int run_room_remove(struct call *call)
{
	json_t *args = json_pack("{s:s,s:s}", "room", call_get(call, "ROOM"), "reason",
				 call_get(call, "--reason"));

	if (args != NULL && call_has(call, "--write-off"))
		(void)json_object_set_new(args, "write_off", json_true());
	return run(call, "room.remove", args, "Settle the room and close its account for good?");
}

/* The daemon's view of the room says how many decimals the currency has. */
static int put_amount(struct call *call, json_t *args)
{
	struct session *session = call->session;
	const char *typed = call_get(call, "AMOUNT");
	bool negative = *typed == '-';
	json_t *room = NULL;
	int64_t minor;
	int exit_code = session_ask(session, "room.show",
				    json_pack("{s:s}", "room", call_get(call, "ROOM")), &room);

	if (exit_code != 0)
		return exit_code;
	unsigned digits = field_digits(room, "balance");
	int r = amount_parse(typed + (negative || *typed == '+'), digits, &minor);

	if (r < 0 || minor == 0)
		exit_code = session_problem(session, PROBLEM_USAGE, NULL, "AMOUNT %s: %s", typed,
					    r == -EDOM ? "more decimals than the currency has"
					    : r == -ERANGE
						    ? "too large"
						    : "not an amount, such as 5.00 or -5.00");
	else
		(void)json_object_set_new(
			args, "amount",
			json_pack("{s:I,s:i,s:O*}", "value",
				  (json_int_t)(negative ? -minor : minor), "multiplier",
				  -(int)digits, "monetaryUnit",
				  json_object_get(field_object(room, "balance"), "monetaryUnit")));
	json_decref(room);
	return exit_code;
}

int run_adjust(struct call *call)
{
	const char *entry = call_get(call, "--entry");
	json_t *args = json_pack("{s:s,s:s}", "room", call_get(call, "ROOM"), "reason",
				 call_get(call, "--reason"));
	int exit_code = 0;

	if (entry != NULL) {
		char *end;
		long long seq = strtoll(entry, &end, 10);

		if (end == entry || *end != '\0' || seq < 1)
			exit_code = session_problem(call->session, PROBLEM_USAGE, NULL,
						    "--entry is the number of an entry, not %s",
						    entry);
		else
			(void)json_object_set_new(args, "refers", json_integer(seq));
	}
	if (exit_code == 0)
		exit_code = put_amount(call, args);
	if (exit_code != 0) {
		json_decref(args);
		return exit_code;
	}
	return run(call, "adjust", args, "Correct the balance?");
}

int run_write_off(struct call *call)
{
	return run(call, "write_off",
		   json_pack("{s:s,s:s}", "room", call_get(call, "ROOM"), "reason",
			     call_get(call, "--reason")),
		   "Give the debt up?");
}
