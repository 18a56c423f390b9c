/* room.c - rooms: all of them, one in full, added and removed one by one. */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>
#include <string.h>

#include "concentrator/cli/credits.h"
#include "concentrator/cli/figure.h"
#include "concentrator/cli/room_table.h"

int run_room_list(struct call *call)
{
	struct session *session = call->session;
	struct room_count count = {0};
	struct table *table = NULL;
	char summary[200];
	json_t *data = NULL;
	const json_t *row;
	size_t i;
	int exit_code = session_ask(session, "room.list", NULL, &data);
	int r;

	if (exit_code != 0)
		return exit_code;
	r = room_table_open(&table, field_rows(data, "rows"), ROOM_BY_NAME, NULL, 0, &count);
	if (r < 0) {
		exit_code = session_no_memory(session);
	} else if (session->manners.json) {
		if (count.stale > 0)
			session_warn(session, "%zu rooms have stale readings", count.stale);
		exit_code = session_json(session, data);
	} else if (session->manners.quiet) {
		json_array_foreach(field_rows(data, "rows"), i, row)
		{
			screen_put(&session->out, TONE_PLAIN, field_text(row, "room"));
			screen_end_line(&session->out);
		}
	} else {
		r = table_print(table, &session->out);
		room_count_say(&count, summary, sizeof(summary));
		screen_put(&session->out, TONE_DIM, summary);
		screen_end_line(&session->out);
		exit_code = r < 0 ? session_no_memory(session) : 0;
	}
	table_close(table);
	json_decref(data);
	return exit_code;
}

static void say_place(const json_t *supply, const char *field, char *buf, size_t size)
{
	const json_t *place = field_object(supply, field);

	if (place == NULL)
		(void)snprintf(buf, size, "none");
	else
		(void)snprintf(buf, size, "%s/%" PRId64 " channel %" PRId64 ", %s",
			       field_text(place, "line"), field_count(place, "address"),
			       field_count(place, "channel"), field_text(place, "model"));
}

static void show_reading(const struct screen *out, const json_t *supply)
{
	bool stale = field_true(supply, "stale");
	char power[FIGURE_SIZE] = FIGURE_UNKNOWN;
	char volts[FIGURE_SIZE] = FIGURE_UNKNOWN;
	char energy[FIGURE_SIZE];
	char age[FIGURE_SIZE] = "";
	int64_t value;

	if (!field_int(supply, "age_s", &value)) {
		screen_fact(out, "  reading", TONE_WARN, "never; meter %s",
			    field_text(supply, "meter_state"));
		return;
	}
	(void)figure_age(value, age);
	if (field_int(supply, "power_w", &value))
		(void)snprintf(power, sizeof(power), "%" PRId64 " W", value);
	if (field_int(supply, "voltage_mv", &value))
		(void)figure_milli(value, volts);
	if (field_water(supply)) {
		screen_fact(out, "  reading", stale ? TONE_WARN : TONE_PLAIN,
			    "%sregister %s  %s ago; meter %s", stale ? "STALE: " : "",
			    figure_energy(supply, "register_wh", energy), age,
			    field_text(supply, "meter_state"));
		return;
	}
	screen_fact(out, "  reading", stale ? TONE_WARN : TONE_PLAIN,
		    "%s%s, %s V, register %s  %s ago; meter %s", stale ? "STALE: " : "", power,
		    volts, figure_energy(supply, "register_wh", energy), age,
		    field_text(supply, "meter_state"));
}

static void show_supply(const struct screen *out, const json_t *supply)
{
	const char *position = room_position_word(supply);
	const char *wished = field_text(supply, "wished");
	const char *reason = field_text(supply, "reason");
	const json_t *lockout = field_object(supply, "lockout");
	char place[120];
	char age[FIGURE_SIZE];
	int64_t value;

	screen_say(out, TONE_BOLD, "%s", field_text(supply, "circuit"));
	screen_say(out,
		   strcmp(position, "on") == 0    ? TONE_GOOD
		   : strcmp(position, "off") == 0 ? TONE_BAD
						  : TONE_WARN,
		   " %s", position);
	if (field_int(supply, "position_age_s", &value))
		screen_say(out, TONE_DIM, ", read back %s ago", figure_age(value, age));
	else if (field_object(supply, "relay") != NULL)
		screen_put(out, TONE_WARN, ", position not read");
	screen_end_line(out);
	if (field_object(supply, "relay") != NULL) {
		screen_fact(out, "  wished", TONE_PLAIN, "%s by %s%s%s; verified: %s", wished,
			    field_text(supply, "layer"), *reason != '\0' ? ": " : "", reason,
			    field_text(supply, "verified"));
		say_place(supply, "relay", place, sizeof(place));
		screen_fact(out, field_water(supply) ? "  valve" : "  relay", TONE_PLAIN,
			    "%s, contact %s, cut order %" PRId64 "%s", place,
			    strcmp(field_text(supply, "contact"), "nc") == 0 ? "NC" : "NO",
			    field_count(supply, "cut_order"),
			    field_true(supply, "may_cut") ? "" : ", never cut for money");
	}
	if (lockout != NULL)
		screen_fact(out, "  locked out", TONE_BAD, "by %s: %s (a relay is no isolator)",
			    field_text(lockout, "owner"), field_text(lockout, "reason"));
	if (field_object(supply, "point") == NULL)
		return;
	say_place(supply, "point", place, sizeof(place));
	if (!field_water(supply) && field_int(supply, "breaker_a", &value) && value > 0)
		screen_fact(out, "  meter", TONE_PLAIN, "%s, breaker %" PRId64 " A", place, value);
	else
		screen_fact(out, "  meter", TONE_PLAIN, "%s", place);
	show_reading(out, supply);
}

/* What is announced, and what keeps it from happening. */
static void show_prospect(const struct screen *out, const json_t *room)
{
	const json_t *notice = field_object(room, "notice");
	const json_t *hold = field_object(room, "hold");
	const json_t *dispute = field_object(room, "dispute");
	char buf[FIGURE_SIZE];

	if (notice != NULL)
		screen_fact(out, "notice", TONE_WARN, "to be cut for money, not before %s",
			    figure_field_time(notice, "earliest_s", buf));
	if (dispute != NULL)
		screen_fact(out, "dispute", TONE_WARN, "not cut for money until %s, by %s: %s",
			    figure_field_time(dispute, "until_s", buf),
			    field_text(dispute, "owner"), field_text(dispute, "reason"));
	if (field_count(room, "protected_s") > 0)
		screen_fact(out, "protected", TONE_PLAIN, "no cut for money until %s",
			    figure_field_time(room, "protected_s", buf));
	if (hold != NULL)
		screen_fact(out, "hold", TONE_WARN, "not cut: %s, for %s so far",
			    field_text(hold, "reason"),
			    figure_duration(field_count(hold, "running_s"), buf));
}

static int show_room(struct session *session, const json_t *room)
{
	const struct screen *out = &session->out;
	const char *credit = field_text(room, "credit_status");
	const char *service = field_text(room, "service_status");
	const char *tenancy = field_text(room, "tenancy");
	const json_t *entries = field_rows(room, "last_entries");
	const json_t *supply;
	char buf[FIGURE_SIZE], until[FIGURE_SIZE];
	int64_t value;
	size_t i;

	screen_say(out, room_supply_tone(service), "%s ",
		   screen_mark(out, room_supply_tone(service)));
	screen_say(out, TONE_BOLD, "room %s", field_text(room, "room"));
	screen_say(out, TONE_PLAIN, "  %s", field_text(room, "state"));
	screen_end_line(out);
	screen_fact(out, "balance", room_credit_tone(credit), "%s (%s)",
		    figure_money(room, "balance", buf), credit);
	credits_show(out, room, field_digits(room, "balance"));
	screen_fact(out, "supply", room_supply_tone(service), "%s (%s)", room_supply_word(service),
		    service);
	if (field_int(room, "days_left", &value))
		screen_fact(out, "lasts", value < 2 ? TONE_WARN : TONE_PLAIN,
			    "%" PRId64 " day%s at the present use", value, value == 1 ? "" : "s");
	if (*tenancy != '\0')
		screen_fact(out, "tenancy", TONE_PLAIN, "%s", tenancy);
	if (field_count(room, "free_wh") > 0 && field_count(room, "free_until_s") > 0)
		screen_fact(out, "free energy", TONE_PLAIN, "%s left, until %s",
			    figure_energy(room, "free_wh", buf),
			    figure_field_time(room, "free_until_s", until));
	else if (field_count(room, "free_wh") > 0)
		screen_fact(out, "free energy", TONE_PLAIN, "%s left",
			    figure_energy(room, "free_wh", buf));
	show_prospect(out, room);
	json_array_foreach(field_rows(room, "supplies"), i, supply)
	{
		screen_end_line(out);
		show_supply(out, supply);
	}
	if (json_array_size(entries) == 0)
		return 0;
	screen_end_line(out);
	return ledger_show(session, entries);
}

int run_room_show(struct call *call)
{
	struct session *session = call->session;
	json_t *data = NULL;
	int exit_code = session_ask(session, "room.show",
				    json_pack("{s:s}", "room", call_get(call, "ROOM")), &data);

	if (exit_code != 0)
		return exit_code;
	if (session->manners.json) {
		if (field_true(data, "stale"))
			session_warn(session, "the reading is stale");
		exit_code = session_json(session, data);
	} else if (session->manners.quiet) {
		screen_put(&session->out, TONE_PLAIN, field_text(data, "state"));
		screen_end_line(&session->out);
	} else {
		exit_code = show_room(session, data);
	}
	json_decref(data);
	return exit_code;
}

int run_room_add(struct call *call)
{
	static const struct {
		const char *option;
		const char *column;
	} columns[] = {
		{"ROOM", "room"},
		{"CIRCUIT", "circuit"},
		{"--line", "line"},
		{"--address", "address"},
		{"--model", "model"},
		{"--channel", "channel"},
		{"--relay", "relay"},
		{"--contact", "contact"},
		{"--cut-order", "cut_order"},
		{"--may-cut", "may_cut"},
		{"--breaker", "breaker_a"},
		{"--tenancy", "tenancy"},
		{"--persons", "persons"},
		{"--opening-minor", "opening_minor"},
		{"--reason", "reason"},
	};
	json_t *args = json_object();

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		const char *value = call_get(call, columns[i].option);

		if (value != NULL)
			(void)json_object_set_new(args, columns[i].column, json_string(value));
	}
	if (call_has(call, "--experimental"))
		(void)json_object_set_new(args, "experimental", json_string("yes"));
	return session_do(call->session, "room.add", args, "room %s: %s added",
			  call_get(call, "ROOM"), call_get(call, "CIRCUIT"));
}

int run_room_persons(struct call *call)
{
	struct session *session = call->session;
	const char *room = call_get(call, "ROOM"), *text = call_get(call, "N");
	char *end;
	long persons = strtol(text, &end, 10);

	if (end == text || *end != '\0' || persons < 0 || persons > 99)
		return session_problem(session, PROBLEM_USAGE, NULL, "N is 0 to 99, not %s", text);
	return session_do(session, "room.persons",
			  json_pack("{s:s,s:I,s:s}", "room", room, "persons", (json_int_t)persons,
				    "reason", call_get(call, "--reason")),
			  "room %s: %ld persons from the next period on", room, persons);
}
