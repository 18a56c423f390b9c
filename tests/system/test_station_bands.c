/* A meter's own band registers, end to end: an ORNO with two rates and a clock of its own is silent while the band
 * changes. What it used meanwhile is split by its registers, unless they cannot be believed. */
#include "tests/system/station_site.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_tariff.h"
#include "concentrator/station_event.h"
#include "concentrator/station_load.h"
#include "concentrator/station_register.h"
#include "concentrator/station_room.h"
#include "concentrator/station_tariff.h"
#include "tests/unit/random.h"

#define HOUR_S      INT64_C(3600)
#define CHARGES_MAX 16
#define PEAK        INT64_C(1000000)
#define VALLEY      INT64_C(250000)

static void no_finding(size_t row, const char *column, const char *detail, void *userdata)
{
	(void)userdata;
	fail_msg("row %zu: %s %s", row, column, detail);
}

static void apply_tariff(struct site *site, const char *more)
{
	char text[400];
	struct ledger_tariff tariff = {.name = "t", .activation_s = START_S - 1, .text = text};

	(void)snprintf(text, sizeof(text),
		       "[tariff]\nname = t\nactivation = receipt\n[energy]\n"
		       "[band valley]\nprice = 0.25\n[band peak]\nprice = 1\n%s",
		       more);
	assert_int_equal(ledger_begin(site->ledger), 0);
	assert_int_equal(ledger_tariff_add(site->ledger, &tariff), 0);
	assert_int_equal(ledger_commit(site->ledger), 0);
	assert_int_equal(station_load_tariffs(site->building.station), 0);
}

#define DAYS "[days all]\non = mon-sun\nbands = 00:00 valley 08:00 peak 22:00 valley\n"

/* Room 101: a meter whose T1 is its peak, from 8 to 22 by its own clock. */
static struct played_meter *add_room(struct site *site)
{
	struct played_meter *meter = site_add_meter(site, 2000);
	json_t *rows = json_pack("[{s:s,s:s,s:s,s:s,s:s,s:s,s:s}]", "room", "101", "circuit",
				 "sockets", "line", "A", "address", "1", "model",
				 "orno-we514-we515", "breaker_a", "32", "opening_minor", "100000");

	meter->orno = true;
	meter->peak_from_s = 8 * HOUR_S;
	meter->peak_to_s = 22 * HOUR_S;
	meter->band_uwh[0] = INT64_C(704567) * 1000000;
	meter->band_uwh[1] = INT64_C(529999) * 1000000;
	assert_int_equal(
		station_rooms_add(site->building.station, rows, false, "", "", no_finding, NULL),
		0);
	json_decref(rows);
	return meter;
}

static void declare(struct site *site, const char *first, const char *second)
{
	struct config_bands *bands = &site->config.bands[site->config.bands_count++];

	*bands = (struct config_bands){.name = "b", .meters = "orno-we514-we515"};
	(void)snprintf(bands->names.name[0], sizeof(bands->names.name[0]), "%s", first);
	(void)snprintf(bands->names.name[1], sizeof(bands->names.name[1]), "%s", second);
}

static void run_to(struct site *site, int64_t at_s)
{
	struct played_building *building = &site->building;

	played_run(building, (at_s - building->base_s) * 1000000);
}

struct charges {
	int64_t behind_s;
	size_t count;
	struct entry entry[CHARGES_MAX];
};

static int charge_row(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct charges *charges = userdata;

	(void)balance_nano;
	if (entry->kind == ENTRY_CHARGE && entry->to_s > charges->behind_s) {
		assert_true(charges->count < CHARGES_MAX);
		charges->entry[charges->count++] = *entry;
	}
	return 0;
}

/* The charges behind an instant; the newest first. */
static struct charges charges_behind(struct site *site, int64_t behind_s)
{
	static struct charges charges;

	charges.behind_s = behind_s;
	charges.count = 0;
	assert_int_equal(ledger_entries_tail(site->ledger,
					     site_room(site, "101")->record.account_id, 0,
					     CHARGES_MAX, charge_row, &charges),
			 0);
	return charges;
}

static bool alarmed(const struct site *site)
{
	return alarms_find(&site->building.station->alarms, ALARM_BAND_REGISTERS, "101 sockets") !=
	       NULL;
}

static int64_t band_wh(const struct played_meter *meter, int band)
{
	return meter->band_uwh[band] / 10000000 * 10;
}

static void a_gap_over_a_boundary(void **state)
{
	static const struct {
		const char *sentence;
		const char *first, *second, *more;
		int64_t clock_ahead_s;
		bool frozen, restart;
		bool by_register, alarm;
	} cases[] = {
		{"two rates, a right clock: by the registers, to the nano", "peak", "valley", DAYS,
		 0, false, false, true, false},
		{"a clock that is four minutes ahead: the same", "peak", "valley", DAYS, 240, false,
		 false, true, false},
		{"prepayd was killed in the gap: the ledger has them", "peak", "valley", DAYS, 0,
		 false, true, true, false},
		{"a clock three hours ahead: by time, and an alarm", "peak", "valley", DAYS,
		 3 * HOUR_S, false, false, false, true},
		{"the same, and prepayd was killed in the gap: the doubt is kept", "peak", "valley",
		 DAYS, 3 * HOUR_S, false, true, false, true},
		{"declared the wrong way round", "valley", "peak", DAYS, 0, false, false, false,
		 true},
		{"registers that stand still", "peak", "valley", DAYS, 0, true, false, false, true},
		{"the tariff has a band more", "peak", "valley",
		 "[band flat]\nprice = 0.5\n"
		 "[days all]\non = mon-sun\nbands = 00:00 valley 08:00 peak 12:00 flat 22:00 "
		 "valley\n",
		 0, false, false, false, true},
		{"nothing is declared", "", "", DAYS, 0, false, false, false, false},
	};

	size_t count = (size_t)random_rounds(sizeof(cases) / sizeof(cases[0]));
	for (size_t i = 0; i < count; i++) {
		struct site *site;
		struct station_supply *supply;
		struct charges charges;
		int64_t from_wh, valley_wh, wh;

		print_message("%s\n", cases[i].sentence);
		assert_int_equal(site_setup(state), 0);
		site = *state;
		if (cases[i].first[0] != '\0')
			declare(site, cases[i].first, cases[i].second);
		apply_tariff(site, cases[i].more);
		struct played_meter *meter = add_room(site);
		meter->clock_ahead_s = cases[i].clock_ahead_s;
		meter->bands_frozen = cases[i].frozen;
		/* Settled at a quarter past 6. It goes silent, and the load falls when the band changes. */
		run_to(site, START_S + 6 * HOUR_S + 1800);
		supply = site_room(site, "101")->supplies[0];
		assert_int_equal(supply->bands != NULL, cases[i].first[0] != '\0');
		from_wh = supply->settled.wh;
		valley_wh = -(supply->bands != NULL ? supply->bands->settled.wh[1] : 0);
		meter->dead = true;
		if (cases[i].restart) {
			site_close(site);
			site_open(site);
		}
		run_to(site, START_S + 8 * HOUR_S);
		meter->load_w = 100;
		run_to(site, START_S + 10 * HOUR_S);
		meter->load_w = 0;
		meter->dead = false;
		run_to(site, START_S + 10 * HOUR_S + 600);
		supply = site_room(site, "101")->supplies[0];
		wh = played_register_wh(meter) - from_wh;
		valley_wh += band_wh(meter, 1);
		assert_int_equal(supply->settled.wh, played_register_wh(meter));
		assert_int_equal(alarmed(site), cases[i].alarm);
		charges = charges_behind(site, START_S + 7 * HOUR_S);
		assert_int_equal(charges.count, 2);
		assert_int_equal(charges.entry[1].price_micro_per_kwh, VALLEY);
		assert_int_equal(charges.entry[0].price_micro_per_kwh, PEAK);
		assert_int_equal(charges.entry[0].energy_wh + charges.entry[1].energy_wh, wh);
		assert_int_equal(charges.entry[1].to_s, START_S + 8 * HOUR_S);
		assert_int_equal(charges.entry[0].from_s, START_S + 8 * HOUR_S);
		if (cases[i].by_register) {
			assert_int_equal(charges.entry[1].energy_wh, valley_wh);
			assert_int_equal(charges.entry[1].amount_nano, -valley_wh * VALLEY);
			assert_int_equal(charges.entry[0].amount_nano, -(wh - valley_wh) * PEAK);
			assert_int_equal(charges.entry[0].flags, ENTRY_BY_REGISTER);
			/* Not what time would say: about half of it. */
			assert_true(charges.entry[0].energy_wh < wh / 10);
		} else {
			assert_int_equal(charges.entry[0].flags, ENTRY_SPLIT_BY_TIME);
			assert_true(charges.entry[0].energy_wh > wh / 3);
		}
		assert_int_equal(charges.entry[1].flags, charges.entry[0].flags);
		assert_int_equal(site_teardown(state), 0);
	}
}

/* Nothing is used for so many days, and then something. */
static void idle_then_use(struct site *site, struct played_meter *meter, int64_t days,
			  int64_t until_s)
{
	meter->load_w = 0;
	played_run(&site->building, site->building.now_us + 5 * MINUTE_US);
	site->building.base_s += days * CALENDAR_DAY_S;
	played_run(&site->building, site->building.now_us + 5 * MINUTE_US);
	meter->load_w = 2000;
	run_to(site, until_s);
}

/* A doubt ends when the clock is set, and a timetable has passed. */
static void a_clock_that_was_set_is_believed_after_eight_days(void **state)
{
	assert_int_equal(site_setup(state), 0);
	struct site *site = *state;
	declare(site, "peak", "valley");
	apply_tariff(site, DAYS);
	struct played_meter *meter = add_room(site);

	meter->clock_ahead_s = 3 * HOUR_S;
	run_to(site, START_S + 7 * HOUR_S);
	assert_true(alarmed(site));
	meter->clock_ahead_s = 0;
	/* Over the boundary at 8. */
	idle_then_use(site, meter, 7, START_S + 7 * CALENDAR_DAY_S + 9 * HOUR_S);
	assert_true(alarmed(site));
	/* The next settlement by period. */
	idle_then_use(site, meter, 1, START_S + 8 * CALENDAR_DAY_S + 16 * HOUR_S);
	assert_false(alarmed(site));
	assert_int_equal(site_teardown(state), 0);
}

/* The new meter's registers say nothing of the old one's, and count from its own beginning on. */
static void an_exchange_begins_anew(void **state)
{
	assert_int_equal(site_setup(state), 0);
	struct site *site = *state;
	struct station_decision decision;
	const struct station_change change = {.who = "root", .why = "broken"};
	declare(site, "peak", "valley");
	apply_tariff(site, DAYS);
	struct played_meter *meter = add_room(site);

	run_to(site, START_S + 7 * HOUR_S);
	meter->dead = true;
	run_to(site, START_S + 9 * HOUR_S);
	struct station_supply *supply = site_room(site, "101")->supplies[0];
	assert_true(supply->bands->settled.known);
	int64_t final_wh = played_register_wh(meter);
	site->building.station->now = played_now(&site->building);
	assert_int_equal(station_begin(site->building.station), 0);
	assert_int_equal(station_register_exchange(site->building.station, &change, supply,
						   final_wh, 50, "", &decision),
			 0);
	assert_int_equal(station_commit(site->building.station), 0);
	station_register_decided(site->building.station, supply);
	assert_false(supply->bands->settled.known && supply->bands->accepted.known);
	struct charges charges = charges_behind(site, START_S + 7 * HOUR_S);
	assert_int_equal(charges.count, 2);
	assert_int_equal(charges.entry[0].flags, ENTRY_SPLIT_BY_TIME);
	/* Its own two registers begin elsewhere; over the next boundary they are of use. */
	meter->energy_uwh = INT64_C(50) * 1000000;
	meter->band_uwh[0] = INT64_C(30) * 1000000;
	meter->band_uwh[1] = INT64_C(20) * 1000000;
	meter->load_w = 500;
	meter->dead = false;
	run_to(site, START_S + 21 * HOUR_S);
	assert_true(supply->bands->settled.known);
	meter->dead = true;
	run_to(site, START_S + 23 * HOUR_S);
	meter->dead = false;
	run_to(site, START_S + 23 * HOUR_S + 600);
	charges = charges_behind(site, START_S + 21 * HOUR_S);
	assert_int_equal(charges.count, 2);
	assert_int_equal(charges.entry[0].flags, ENTRY_BY_REGISTER);
	assert_false(alarmed(site));
	assert_int_equal(site_teardown(state), 0);
}

/* What no meter of a model can have is refused at the start, by its place. */
static void a_register_that_no_model_has_is_refused(void **state)
{
	static const struct {
		const char *sentence, *meters;
		int band;
		const char *error;
	} cases[] = {
		{"a third register of a meter with two", "orno-we514-we515", 2,
		 "[bands b]: band_3: orno-we514-we515 has 2 registers of bands"},
		{"a model that there is not", "orno", 0, "[bands b]: no model is named orno"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ledger_failure failure;
		struct site *site;

		print_message("%s\n", cases[i].sentence);
		assert_int_equal(site_setup(state), 0);
		site = *state;
		site_add_meter(site, 100);
		site_add_room(site, 101, 1000, "sockets", true, 1);
		site_close(site);
		declare(site, "", "");
		(void)snprintf(site->config.bands[0].meters, sizeof(site->config.bands[0].meters),
			       "%s", cases[i].meters);
		(void)snprintf(site->config.bands[0].names.name[cases[i].band],
			       sizeof(site->config.bands[0].names.name[0]), "peak");
		assert_int_equal(site_try_open(site, &failure), -EINVAL);
		assert_string_equal(failure.text, cases[i].error);
		site->config.bands_count = 0;
		site_open(site);
		assert_int_equal(site_teardown(state), 0);
	}
}

/* Which meter a circuit has is the ledger's, and keeps no daemon from starting. */
static void a_register_that_a_circuit_s_meter_has_not_is_an_alarm(void **state)
{
	assert_int_equal(site_setup(state), 0);
	struct site *site = *state;
	const struct alarm *alarm;

	site_add_meter(site, 100);
	site_add_room(site, 101, 1000, "sockets", true, 1);
	site_close(site);
	declare(site, "peak", "valley");
	(void)snprintf(site->config.bands[0].meters, sizeof(site->config.bands[0].meters),
		       "101/sockets 102/sockets");
	site_open(site);
	alarm = alarms_find(&site->building.station->alarms, ALARM_BAND_REGISTERS, "101 sockets");
	assert_non_null(alarm);
	assert_string_equal(alarm->detail, "[bands b]: band_1: hiking-dds238-sr has 0 registers of "
					   "bands; not used");
	assert_null(site_room(site, "101")->supplies[0]->bands);
	assert_int_equal(site_teardown(state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gap_over_a_boundary),
		cmocka_unit_test(a_clock_that_was_set_is_believed_after_eight_days),
		cmocka_unit_test(an_exchange_begins_anew),
		cmocka_unit_test(a_register_that_no_model_has_is_refused),
		cmocka_unit_test(a_register_that_a_circuit_s_meter_has_not_is_an_alarm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
