/* disk_day.c - what a building of 128 rooms writes to its disk in a day: prints "figure value", one a line.
 *
 * disk_bytes_per_day: the very station on a building in virtual time whose meters are polled every 2 s, for
 * DISK_HOURS from a midnight on, all files, scaled to a day. The other two are what it would be if readings
 * were committed: each by itself, and all rooms together every 2 s; with the same ledger, scaled from
 * CYCLES of 2 s.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_tariff.h"
#include "concentrator/station_tariff.h"
#include "tests/bench/counting_vfs.h"
#include "tests/system/station_site.h"

#define ROOMS      128
#define DISK_HOURS 24
#define CYCLES     300
#define CYCLES_DAY 43200
#define POLL_US    INT64_C(2000000)
#define PRICES                                                                                     \
	"[tariff]\nname = bench\nactivation = receipt\n[energy]\nblocks = 230 400\n"               \
	"reset = month 1\n[band peak]\nprice = 0.9 1.0 1.3\n[band valley]\nprice = 0.3 0.4 0.6\n"  \
	"[days all]\non = mon-sun\nbands = 00:00 valley 08:00 peak 22:00 valley\n"

static void append_reading(struct site *site, const struct station_supply *supply,
			   int64_t *settled_wh)
{
	struct entry entry = {.kind = ENTRY_CHARGE,
			      .account_id = supply->room->record.account_id,
			      .point_id = supply->record.point_id,
			      .life_id = supply->life.id,
			      .at_s = START_S + 1,
			      .at_trusted = true,
			      .boot = "0123456789abcdef0123456789abcdef",
			      .amount_nano = -500000,
			      .energy_wh = 1,
			      .from_wh = *settled_wh,
			      .to_wh = *settled_wh + 1,
			      .from_s = START_S,
			      .to_s = START_S + 2,
			      .price_micro_per_kwh = 500000,
			      .who = "prepayd",
			      .why = "poll"};

	assert_int_equal(ledger_entry_append(site->ledger, &entry), 0);
	(*settled_wh)++;
}

static int64_t commit_readings(struct site *site, bool each)
{
	static int64_t settled_wh[ROOMS];
	const struct station *station = site->building.station;
	int64_t before = counting_vfs_bytes();

	for (size_t i = 0; i < ROOMS; i++)
		if (settled_wh[i] == 0)
			settled_wh[i] = station->supplies[i]->settled.wh;
	for (int cycle = 0; cycle < CYCLES; cycle++) {
		for (size_t i = 0; i < ROOMS; i++) {
			if (each || i == 0)
				assert_int_equal(ledger_begin(site->ledger), 0);
			append_reading(site, station->supplies[i], &settled_wh[i]);
			if (each || i == ROOMS - 1)
				assert_int_equal(ledger_commit(site->ledger), 0);
		}
	}
	return (counting_vfs_bytes() - before) * (CYCLES_DAY / CYCLES);
}

static void a_day_of_the_station_and_of_two_that_commit_readings(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct ledger_tariff tariff = {.name = "bench", .activation_s = START_S, .text = PRICES};
	int64_t before;

	for (int i = 0; i < ROOMS; i++) {
		site_add_meter(site, 300 + 10 * i);
		site_add_room(site, 101 + i, 1000000, "sockets", true, 1);
	}
	assert_int_equal(ledger_begin(site->ledger), 0);
	assert_int_equal(ledger_tariff_add(site->ledger, &tariff), 0);
	assert_int_equal(ledger_commit(site->ledger), 0);
	assert_int_equal(station_load_tariffs(building->station), 0);
	played_run(building, HOUR_US);
	assert_true(building->station->polls > 0);

	int64_t polls = building->station->polls;
	before = counting_vfs_bytes();
	while (building->now_us < (1 + DISK_HOURS) * HOUR_US) {
		played_run(building, building->now_us + 5 * MINUTE_US);
		played_read_ledger(building); /* the profile's file too */
	}
	printf("disk_bytes_per_day %lld\n",
	       (long long)((counting_vfs_bytes() - before) * 24 / DISK_HOURS));
	printf("disk_polls_per_room_hour %lld\n",
	       (long long)((building->station->polls - polls) / ROOMS / DISK_HOURS));
	printf("disk_bytes_per_day_commit_per_cycle %lld\n",
	       (long long)commit_readings(site, false));
	printf("disk_bytes_per_day_commit_per_poll %lld\n", (long long)commit_readings(site, true));
}

static int set_up(void **state)
{
	struct site *site;

	assert_int_equal(counting_vfs_register(), 0);
	if (site_setup(state) != 0)
		return -1;
	/* A line fast enough to read 128 meters every 2 s. */
	site = *state;
	site_close(site);
	site->building.faster = 12;
	site->config.store.profile_days = 62;
	snprintf(site->config.store.profile, sizeof(site->config.store.profile), "%s/profile.db",
		 site->folder);
	site->read_period_us = POLL_US;
	site_open(site);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_day_of_the_station_and_of_two_that_commit_readings, set_up,
			site_teardown),
	};

	return cmocka_run_group_tests_name("disk_day", tests, NULL, NULL);
}
