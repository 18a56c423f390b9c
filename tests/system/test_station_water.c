/* Electricity and water side by side on one account. */
#include "tests/system/station_call.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_event.h"
#include "concentrator/ledger_tariff.h"
#include "concentrator/ledger_verify.h"
#include "concentrator/station_event.h"
#include "concentrator/station_load.h"
#include "concentrator/station_money.h"
#include "concentrator/station_snapshot.h"
#include "concentrator/station_tariff.h"

#define CENT        INT64_C(10000000)
#define WATER_MICRO 3450000 /* a m3 */
#define WATER       "[water]\nprice = 3.45\n"
#define FIRST_L     345678

static void run(struct site *site, int64_t us)
{
	played_run(&site->building, site->building.now_us + us);
}

/* Room 101: sockets at address 1, cut first; water at address 2. What the meters say of themselves was read. */
static void add_both(struct site *site, int opening_minor, int64_t load_w, int64_t flow_l_h,
		     const char *may_cut)
{
	site_add_meter(site, 0);
	site_add_room(site, 101, opening_minor, "sockets", true, 1);
	site_add_water_meter(site, 0);
	site_add_water(site, 101, may_cut, 2);
	run(site, 5 * MINUTE_US);
	site->building.meter[0].load_w = load_w;
	site->building.meter[1].load_w = flow_l_h;
}

static void move_in(struct site *site, int opening_minor, int64_t load_w, int64_t flow_l_h,
		    const char *may_cut)
{
	/* The price just came into force, which would hold cuts for an hour (S7). */
	site->config.policy.change_hold_s = 0;
	site_tariff(site, WATER);
	add_both(site, opening_minor, load_w, flow_l_h, may_cut);
}

static struct station_supply *water_of(struct site *site)
{
	struct station_supply *supply = station_supply_find(site_room(site, "101"), "water");

	assert_non_null(supply);
	return supply;
}

/* M1, M2, M6: what the two registers moved is charged, each at its own price, to the nano. */
static void assert_both_conserved(struct site *site, int64_t first_wh, int64_t aside_l,
				  int64_t credited_nano)
{
	struct station *station = site->building.station;
	struct played_meter *meter = site->building.meter;
	struct ledger_totals totals;
	struct ledger_failure failure;
	struct ledger_verdict verdict;

	meter[0].load_w = meter[1].load_w = 0;
	run(site, 3 * MINUTE_US);
	assert_int_equal(station_begin(station), 0);
	assert_int_equal(station_settle_room(station, site_room(site, "101"), "test"), 0);
	assert_int_equal(station_commit(station), 0);
	assert_int_equal(ledger_totals_get(site->ledger, 0, &totals), 0);
	assert_int_equal(totals.charged_wh, played_register_wh(&meter[0]) - first_wh);
	assert_int_equal(totals.charged_l + totals.quarantined_l + totals.written_off_l,
			 played_register_wh(&meter[1]) - FIRST_L);
	assert_int_equal(totals.quarantined_l + totals.written_off_l, aside_l);
	assert_int_equal(totals.balance_nano, credited_nano - totals.charged_wh * PRICE_MICRO -
						      totals.charged_l * WATER_MICRO);
	assert_int_equal(site_room(site, "101")->live_nano, totals.balance_nano);
	/* From the snapshot, and from every entry. */
	if (ledger_check(site->ledger, &failure) < 0)
		fail_msg("%s", failure.text);
	assert_int_equal(ledger_verify(ledger_path(site->ledger), NULL, NULL, NULL, &verdict), 0);
	assert_string_equal(verdict.detail, "");
}

static void both_are_charged_each_at_its_price(void **state)
{
	struct site *site = *state;

	move_in(site, 10000, 2000, 300, NULL);
	run(site, 30 * HOUR_US);
	assert_int_equal(station_snapshot_take(site->building.station), 0);
	run(site, HOUR_US);
	assert_both_conserved(site, 1234560, 0, 10000 * CENT);
	/* 31 hours of 300 l and of 2 kWh. */
	struct ledger_totals totals;
	assert_int_equal(ledger_totals_get(site->ledger, 0, &totals), 0);
	assert_in_range(totals.charged_l, 9285, 9310);
	assert_in_range(totals.charged_wh, 61900, 62100);
	assert_int_equal(ledger_totals_get(site->ledger, water_of(site)->record.point_id, &totals),
			 0);
	assert_int_equal(totals.charged_wh, 0);
	assert_in_range(totals.charged_l, 9285, 9310);
}

static void without_a_price_water_is_counted_and_costs_nothing(void **state)
{
	struct site *site = *state;
	struct ledger_totals totals;

	site_add_water_meter(site, 600);
	site_add_water(site, 101, NULL, 1);
	run(site, 7 * HOUR_US);
	assert_int_equal(ledger_totals_get(site->ledger, 0, &totals), 0);
	assert_in_range(totals.charged_l, 3590, 4210);
	assert_int_equal(totals.balance_nano, 0);
	/* From its activation on it does. */
	site_tariff(site, "");
	assert_int_equal(site_room(site, "101")->live_nano, 0);
}

/* Seconds from the start until the flag of a meter is as wished; the room is looked at each second. */
static int64_t wait_closed(struct site *site, size_t meter, bool closed, int64_t at_most_s)
{
	int64_t from_us = site->building.now_us;

	while (site->building.meter[meter].closed != closed) {
		run(site, 1000000);
		assert_true(site->building.now_us - from_us <= at_most_s * 1000000);
	}
	return (site->building.now_us - from_us) / 1000000;
}

static void both_are_cut_in_order_and_restored(void **state)
{
	struct site *site = *state;

	site->read_period_us = 5000000;
	site_close(site);
	site_open(site);
	move_in(site, 300, 2000, 400, "yes"); /* 3.00: a little more than an hour of both */
	/* Not before it is exhausted, and announced. */
	int64_t cut_s = wait_closed(site, 0, false, 7200);
	assert_in_range(cut_s, 3600, 5400);
	assert_true(site->building.meter[1].closed);
	/* The water follows a stage later, and its valve is read back. */
	assert_in_range(wait_closed(site, 1, false, 120), 50, 75);
	run(site, 5 * MINUTE_US);
	assert_int_equal(water_of(site)->relay_state.verify, RELAY_VERIFY_POSITION);
	assert_int_equal(relay_believed(&water_of(site)->relay_state), RELAY_OPEN);
	int64_t litres = played_register_wh(&site->building.meter[1]);
	site_close(site);
	run(site, 0);
	site_open(site);
	run(site, 10 * MINUTE_US);
	assert_int_equal(played_register_wh(&site->building.meter[1]), litres);
	assert_false(site->building.meter[1].closed);

	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 5000), "1"),
			    "applied");
	(void)wait_closed(site, 0, true, 120);
	(void)wait_closed(site, 1, true, 120);
	run(site, 5 * MINUTE_US);
	assert_int_equal(relay_believed(&water_of(site)->relay_state), RELAY_CLOSED);
	assert_true(played_register_wh(&site->building.meter[1]) > litres);
	assert_both_conserved(site, 1234560, 0, 5300 * CENT);
}

static void water_is_never_cut_for_money_unless_somebody_says_so(void **state)
{
	struct site *site = *state;

	move_in(site, 100, 1000, 200, NULL);
	assert_false(water_of(site)->record.may_cut);
	(void)wait_closed(site, 0, false, 7200);
	run(site, 3 * HOUR_US);
	assert_true(site->building.meter[1].closed);
	assert_int_equal(site->building.meter[1].relay_writes, 0);
	/* What it used since is owed. */
	assert_true(site_room(site, "101")->live_nano < -150 * CENT);
	assert_both_conserved(site, 1234560, 0, 100 * CENT);
}

static void wish(struct site *site, const char *position)
{
	struct site_answer answer = site_ask(site, "relay.set",
					     json_pack("{s:s,s:s,s:s,s:s}", "room", "101",
						       "circuit", "water", "position", position,
						       "reason", "a tap is mended"));

	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
}

static void a_valve_of_ours_opens_again_on_auto(void **state)
{
	static const char *const may_cut[] = {"yes", "no"};
	struct site *site = *state;

	for (size_t i = 0; i < 2; i++) {
		if (i == 0)
			move_in(site, 10000, 0, 100, may_cut[i]);
		run(site, 5 * MINUTE_US);
		wish(site, "off");
		(void)wait_closed(site, 1, false, 30);
		run(site, MINUTE_US);
		/* Whoever shut it is known after a restart, too. */
		site_close(site);
		site_open(site);
		run(site, 5 * MINUTE_US);
		assert_false(site->building.meter[1].closed);
		wish(site, "auto");
		(void)wait_closed(site, 1, true, 30);
		run(site, MINUTE_US);
		assert_int_equal(relay_believed(&water_of(site)->relay_state), RELAY_CLOSED);
	}
	/* One that we did not shut waits for a person (S5). */
	site->building.meter[1].coil[0] = site->building.meter[1].closed = false;
	run(site, 10 * MINUTE_US);
	assert_false(site->building.meter[1].closed);
	assert_true(water_of(site)->relay_state.armed);
}

static void a_stuck_valve_is_told_and_its_water_charged(void **state)
{
	struct site *site = *state;

	move_in(site, 10000, 0, 100, "yes");
	run(site, 5 * MINUTE_US);
	site->building.meter[1].stuck = true;
	wish(site, "off");
	run(site, HOUR_US);
	assert_true(water_of(site)->relay_state.through_open);
	assert_int_equal(water_of(site)->relay_state.verify, RELAY_VERIFY_WRONG);
	site->building.meter[1].stuck = false;
	assert_both_conserved(site, 1234560, 0, 10000 * CENT);
}

struct guard_case {
	const char *what;
	uint32_t litres; /* what two answers show; 0 among them */
	const char *reason;
};

static void what_the_pipe_cannot_have_let_through_is_quarantined(void **state)
{
	static const struct guard_case cases[] = {
		{"zero", 0, "fall"},
		{"backward by a litre", FIRST_L - 1, "fall"},
		/* In a minute and a half, of 5,000 l an hour, 125 and two steps fit. */
		{"more than the pipe lets through", FIRST_L + 300, "leap"},
		{"a digit too many", 3456780, "leap"},
	};
	struct site *site = *state;

	move_in(site, 10000, 0, 0, NULL);
	run(site, 5 * MINUTE_US);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct played_meter *meter = &site->building.meter[1];

		print_message("%s\n", cases[i].what);
		meter->glitch_raw = cases[i].litres;
		meter->glitch_count = 2;
		while (meter->glitch_count > 0)
			run(site, 1000000);
		assert_true(water_of(site)->guard.quarantined);
		assert_string_equal(guard_reason_name(water_of(site)->guard.reason),
				    cases[i].reason);
		assert_int_equal(site_room(site, "101")->live_nano, 10000 * CENT);
		run(site, 3 * MINUTE_US);
		assert_false(water_of(site)->guard.quarantined); /* it came back by itself */
	}
	/* What the pipe lets through is charged. */
	site->building.meter[1].load_w = 4900;
	run(site, HOUR_US);
	assert_both_conserved(site, 1234560, 0, 10000 * CENT);
}

static int64_t open_quarantine(struct site *site)
{
	struct site_answer list = site_ask(site, "quarantine.list", json_pack("{s:b}", "open", 1));
	const json_t *row = json_array_get(json_object_get(list.data, "rows"), 0);
	int64_t id = json_integer_value(json_object_get(row, "id"));

	assert_string_equal(json_string_value(json_object_get(row, "medium")), "water");
	assert_int_equal(json_integer_value(json_object_get(row, "pending_l")), 50000);
	assert_null(json_object_get(row, "pending_wh"));
	site_forget(&list);
	return id;
}

/* What the cloud is told of entries and quarantines: litres, or nothing of energy. */
static int told_row(const struct ledger_event *event, void *userdata)
{
	json_t *body = json_loads(event->body, 0, NULL);
	int *told = userdata;

	if (strcmp(event->type, "entry") == 0) {
		assert_int_equal(json_integer_value(json_object_get(body, "volume_l")), 50000);
		assert_null(json_object_get(body, "energy_wh"));
		told[0]++;
	} else if (strcmp(event->type, "quarantine") == 0) {
		assert_string_equal(json_string_value(json_object_get(body, "medium")), "water");
		told[1]++;
	}
	json_decref(body);
	return 0;
}

static void a_person_decides_about_litres(void **state)
{
	static const struct {
		const char *verb, *as;
		int64_t aside_l;
	} cases[] = {
		{"quarantine.accept", "charge", 0},
		{"quarantine.accept", "aside", 50000},
		{"quarantine.reject", NULL, 50000},
	};
	struct site *site = *state;
	int64_t aside_l = 0;

	move_in(site, 100000, 0, 0, NULL);
	for (size_t i = 0; i < 3; i++) {
		run(site, 5 * MINUTE_US);
		site->building.meter[1].energy_uwh += INT64_C(50000) * 1000000;
		run(site, 5 * MINUTE_US);
		json_t *args = json_pack("{s:I,s:s*,s:s}", "id", (json_int_t)open_quarantine(site),
					 "as", cases[i].as, "reason", "a burst pipe");
		struct site_answer answer = site_ask(site, cases[i].verb, args);

		assert_int_equal(answer.problem, PROBLEM_NONE);
		assert_int_equal(site_int(&answer, "volume_l"), 50000);
		site_forget(&answer);
		aside_l += cases[i].aside_l;
	}
	int told[2] = {0};
	assert_int_equal(ledger_events_each(site->ledger, 0, -1, INT32_MAX, told_row, told), 0);
	assert_int_equal(told[0], 2); /* set aside, and given up; a charge is the settlement's */
	assert_int_equal(told[1], 6);
	assert_both_conserved(site, 1234560, aside_l, 100000 * CENT);
}

static void a_water_meter_is_exchanged(void **state)
{
	struct site *site = *state;
	struct ledger_totals totals;

	move_in(site, 10000, 0, 0, NULL);
	run(site, 5 * MINUTE_US);
	site->building.meter[1].energy_uwh = INT64_C(7) * 1000000;
	site_refused(site, "meter.exchange",
		     json_pack("{s:s,s:s,s:I,s:I,s:s}", "room", "101", "circuit", "water",
			       "final_wh", (json_int_t)(FIRST_L + 100000), "initial_wh",
			       (json_int_t)7, "reason", "calibration ran out"),
		     PROBLEM_REFUSED);
	assert_int_equal(
		site_ask_int(site, "meter.exchange",
			     json_pack("{s:s,s:s,s:I,s:I,s:s}", "room", "101", "circuit", "water",
				       "final_wh", (json_int_t)(FIRST_L + 12), "initial_wh",
				       (json_int_t)7, "reason", "calibration ran out"),
			     "volume_l"),
		12);
	site->building.meter[1].load_w = 100;
	run(site, HOUR_US);
	site_ask_int(site, "ledger.settle", json_pack("{s:s}", "reason", "test"), "volume_l");
	assert_int_equal(ledger_totals_get(site->ledger, 0, &totals), 0);
	assert_in_range(totals.charged_l, 12 + 97, 12 + 100);
	assert_int_equal(totals.balance_nano, 10000 * CENT - totals.charged_l * WATER_MICRO);
}

/* The first row about water. */
static const json_t *water_row(const struct site_answer *answer, const char *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(answer->data, rows), i, row)
	{
		const char *medium = json_string_value(json_object_get(row, "medium"));

		if (medium != NULL && strcmp(medium, "water") == 0)
			return row;
	}
	fail_msg("no row about water");
	return NULL;
}

static int64_t in(const json_t *row, const char *name)
{
	const json_t *value = json_object_get(row, name);

	if (!json_is_integer(value))
		fail_msg("no %s", name);
	return json_integer_value(value);
}

static void every_view_says_litres(void **state)
{
	static const struct {
		const char *verb, *args, *rows;
		bool priced;
		const char *shown;
	} views[] = {
		{"explain", "{\"room\": \"101\", \"last\": 50}", "rows", true, "from_l"},
		{"statement", "{\"room\": \"101\", \"month\": \"2026-01\"}", "rows", true, NULL},
		{"ledger.tail", "{\"room\": \"101\", \"n\": 50}", "rows", true, "to_l"},
		{"ledger.export", "{}", "rows", true, "to_l"},
		{"freeze.list", "{\"room\": \"101\"}", "rows", false, "register_l"},
		{"profile", "{\"room\": \"101\", \"reason\": \"x\"}", "rows", false, "register_l"},
	};
	struct site *site = *state;

	site->config.store.profile_days = 3;
	snprintf(site->config.store.ledger, sizeof(site->config.store.ledger), "%s/ledger.db",
		 site->folder);
	move_in(site, 10000, 1000, 120, NULL);
	for (int i = 0; i < 26 * 12; i++) {
		run(site, 5 * MINUTE_US);
		played_read_ledger(&site->building); /* which writes the profile */
	}
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		json_t *args = json_loads(views[i].args, 0, NULL);
		struct site_answer answer = site_ask(site, views[i].verb, args);

		print_message("%s\n", views[i].verb);
		assert_string_equal(answer.detail, "");
		const json_t *row = water_row(&answer, views[i].rows);
		assert_true(in(row, "volume_l") > 0);
		assert_null(json_object_get(row, "energy_wh"));
		assert_null(json_object_get(row, "price_micro_per_kwh"));
		if (views[i].priced)
			assert_int_equal(in(row, "price_micro_per_m3"), WATER_MICRO);
		if (views[i].shown != NULL)
			assert_true(in(row, views[i].shown) > FIRST_L);
		site_forget(&answer);
	}
	struct site_answer room = site_ask(site, "room.show", json_pack("{s:s}", "room", "101"));
	assert_true(in(water_row(&room, "supplies"), "register_l") > FIRST_L);
	site_forget(&room);
	assert_in_range(
		site_ask_int(site, "ledger.settle", json_pack("{s:s}", "reason", "x"), "volume_l"),
		1, 3000);
}

static void at_one_price_they_are_two_lines(void **state)
{
	struct site *site = *state;
	const json_t *row;
	size_t i;
	int64_t wh = 0, litres = 0;

	site_tariff(site, "[water]\nprice = 0.5\n");
	site_add_meter(site, 1000);
	site_add_room(site, 101, 1000, "sockets", true, 1);
	site_add_water_meter(site, 100);
	site_add_water(site, 101, NULL, 2);
	run(site, 13 * HOUR_US);
	struct site_answer answer = site_ask(
		site, "statement", json_pack("{s:s,s:s}", "room", "101", "month", "2026-01"));
	json_array_foreach(json_object_get(answer.data, "rows"), i, row)
	{
		wh += json_integer_value(json_object_get(row, "energy_wh"));
		litres += json_integer_value(json_object_get(row, "volume_l"));
	}
	assert_int_equal(i, 3); /* and the opening */
	assert_in_range(wh, 11900, 13010);
	assert_in_range(litres, 1190, 1301);
	site_forget(&answer);
}

static void water_counts_in_no_block_of_electricity(void **state)
{
	struct site *site = *state;
	struct ledger_tariff tariff = {
		.name = "b",
		.activation_s = START_S - 1,
		.text = "[tariff]\nname = b\nactivation = receipt\n[energy]\nprice = 0.5 5\n"
			"blocks = 20\nreset = year 01-01\n" WATER};

	assert_int_equal(ledger_begin(site->ledger), 0);
	assert_int_equal(ledger_tariff_add(site->ledger, &tariff), 0);
	assert_int_equal(ledger_commit(site->ledger), 0);
	assert_int_equal(station_load_tariffs(site->building.station), 0);
	add_both(site, 100000, 1000, 3000, NULL);
	run(site, 7 * HOUR_US); /* 7 kWh, and 21 m3 */
	assert_int_equal(site_room(site, "101")->use.now.wh,
			 site_room(site, "101")->use_after.now.wh);
	assert_in_range(site_room(site, "101")->use.now.wh, 5900, 7010);
	/* Added up again from the entries, too. */
	site_close(site);
	site_open(site);
	assert_in_range(site_room(site, "101")->use.now.wh, 5900, 7010);
	run(site, 12 * HOUR_US);
	assert_both_conserved(site, 1234560, 0, 100000 * CENT); /* all in the first block */
}

static void the_minimum_is_of_electricity_alone(void **state)
{
	struct site *site = *state;
	struct ledger_totals totals;

	site->building.base_s += 30 * CALENDAR_DAY_S; /* 2026-01-31 */
	run(site, 5 * MINUTE_US);
	site_tariff(site, WATER "[minimum]\namount = 5\nevery = month 1\n");
	site_add_meter(site, 1000);
	site_add_room(site, 101, 10000, "sockets", true, 1);
	site_add_water_meter(site, 1000);
	site_add_water(site, 101, NULL, 2);
	run(site, 4 * HOUR_US); /* 2.00 and 13.80 */
	site->building.meter[0].load_w = site->building.meter[1].load_w = 0;
	site_pass_days(site, 2);
	assert_int_equal(ledger_totals_get(site->ledger, 0, &totals), 0);
	assert_true(totals.charged_wh * PRICE_MICRO < 500 * CENT);
	assert_int_equal(totals.balance_nano,
			 10000 * CENT - 500 * CENT - totals.charged_l * WATER_MICRO);
}

static void tax_is_on_both(void **state)
{
	struct site *site = *state;
	struct ledger_totals totals;

	site_tariff(site, WATER "[tax]\nrate = 10\nis = added\n");
	site_add_meter(site, 1000);
	site_add_room(site, 101, 10000, "sockets", true, 1);
	site_add_water_meter(site, 100);
	site_add_water(site, 101, NULL, 2);
	run(site, 3 * HOUR_US);
	int64_t live_nano = site_room(site, "101")->live_nano;
	site_ask_int(site, "ledger.settle", json_pack("{s:s}", "reason", "x"), "volume_l");
	assert_int_equal(ledger_totals_get(site->ledger, 0, &totals), 0);
	assert_in_range(totals.charged_l, 290, 300);
	assert_int_equal(totals.balance_nano, 10000 * CENT - (totals.charged_wh * PRICE_MICRO +
							      totals.charged_l * WATER_MICRO) *
								     11 / 10);
	assert_int_equal(totals.balance_nano, live_nano);
}

static void a_trial_prices_both(void **state)
{
	static const struct {
		const char *text;
		int64_t water_micro;
	} cases[] = {
		{"[tariff]\nname = x\nactivation = receipt\n[energy]\nprice = 0.5\n" WATER,
		 WATER_MICRO},
		{"[tariff]\nname = x\nactivation = receipt\n[energy]\nprice = 0.5\n"
		 "[water]\nprice = 4.000001\n",
		 4000001},
		{"[tariff]\nname = x\nactivation = receipt\n[energy]\nprice = 0.5\n", 0},
	};
	struct site *site = *state;

	move_in(site, 10000, 1000, 120, NULL);
	run(site, 9 * HOUR_US);
	site_ask_int(site, "ledger.settle", json_pack("{s:s}", "reason", "x"), "volume_l");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct site_answer answer = site_ask(
			site, "tariff.trial",
			json_pack("{s:s,s:s}", "text", cases[i].text, "month", "2026-01"));
		assert_string_equal(answer.detail, "");
		const json_t *row = json_array_get(json_object_get(answer.data, "rows"), 0);
		int64_t litres = in(row, "volume_l"), more_nano;

		assert_in_range(litres, 1070, 1081);
		assert_in_range(in(row, "energy_wh"), 8900, 9010);
		assert_int_equal(
			message_parse_nano(json_object_get(row, "difference_nano"), &more_nano), 0);
		assert_int_equal(more_nano, litres * (cases[i].water_micro - WATER_MICRO));
		site_forget(&answer);
	}
}

static bool weight_alarm(struct site *site)
{
	return alarms_find(&site->building.station->alarms, ALARM_RATIO_CHANGED, "101 water") !=
	       NULL;
}

/* The counter multiplies by it: another one is another price. */
static void another_weight_of_a_pulse_freezes_the_water(void **state)
{
	struct site *site = *state;
	struct played_meter *water;

	move_in(site, 10000, 0, 300, NULL);
	water = &site->building.meter[1];
	run(site, HOUR_US);
	assert_false(weight_alarm(site));
	assert_int_equal(water_of(site)->latest.value[QUANTITY_PULSE_WEIGHT_MILLI], 10000);
	water->weight = 1;
	run(site, 25 * HOUR_US);
	assert_true(weight_alarm(site));
	assert_true(water_of(site)->guard.quarantined);
	assert_int_equal(water_of(site)->guard.reason, GUARD_RATIO);
}

/* A life that was bound before more was read of its meter is bound to that as well, and charged on. */
static void what_is_read_of_a_meter_for_the_first_time_freezes_nothing(void **state)
{
	struct site *site = *state;
	char name[LEDGER_NAME_MAX + 1], bound[64];

	move_in(site, 10000, 0, 300, NULL);
	run(site, HOUR_US);
	(void)snprintf(name, sizeof(name), "ratio.%" PRId64, water_of(site)->life.id);
	assert_int_equal(ledger_begin(site->ledger), 0);
	assert_int_equal(ledger_cursor_set(site->ledger, name, "weight 10000"), 0);
	assert_int_equal(ledger_commit(site->ledger), 0);
	site_close(site);
	site_open(site);
	run(site, HOUR_US);
	assert_false(weight_alarm(site));
	assert_int_equal(ledger_cursor_get(site->ledger, name, bound, sizeof(bound)), 0);
	assert_string_equal(bound, "weight 10000 offset 0");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
	const struct CMUnitTest tests[] = {
		CASE(both_are_charged_each_at_its_price),
		CASE(without_a_price_water_is_counted_and_costs_nothing),
		CASE(both_are_cut_in_order_and_restored),
		CASE(water_is_never_cut_for_money_unless_somebody_says_so),
		CASE(a_valve_of_ours_opens_again_on_auto),
		CASE(a_stuck_valve_is_told_and_its_water_charged),
		CASE(what_the_pipe_cannot_have_let_through_is_quarantined),
		CASE(a_person_decides_about_litres),
		CASE(a_water_meter_is_exchanged),
		CASE(every_view_says_litres),
		CASE(at_one_price_they_are_two_lines),
		CASE(water_counts_in_no_block_of_electricity),
		CASE(the_minimum_is_of_electricity_alone),
		CASE(tax_is_on_both),
		CASE(a_trial_prices_both),
		CASE(another_weight_of_a_pulse_freezes_the_water),
		CASE(what_is_read_of_a_meter_for_the_first_time_freezes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
