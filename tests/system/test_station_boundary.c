/* The price changes while a line is as full as can be: how near to it is each meter read? */
#include "tests/system/station_site.h"

#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_tariff.h"
#include "concentrator/station_money.h"
#include "concentrator/station_tariff.h"
#include "tests/unit/random.h"

#define EDGE_S     (START_S + 8 * 3600)
#define MIDNIGHT_S (START_S + CALENDAR_DAY_S)

static void apply_bands(struct site *site)
{
	struct ledger_tariff tariff = {
		.name = "t",
		.activation_s = START_S,
		.text = "[tariff]\nname = t\nactivation = receipt\n[energy]\n"
			"[band peak]\nprice = 1\n[band valley]\nprice = 0.25\n"
			"[days all]\non = mon-sun\nbands = 00:00 valley 08:00 peak 22:00 valley\n"};

	assert_int_equal(ledger_begin(site->ledger), 0);
	assert_int_equal(ledger_tariff_add(site->ledger, &tariff), 0);
	assert_int_equal(ledger_commit(site->ledger), 0);
	assert_int_equal(station_load_tariffs(site->building.station), 0);
}

/* A line of so many rooms, read as fast as it goes, half a minute before at_s. */
static struct site *fill(void **state, int meters, int slower, int64_t load_w, int64_t at_s)
{
	assert_int_equal(site_setup(state), 0);
	struct site *site = *state;
	struct played_building *building = &site->building;
	site->config.lines[0].baud = 9600 / slower;
	building->slower = slower;
	/* Before anything is read: what was used over a leap of the clock would be split by time. */
	building->base_s = at_s - 360 - building->now_us / 1000000;
	apply_bands(site);
	for (int i = 0; i < meters; i++) {
		site_add_meter(site, load_w);
		site_add_room(site, 101 + i, 100000, "sockets", true, 1);
	}
	building->station->lines[0].schedule.policy = schedule_policy_default();
	played_run(building, building->now_us + 330 * INT64_C(1000000));
	return site;
}

struct split {
	int rooms;
	int64_t wh;
};

static int split_row(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct split *split = userdata;

	(void)balance_nano;
	if (entry->kind == ENTRY_CHARGE && entry->flags & ENTRY_SPLIT_BY_TIME)
		split->wh += entry->energy_wh;
	return 0;
}

struct seen {
	int64_t first_s, last_s; /* of the readings that were settled, behind the boundary */
	int64_t mean_ms;         /* distance */
	struct split split;
	int64_t commits;
	int rooms;
};

/* When was each register read that is settled first from half a minute before the boundary on? */
struct watch {
	const struct station *station;
	int64_t before_wh[PLAYED_METERS_MAX];
	int64_t read_s[PLAYED_METERS_MAX]; /* 0: not yet */
};

static void on_commit(void *userdata)
{
	struct watch *watch = userdata;
	const struct station *station = watch->station;

	for (size_t i = 0; i < station->supply_count; i++) {
		const struct station_supply *supply = station->supplies[i];

		if (supply->settling_in == station->transaction && watch->read_s[i] == 0 &&
		    supply->settling.wh != watch->before_wh[i])
			watch->read_s[i] = supply->guard.accepted.at_s;
	}
}

static struct seen cross(struct site *site, int64_t at_s)
{
	struct played_building *building = &site->building;
	struct station *station = building->station;
	struct seen seen = {.first_s = INT64_MAX, .last_s = INT64_MIN};
	struct watch watch = {.station = station};
	int64_t sum_s = 0, commits = building->commits;

	for (size_t i = 0; i < station->supply_count; i++)
		watch.before_wh[i] = station->supplies[i]->settled.wh;
	building->on_commit = on_commit;
	building->userdata = &watch;
	played_run(building, building->now_us + MINUTE_US);
	building->on_commit = NULL;
	for (size_t i = 0; i < station->supply_count; i++) {
		int64_t away_s = watch.read_s[i] - at_s;

		/* One whose register has not moved since has nothing to settle. */
		if (watch.read_s[i] == 0)
			continue;
		sum_s += away_s < 0 ? -away_s : away_s;
		seen.rooms++;
		seen.first_s = away_s < seen.first_s ? away_s : seen.first_s;
		seen.last_s = away_s > seen.last_s ? away_s : seen.last_s;
	}
	seen.commits = building->commits - commits;
	seen.mean_ms = sum_s * 1000 / (seen.rooms > 0 ? seen.rooms : 1);
	/* Those that no reading was settled for are split when one is. */
	played_run(building, building->now_us + 3 * MINUTE_US);
	for (size_t i = 0; i < station->room_count; i++) {
		int64_t before = seen.split.wh;

		assert_int_equal(ledger_entries_tail(site->ledger,
						     station->rooms[i]->record.account_id, 0, 20,
						     split_row, &seen.split),
				 0);
		seen.split.rooms += seen.split.wh > before;
	}
	return seen;
}

static void every_meter_is_read_at_a_boundary_however_full_the_line(void **state)
{
	static const struct {
		const char *sentence;
		int meters, slower;
		int64_t load_w;
		int64_t at_s;
		int64_t first_s, last_s, mean_ms; /* in whole seconds, so up to one more */
	} cases[] = {
		{"64 at 9600, a band begins", 64, 1, 1400, EDGE_S, -3, 2, 1300},
		{"247 at 2400, a band begins", 247, 4, 1400, EDGE_S, -20, 19, 9900},
		{"the same, and steps so large that they are read twice", 247, 4, 2000, EDGE_S, -21,
		 25, 12000},
		{"64 at 9600, midnight: the registers are frozen", 64, 1, 1400, MIDNIGHT_S, 0, 3,
		 2300},
	};

	size_t count = (size_t)random_rounds(sizeof(cases) / sizeof(cases[0]));
	for (size_t i = 0; i < count; i++) {
		print_message("%s\n", cases[i].sentence);
		for (int tell = 0; tell < 2; tell++) {
			struct site *site = fill(state, cases[i].meters, cases[i].slower,
						 cases[i].load_w, cases[i].at_s);
			if (!tell)
				schedule_boundary(&site->building.station->lines[0].schedule, 0,
						  false);
			struct seen seen = cross(site, cases[i].at_s);
			print_message("  %s: %d s to %d s, on average %d ms; %d rooms, %d Wh split "
				      "by time; %d commits\n",
				      tell ? "asked for" : "by deadlines alone", (int)seen.first_s,
				      (int)seen.last_s, (int)seen.mean_ms, seen.split.rooms,
				      (int)seen.split.wh, (int)seen.commits);
			if (tell) {
				assert_true(seen.first_s >= cases[i].first_s);
				assert_true(seen.last_s <= cases[i].last_s);
				assert_true(seen.mean_ms <= cases[i].mean_ms);
				assert_int_equal(seen.rooms, cases[i].meters);
				assert_int_equal(seen.split.rooms, 0);
				assert_true(seen.commits <= 3);
			}
			assert_int_equal(site_teardown(state), 0);
		}
	}
}

static void a_relay_command_does_not_wait_for_a_boundary(void **state)
{
	struct site *site = fill(state, 64, 1, 1400, EDGE_S);
	struct played_building *building = &site->building;
	struct station_room *room = site_room(site, "140");

	played_run(building, (EDGE_S - building->base_s) * 1000000);
	assert_true(
		schedule_boundary_runs(&building->station->lines[0].schedule, building->now_us));
	room->supplies[0]->layers.wish[LAYER_OPERATOR] = SUPPLY_OFF;
	station_review(building->station, room);
	/* The read under way, and its own time. */
	played_run(building, building->now_us + 150000);
	assert_false(building->meter[39].closed);
	assert_true(
		schedule_boundary_runs(&building->station->lines[0].schedule, building->now_us));
	assert_int_equal(site_teardown(state), 0);
}

/* Before any of them is read again. */
static void the_last_reading_settles_them_all(void **state)
{
	struct site *site = fill(state, 64, 1, 1400, EDGE_S);
	struct played_building *building = &site->building;
	const struct station *station = building->station;
	int64_t commits;

	played_run(building, (EDGE_S - building->base_s) * 1000000 + 100000);
	commits = building->commits;
	while (schedule_boundary_runs(&station->lines[0].schedule, building->now_us)) {
		assert_int_equal(building->commits, commits);
		assert_true(played_now(building).s < EDGE_S + 5);
		played_run(building, building->now_us + 5000);
	}
	assert_int_equal(building->commits, commits + 1);
	for (size_t i = 0; i < station->supply_count; i++) {
		assert_int_equal(station->supplies[i]->settled.wh,
				 station->supplies[i]->guard.accepted.wh);
		/* What follows was used behind the boundary, should the clock be lost now. */
		assert_true(station->supplies[i]->settled.at_s >= EDGE_S);
	}
	assert_int_equal(site_teardown(state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_meter_is_read_at_a_boundary_however_full_the_line),
		cmocka_unit_test(a_relay_command_does_not_wait_for_a_boundary),
		cmocka_unit_test(the_last_reading_settles_them_all),
	};

	return cmocka_run_group_tests_name("station_boundary", tests, NULL, NULL);
}
