/* Bands and blocks in the station: over days, meters and restarts. */
#include "tests/system/station_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_tariff.h"
#include "concentrator/station_persons.h"
#include "concentrator/station_snapshot.h"
#include "concentrator/station_tariff.h"
#include "concentrator/station_use.h"

static void apply(struct site *site, const char *text)
{
	struct ledger_tariff tariff = {.name = "t", .activation_s = START_S, .text = text};

	assert_int_equal(ledger_begin(site->ledger), 0);
	assert_int_equal(ledger_tariff_add(site->ledger, &tariff), 0);
	assert_int_equal(ledger_commit(site->ledger), 0);
	assert_int_equal(station_load_tariffs(site->building.station), 0);
}

static void restart(struct site *site)
{
	site_close(site);
	site->building.now_us += 45 * 1000000;
	site_open(site);
}

/* What pricing kept from entry to entry is what the entries add up to. */
static void assert_use_follows(struct site *site, struct station_room *room)
{
	struct tariff_use kept = room->use;

	assert_int_equal(station_load_use(site->building.station), 0);
	assert_memory_equal(&room->use.now, &kept.now, sizeof(kept.now));
	assert_memory_equal(&room->use.before, &kept.before, sizeof(kept.before));
	assert_memory_equal(&room->use.free_now, &kept.free_now, sizeof(kept.free_now));
	assert_memory_equal(&room->use.free_before, &kept.free_before, sizeof(kept.free_before));
}

/* -energy_wh and flags of all charges. */
struct charges {
	int64_t wh;
	int64_t nano;
	uint32_t flags;
	int count;
};

static int charge_row(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct charges *charges = userdata;

	(void)balance_nano;
	if (entry->kind == ENTRY_CHARGE) {
		charges->wh += entry->energy_wh;
		charges->nano -= entry->amount_nano;
		charges->flags |= entry->flags;
		charges->count++;
	}
	return 0;
}

static struct charges charges_of(struct site *site, const char *room)
{
	struct charges charges = {0};

	assert_int_equal(ledger_entries_tail(site->ledger, site_room(site, room)->record.account_id,
					     0, INT32_MAX, charge_row, &charges),
			 0);
	return charges;
}

static void blocks_count_all_meters_of_an_account_across_restarts(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct charges charges;

	site_add_meter(site, 1000);
	site_add_room(site, 101, 100000, "sockets", true, 1);
	site_add_meter(site, 700);
	site_add_room(site, 101, 0, "cooling", true, 2);
	apply(site, "[tariff]\nname = t\nactivation = receipt\n[energy]\n"
		    "blocks = 20 41\nreset = month 1\nprice = 0.5 0.6 0.9\n");
	for (int i = 1; i <= 5; i++) {
		played_run(building, i * 7 * HOUR_US);
		assert_use_follows(site, site_room(site, "101"));
		restart(site);
	}
	played_run(building, 36 * HOUR_US);
	charges = charges_of(site, "101");
	/* 1.7 kW for 30 hours at least: into the third block. */
	assert_in_range(charges.wh, 51000, 61200);
	assert_int_equal(charges.nano, 20000 * INT64_C(500000) + 21000 * INT64_C(600000) +
					       (charges.wh - 41000) * INT64_C(900000));
	assert_int_equal(site_room(site, "101")->use.now.wh, charges.wh);
}

static void days_of_blocks_and_bands_need_no_split_by_time(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct charges charges;

	site_add_meter(site, 1000);
	site_add_room(site, 101, 100000, "sockets", true, 1);
	apply(site, "[tariff]\nname = t\nactivation = receipt\n[energy]\n"
		    "blocks = 10\nreset = day\n"
		    "[band peak]\nprice = 0.5 1\n[band valley]\nprice = 0.25 0.5\n"
		    "[days all]\non = mon-sun\nbands = 00:00 valley 08:00 peak 22:00 valley\n");
	played_run(building, 49 * HOUR_US);
	assert_use_follows(site, site_room(site, "101"));
	charges = charges_of(site, "101");
	/* A reading a minute is within 30 s of every boundary. A day: 8 kWh of valley, 2 and 12 of
	 * peak, 2 of valley; 2.00 + 1.00 + 12.00 + 1.00. A register step either way. */
	assert_in_range(charges.wh, 47900, 48100);
	assert_in_range(charges.nano, INT64_C(31900000000), INT64_C(32100000000));
	assert_int_equal(charges.flags, 0);
	/* Midnight, 08:00, the block's end, 14:00, 20:00, 22:00: few. */
	assert_in_range(charges.count, 8, 18);
}

static int64_t used_wh(struct site *site)
{
	return site_room(site, "101")->use.now.wh;
}

static void assert_snapshot_of_these_prices(struct site *site)
{
	struct ledger_snapshot *snapshot;
	uint8_t key[DIGEST_SIZE];

	assert_int_equal(station_use_key(site->building.station, key), 0);
	assert_int_equal(ledger_snapshot_read(site->ledger, &snapshot), 0);
	assert_memory_equal(snapshot->key, key, sizeof(key));
	free(snapshot);
}

static void a_start_goes_on_from_the_snapshot_unless_prices_changed_since(void **state)
{
	static const char *const prices[] = {
		"[tariff]\nname = t\nactivation = receipt\n[energy]\n"
		"blocks = 20 41\nreset = month 1\nprice = 0.5 0.6 0.9\n",
		"[tariff]\nname = t\nactivation = receipt\n[energy]\n"
		"blocks = 20 42\nreset = month 1\nprice = 0.5 0.6 0.9\n"};
	struct site *site = *state;
	struct played_building *building = &site->building;

	site_add_meter(site, 1000);
	site_add_room(site, 101, 100000, "sockets", true, 1);
	apply(site, prices[0]);
	played_run(building, 7 * HOUR_US);
	assert_in_range(used_wh(site), 5000, 7100);
	assert_int_equal(station_snapshot_take(building->station), 0);
	played_run(building, 14 * HOUR_US);
	int64_t used = used_wh(site);
	assert_true(used > 7100);
	restart(site);
	assert_int_equal(used_wh(site), used);

	/* A position that is 5 Wh off shows where the start gets it from. */
	site_room(site, "101")->use.now.wh += 5;
	assert_int_equal(station_snapshot_take(building->station), 0);
	restart(site);
	assert_int_equal(used_wh(site), used + 5);
	apply(site, prices[1]);
	assert_int_equal(used_wh(site), used);
	played_run(building, 21 * HOUR_US);
	assert_snapshot_of_these_prices(site);
	used = used_wh(site);
	restart(site);
	assert_int_equal(used_wh(site), used);
}

static void a_refused_snapshot_is_an_alarm_and_replaced(void **state)
{
	struct site *site = *state;
	char command[256];

	site_add_meter(site, 1000);
	site_add_room(site, 101, 100000, "sockets", true, 1);
	played_run(&site->building, 7 * HOUR_US);
	assert_int_equal(station_snapshot_take(site->building.station), 0);
	int64_t balance = site_room(site, "101")->settled_nano;
	site_close(site);
	(void)snprintf(command, sizeof(command),
		       "/usr/bin/python3 -c \"import sqlite3; d = sqlite3.connect('%s/ledger.db'); "
		       "d.execute('UPDATE snapshot SET sha256 = zeroblob(32)'); d.commit()\"",
		       site->folder);
	assert_int_equal(system(command), 0);
	site_open(site);
	assert_int_equal(alarms_count(&site->building.station->alarms, ALARM_WARNING), 1);
	assert_int_equal(site_room(site, "101")->settled_nano, balance);
	played_run(&site->building, 7 * HOUR_US + MINUTE_US);
	assert_true(ledger_snapshot_seq(site->ledger) > 0);
	restart(site);
	assert_string_equal(ledger_snapshot_refusal(site->ledger), "");
}

static void free_energy_keeps_the_supply_on_and_then_ends_with_a_notice(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 2000);
	struct charges charges;

	/* Ten kWh of nobody's money, in debt: five hours. */
	site_add_room(site, 101, -500, "sockets", true, 1);
	apply(site, "[tariff]\nname = t\nactivation = receipt\n[energy]\nprice = 0.5\n"
		    "[allowance]\nenergy = 5\nevery = month 1\nper = person\nin-blocks = no\n");
	played_run(building, MINUTE_US);
	assert_int_equal(station_persons_set(building->station, site_room(site, "101"), 2, "x"), 0);
	/* It was given for one person already: the second counts from the next period on. */
	played_run(building, 2 * HOUR_US);
	restart(site);
	played_run(building, 2 * HOUR_US + 10 * MINUTE_US);
	assert_in_range(site_room(site, "101")->free_wh, 550, 720);
	assert_int_equal(site_room(site, "101")->live_nano, -INT64_C(5000000000));
	assert_true(meter->closed);
	assert_false(site_room(site, "101")->money.noticed);
	/* Foreseen ten minutes ahead, and cut when it is used up. */
	played_run(building, 2 * HOUR_US + 25 * MINUTE_US);
	assert_true(site_room(site, "101")->money.noticed);
	assert_true(meter->closed);
	played_run(building, 2 * HOUR_US + 36 * MINUTE_US);
	assert_false(meter->closed);
	assert_use_follows(site, site_room(site, "101"));
	charges = charges_of(site, "101");
	assert_int_equal(charges.flags & (ENTRY_FREE | ENTRY_UNCOUNTED),
			 ENTRY_FREE | ENTRY_UNCOUNTED);
	assert_int_equal(charges.nano, (charges.wh - 5000) * 500000);

	/* The next month brings it back, twice as much. */
	building->base_s += 31 * CALENDAR_DAY_S;
	played_run(building, building->now_us + 5 * MINUTE_US);
	assert_true(meter->closed);
	assert_in_range(site_room(site, "101")->free_wh, 9700, 10000);
}

/* The box is switched off and on again, and does not know the time. */
static void power_cut(struct site *site)
{
	site_close(site);
	site->building.now_us += 20 * MINUTE_US;
	site->building.trusted = false;
	site->boot = "fedcba9876543210fedcba9876543210";
	site_open(site);
}

static void later_tariff(struct site *site, const char *price, int64_t activation_s)
{
	char text[128];
	struct ledger_tariff tariff = {.name = "t", .activation_s = activation_s, .text = text};

	snprintf(text, sizeof(text),
		 "[tariff]\nname = t\nactivation = receipt\n[energy]\nprice = %s\n", price);
	assert_int_equal(ledger_begin(site->ledger), 0);
	assert_int_equal(ledger_tariff_add(site->ledger, &tariff), 0);
	assert_int_equal(ledger_commit(site->ledger), 0);
	assert_int_equal(station_load_tariffs(site->building.station), 0);
}

/* M7: 0.5, and 0.8 from two hours on. A room is added, and another recharged, while the time is not known, and
 * the power goes before it is. The cheapest counts of what the time can have been, and that is not before
 * what the ledger had heard from the clock. */
static void a_life_begun_without_the_time_is_charged_by_what_can_have_been(void **state)
{
	static const struct {
		const char *sentence;
		int64_t lost_us; /* the clock is not trusted from then on */
		int64_t price_micro;
	} cases[] = {
		{"lost after the dearer price came: the dearer price", 2 * HOUR_US + 10 * MINUTE_US,
		 800000},
		{"lost before: the cheaper one, although most was used later",
		 HOUR_US + 50 * MINUTE_US, 500000},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct site *site = *state;
		struct played_building *building = &site->building;
		int64_t lost_wh;

		print_message("%s\n", cases[i].sentence);
		if (i > 0) {
			assert_int_equal(site_teardown(state), 0);
			assert_int_equal(site_setup(state), 0);
			site = *state;
			building = &site->building;
		}
		site_add_meter(site, 1000);
		site_add_room(site, 101, 100000, "sockets", true, 1);
		later_tariff(site, "0.8", START_S + 7200);
		played_run(building, cases[i].lost_us);
		struct charges before = charges_of(site, "101");
		building->trusted = false;
		played_run(building, cases[i].lost_us + 20 * MINUTE_US);
		struct played_meter *meter = site_add_meter(site, 1000);
		lost_wh = played_register_wh(meter);
		site_add_room(site, 102, 100000, "sockets", true, 1);
		assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 100), NULL),
				    "applied");
		played_run(building, building->now_us + 2 * HOUR_US);
		power_cut(site);
		played_run(building, building->now_us + 30 * MINUTE_US);
		assert_int_equal(charges_of(site, "102").count, 0);
		/* What is shown meanwhile is what will be charged. */
		int64_t shown_nano = site_room(site, "102")->live_nano;
		assert_true(shown_nano < 100000 * INT64_C(10000000));
		building->trusted = true;
		played_run(building, building->now_us + 5 * MINUTE_US);

		struct charges new = charges_of(site, "102");
		assert_in_range(new.wh, 2500, played_register_wh(meter) - lost_wh);
		assert_int_equal(new.flags, ENTRY_UNTIMED);
		assert_int_equal(new.nano, new.wh *cases[i].price_micro);
		assert_true(site_room(site, "102")->live_nano <= shown_nano);
		/* The other room was settled in between, and goes on from there. */
		struct charges old = charges_of(site, "101");
		assert_in_range(old.wh - before.wh, 2500,
				played_register_wh(&building->meter[0]) - 1234560 - before.wh);
		assert_true(old.flags & ENTRY_UNTIMED);
		assert_in_range(old.nano - before.nano, (old.wh - before.wh) * 500000,
				(old.wh - before.wh) * 800000);
		if (cases[i].price_micro == 800000)
			assert_true(old.nano - before.nano > (old.wh - before.wh - 200) * 800000);
		assert_use_follows(site, site_room(site, "102"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			blocks_count_all_meters_of_an_account_across_restarts, site_setup,
			site_teardown),
		cmocka_unit_test_setup_teardown(
			free_energy_keeps_the_supply_on_and_then_ends_with_a_notice, site_setup,
			site_teardown),
		cmocka_unit_test_setup_teardown(
			a_life_begun_without_the_time_is_charged_by_what_can_have_been, site_setup,
			site_teardown),
		cmocka_unit_test_setup_teardown(days_of_blocks_and_bands_need_no_split_by_time,
						site_setup, site_teardown),
		cmocka_unit_test_setup_teardown(
			a_start_goes_on_from_the_snapshot_unless_prices_changed_since, site_setup,
			site_teardown),
		cmocka_unit_test_setup_teardown(a_refused_snapshot_is_an_alarm_and_replaced,
						site_setup, site_teardown),
	};

	return cmocka_run_group_tests_name("station_tariff", tests, NULL, NULL);
}
