/* register.c - what people decide about a meter's register: quarantined readings, and exchanges.
 *
 * Such a decision moves money and cannot be taken back, so a person at the terminal sees what it comes to
 * before it is made.
 */
#include "concentrator/cli/handlers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/amount.h"
#include "concentrator/cli/change.h"
#include "concentrator/cli/figure.h"

static void say_decision(struct session *session, const json_t *data)
{
	const struct screen *out = &session->out;
	const char *kind = field_text(data, "kind");
	const char *what = field_water(data) ? "water" : "energy";
	char buf[FIGURE_SIZE];

	screen_say(out, TONE_BOLD, "room %s %s", field_text(data, "room"),
		   field_text(data, "circuit"));
	screen_end_line(out);
	if (*kind == '\0') {
		screen_fact(out, what, TONE_PLAIN, "none");
	} else {
		screen_fact(out, what, TONE_PLAIN, "%s (%s)", figure_energy(data, "energy_wh", buf),
			    strcmp(kind, "charge") == 0       ? "charged to the room"
			    : strcmp(kind, "quarantine") == 0 ? "set aside, nobody pays"
							      : "written off, nobody pays");
		screen_fact(out, "from", TONE_PLAIN, "%s", figure_energy(data, "from_wh", buf));
		screen_fact(out, "to", TONE_PLAIN, "%s", figure_energy(data, "to_wh", buf));
	}
	screen_fact(out, "amount", TONE_BOLD, "%s", figure_money(data, "amount", buf));
	screen_fact(out, "register", TONE_PLAIN, "goes on from %s%s",
		    figure_energy(data, "baseline_wh", buf),
		    field_true(data, "life_ended") ? ", as a new meter's" : "");
	screen_fact(out, "balance", TONE_BOLD, "%s", figure_money(data, "balance", buf));
}

static int decide(struct call *call, const char *verb, json_t *args, const char *question)
{
	const struct change change = {.verb = verb, .question = question, .say = say_decision};

	if (args == NULL)
		return session_no_memory(call->session);
	return change_run(call, &change, args);
}

/* 0, or the exit code. */
static int parse_id(struct call *call, json_int_t *ret)
{
	const char *text = call_get(call, "ID");
	char *end;
	long long id = strtoll(text, &end, 10);

	if (end == text || *end != '\0' || id < 1)
		return session_problem(call->session, PROBLEM_USAGE, NULL,
				       "ID is the number that prepay quarantine list shows, not %s",
				       text);
	*ret = id;
	return 0;
}

int run_quarantine_show(struct call *call)
{
	struct session *session = call->session;
	const struct screen *out = &session->out;
	json_t *data = NULL;
	json_int_t id;
	int64_t age_s;
	char buf[FIGURE_SIZE], age[FIGURE_SIZE];
	int exit_code = parse_id(call, &id);

	if (exit_code == 0)
		exit_code = session_ask(session, "quarantine.show", json_pack("{s:I}", "id", id),
					&data);
	if (exit_code != 0)
		return exit_code;
	if (session->manners.json) {
		exit_code = session_json(session, data);
		json_decref(data);
		return exit_code;
	}
	screen_say(out, TONE_BOLD, "room %s %s", field_text(data, "room"),
		   field_text(data, "circuit"));
	screen_say(out, TONE_PLAIN, "  %s: %s", field_text(data, "state"),
		   field_text(data, "reason"));
	screen_end_line(out);
	screen_fact(out, "since", TONE_PLAIN, "%s", figure_field_time(data, "opened_s", buf));
	screen_fact(out, "last good", TONE_PLAIN, "%s", figure_energy(data, "baseline_wh", buf));
	screen_fact(out, "read", TONE_WARN, "%s", figure_energy(data, "reading_wh", buf));
	screen_fact(out, "pending", TONE_PLAIN, "%s", figure_energy(data, "pending_wh", buf));
	if (field_int(data, "age_s", &age_s))
		screen_fact(out, "shows", TONE_PLAIN, "%s, %s ago",
			    figure_energy(data, "register_wh", buf), figure_age(age_s, age));
	if (*field_text(data, "decided_by") != '\0')
		screen_fact(out, "decided by", TONE_PLAIN, "%s", field_text(data, "decided_by"));
	json_decref(data);
	return 0;
}

int run_quarantine_accept(struct call *call)
{
	json_int_t id;
	int exit_code = parse_id(call, &id);

	if (exit_code != 0)
		return exit_code;
	return decide(call, "quarantine.accept",
		      json_pack("{s:I,s:s,s:b,s:s}", "id", id, "as", call_get(call, "--as"),
				"rolled_over", call_has(call, "--rolled-over"), "reason",
				call_get(call, "--reason")),
		      "Take the reading as true?");
}

int run_quarantine_reject(struct call *call)
{
	json_int_t id;
	int exit_code = parse_id(call, &id);

	if (exit_code != 0)
		return exit_code;
	return decide(call, "quarantine.reject",
		      json_pack("{s:I,s:s}", "id", id, "reason", call_get(call, "--reason")),
		      "Give the difference up and go on from what the meter shows?");
}

/* "1234.56", "1234.56kWh" and "1234.56m3" are what a display shows, "1234560Wh" and "1234560L" a
 * register. */
static int parse_register(const char *text, int64_t *ret_wh)
{
	size_t len = strlen(text);
	unsigned digits = 3;
	char number[32];

	if (len > 3 && strcmp(text + len - 3, "kWh") == 0) {
		len -= 3;
	} else if (len > 2 && strcmp(text + len - 2, "m3") == 0) {
		len -= 2;
	} else if (len > 1 && text[len - 1] == 'L') {
		len -= 1;
		digits = 0;
	} else if (len > 2 && strcmp(text + len - 2, "Wh") == 0) {
		len -= 2;
		digits = 0;
	}
	if (len >= sizeof(number))
		return -ERANGE;
	(void)snprintf(number, sizeof(number), "%.*s", (int)len, text);
	return amount_parse(number, digits, ret_wh);
}

static int put_register(struct call *call, json_t *args, const char *option, const char *name)
{
	const char *text = call_get(call, option);
	int64_t wh;

	if (parse_register(text, &wh) < 0)
		return session_problem(call->session, PROBLEM_USAGE, NULL,
				       "%s %s: not a register; say 1234.56 (kWh or m3), 1234560Wh "
				       "or 1234560L",
				       option, text);
	(void)json_object_set_new(args, name, json_integer(wh));
	return 0;
}

int run_meter_exchange(struct call *call)
{
	const char *place = call_get(call, "ROOM");
	const char *slash = strchr(place, '/');
	int head = slash != NULL ? (int)(slash - place) : (int)strlen(place);
	json_t *args = json_pack("{s:s%,s:s*,s:s}", "room", place, head, "serial",
				 call_get(call, "--serial"), "reason", call_get(call, "--reason"));
	int exit_code = 0;

	if (slash != NULL)
		(void)json_object_set_new(args, "circuit", json_string(slash + 1));
	if (strcmp(call_get(call, "--final"), "last") != 0)
		exit_code = put_register(call, args, "--final", "final_wh");
	if (exit_code == 0)
		exit_code = put_register(call, args, "--initial", "initial_wh");
	if (exit_code != 0) {
		json_decref(args);
		return exit_code;
	}
	return decide(call, "meter.exchange", args, "End the old meter there and begin the new?");
}
