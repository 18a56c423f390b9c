/* The station in trouble: what people and machines do to it that a good day does not. */
#include "tests/system/station_site.h"

#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_event.h"
#include "concentrator/ledger_key.h"
#include "concentrator/ledger_quarantine.h"
#include "concentrator/ledger_tariff.h"
#include "concentrator/station_load.h"
#include "concentrator/station_relay.h"
#include "concentrator/station_room.h"
#include "concentrator/station_tariff.h"
#include "concentrator/station_tenancy.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)

static void remove_room(struct site *site, const char *name)
{
	site->building.station->now = played_now(&site->building);
	struct station_closing closing;
	assert_int_equal(station_room_remove(site->building.station, site_room(site, name), true,
					     false, "test", "tester", &closing),
			 0);
}

static void a_room_with_a_dead_meter_can_be_removed(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	site_add_meter(site, 100);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	struct played_meter *dead = site_add_meter(site, 100);
	site_add_room(site, 102, 5000, "sockets", true, 1);
	played_run(building, HOUR_US);
	dead->dead = true;
	played_run(building, 2 * HOUR_US);
	assert_non_null(
		alarms_find(&building->station->alarms, ALARM_METER_DEAD, "line A address 2"));
	remove_room(site, "102");
	played_run(building, 3 * HOUR_US);
	assert_null(alarms_find(&building->station->alarms, ALARM_METER_DEAD, "line A address 2"));
	assert_null(
		alarms_find(&building->station->alarms, ALARM_METER_SILENT, "line A address 2"));
}

static void seventeen_tariffs_and_a_restart(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 100000, "sockets", true, 1);
	int64_t first_wh = played_register_wh(meter);
	for (int i = 1; i <= 20; i++) {
		char text[128];
		struct ledger_tariff tariff = {
			.name = "more", .activation_s = START_S + i * 3600, .text = text};
		snprintf(text, sizeof(text),
			 "[tariff]\nname = more\nactivation = receipt\n[energy]\nprice = 0.5%02d\n",
			 i);
		assert_int_equal(ledger_begin(site->ledger), 0);
		assert_int_equal(ledger_tariff_add(site->ledger, &tariff), 0);
		assert_int_equal(ledger_commit(site->ledger), 0);
		building->station->now = played_now(building);
		assert_int_equal(station_load_tariffs(building->station), 0);
		played_run(building, i * HOUR_US + 30 * MINUTE_US);
	}
	assert_int_equal(tariff_at(&building->station->book, building->station->now.s)
				 ->price_micro_per_kwh[0][0],
			 520000);
	site_close(site);
	site_open(site);
	assert_int_equal(tariff_at(&building->station->book, building->station->now.s)
				 ->price_micro_per_kwh[0][0],
			 520000);
	/* An hour at each price, the first at 0.50. */
	played_run(building, 21 * HOUR_US);
	int64_t expected_nano = 0;
	for (int i = 0; i <= 20; i++)
		expected_nano += (500000 + i * INT64_C(1000)) * 1000;
	int64_t live_nano = site_room(site, "101")->live_nano;
	assert_in_range(played_register_wh(meter) - first_wh, 20970, 21010);
	assert_in_range(INT64_C(1000000000000) - live_nano, expected_nano - 25000000,
			expected_nano + 25000000);
}

static void an_account_of_energy_settles(void **state)
{
	struct site *site = *state;
	struct ledger_totals totals;
	site_close(site);
	site->config.site.account = CONFIG_ACCOUNT_ENERGY;
	site_open(site);
	site_add_meter(site, 1000);
	site_add_room(site, 101, 10000, "sockets", true, 1); /* 100.00 kWh */
	played_run(&site->building, 25 * HOUR_US);
	assert_int_equal(ledger_totals_get(site->ledger, 0, &totals), 0);
	assert_in_range(totals.charged_wh, 23000, 24100);
	assert_int_equal(totals.balance_nano, INT64_C(100000000000) - totals.charged_wh * 1000000);
}

static int count_findings;

static void count_finding(size_t row, const char *column, const char *detail, void *userdata)
{
	(void)row;
	(void)userdata;
	print_message("%s %s\n", column, detail);
	count_findings++;
}

static void another_model_takes_the_place_of_a_removed_one(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	site_add_meter(site, 100);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	played_run(building, HOUR_US);
	remove_room(site, "101");
	json_t *rows = json_pack("[{s:s,s:s,s:s,s:s,s:s,s:s}]", "room", "101", "circuit", "sockets",
				 "line", "A", "address", "1", "model", "eastron-sdm120",
				 "breaker_a", "16");
	building->station->now = played_now(building);
	assert_int_equal(
		station_rooms_add(building->station, rows, false, "", "", count_finding, NULL), 0);
	json_decref(rows);
	played_run(building, 2 * HOUR_US);
	assert_string_equal(site_room(site, "101")->supplies[0]->meter->model->name,
			    "eastron-sdm120");
	site_close(site);
	site_open(site);
}

static void an_order_that_does_not_fit_leaves_the_room_chargeable(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	site->config.policy.order_max_minor = 0;
	site->config.policy.order_room_day_max_minor = 0;
	site->config.policy.order_day_max_minor = 0;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	int64_t first_wh = played_register_wh(meter);
	played_run(building, HOUR_US);
	/* 9 thousand million twice is more than an account holds. */
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 900000000000), "1"),
			    "applied");
	played_run(building, 2 * HOUR_US);
	assert_string_equal(site_deliver(site, site_credit(site, "r-2", "101", 900000000000), "2"),
			    "quarantined");
	played_run(building, 9 * HOUR_US);
	assert_string_equal(site_deliver(site, site_credit(site, "r-3", "101", 100), "3"),
			    "applied");
	site_assert_conserved(site, &first_wh,
			      INT64_C(50000000000) + INT64_C(9000000000000000000) +
				      INT64_C(1000000000));
}

static int count_relay_event(const struct ledger_event *event, void *userdata)
{
	int *count = userdata;
	*count += strcmp(event->type, "relay") == 0;
	return 0;
}

static int relay_events(struct site *site)
{
	int count = 0;
	assert_int_equal(ledger_events_each(site->ledger, 0, -1, 100000, count_relay_event, &count),
			 0);
	return count;
}

static void a_relay_opened_by_hand_during_a_restart_waits_for_a_person(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 50, "sockets", true, 1);
	played_run(building, 2 * HOUR_US);
	assert_false(meter->closed);
	site_deliver(site, site_credit(site, "r-1", "101", 1000), "1");
	played_run(building, 3 * HOUR_US);
	assert_true(meter->closed); /* by our command, and read back */
	int told = relay_events(site);

	site_close(site);
	site_open(site);
	played_run(building, 3 * HOUR_US + 30 * MINUTE_US);
	assert_int_equal(relay_events(site), told);

	site_close(site);
	meter->closed = false;
	site_open(site);
	played_run(building, 4 * HOUR_US);
	assert_false(meter->closed);
	assert_int_equal(station_service(site_room(site, "101")), SERVICE_ARMED_FOR_CONNECT);
}

static void line_is(struct site *site, enum line_state state)
{
	struct instant now = played_now(&site->building);
	station_line_state(site->building.station, 0, state, 0, &now);
}

static void wish(struct site *site, const char *name, enum layer layer, enum supply_wish position)
{
	struct station_supply *supply = site_room(site, name)->supplies[0];
	site->building.station->now = played_now(&site->building);
	supply->layers.wish[layer] = position;
	station_relay_review(site->building.station, supply);
}

static void a_command_that_waits_is_not_carried_out_against_a_newer_wish(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 100);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	played_run(building, HOUR_US);
	line_is(site, LINE_ABSENT);
	played_run(building, HOUR_US + MINUTE_US);
	wish(site, "101", LAYER_OPERATOR, SUPPLY_OFF);
	played_run(building, HOUR_US + 2 * MINUTE_US);
	wish(site, "101", LAYER_OPERATOR, SUPPLY_NO_WISH);
	played_run(building, HOUR_US + 3 * MINUTE_US);
	line_is(site, LINE_OK);
	played_run(building, HOUR_US + 10 * MINUTE_US);
	assert_true(meter->closed);
	assert_int_equal(meter->relay_writes, 0);

	/* A person at work locks out a circuit that was about to be closed. */
	wish(site, "101", LAYER_OPERATOR, SUPPLY_OFF);
	played_run(building, HOUR_US + 20 * MINUTE_US);
	assert_int_equal(meter->relay_writes, 1);
	line_is(site, LINE_ABSENT);
	wish(site, "101", LAYER_OPERATOR, SUPPLY_NO_WISH);
	played_run(building, HOUR_US + 21 * MINUTE_US);
	wish(site, "101", LAYER_LOCKOUT, SUPPLY_OFF);
	line_is(site, LINE_OK);
	played_run(building, HOUR_US + 30 * MINUTE_US);
	assert_false(meter->closed);
	assert_int_equal(meter->relay_writes, 1);
}

static void a_replay_after_the_key_was_withdrawn_changes_nothing(void **state)
{
	struct site *site = *state;
	struct ledger_key other = {.kid = "pay-2", .use = "credit", .to_s = INT64_MAX};
	site_add_meter(site, 100);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 200), "1"),
			    "applied");
	assert_int_equal(ledger_begin(site->ledger), 0);
	assert_int_equal(ledger_keyset_replace(site->ledger, 2, &other, 1, START_S), 0);
	assert_int_equal(ledger_commit(site->ledger), 0);
	assert_int_equal(station_load_keys(site->building.station), 0);
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "101", 200), "1"),
			    "duplicate");
	assert_string_equal(site_deliver(site, site_credit(site, "r-2", "101", 200), "2"),
			    "rejected");
	assert_int_equal(site_room(site, "101")->settled_nano, INT64_C(52000000000));
}

static void a_credit_is_taken_back_once(void **state)
{
	struct site *site = *state;
	site_add_meter(site, 100);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	site_deliver(site, site_credit(site, "r-1", "101", 200), "1");
	assert_string_equal(site_deliver(site, site_reversal(site, "r-2", "101", -150, "r-1"), "2"),
			    "applied");
	assert_string_equal(site_deliver(site, site_reversal(site, "r-3", "101", -51, "r-1"), "3"),
			    "quarantined");
	assert_string_equal(site_deliver(site, site_reversal(site, "r-4", "101", -50, "r-1"), "4"),
			    "applied");
	assert_string_equal(site_deliver(site, site_reversal(site, "r-5", "101", -1, "r-1"), "5"),
			    "quarantined");
	assert_int_equal(site_room(site, "101")->settled_nano, INT64_C(50000000000));
}

static void an_adapter_that_comes_and_goes_spares_the_flash(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	site_add_meter(site, 100);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	played_run(building, HOUR_US);
	int64_t commits = building->commits;
	for (int i = 0; i < 600; i++) {
		line_is(site, i % 2 == 0 ? LINE_ABSENT : LINE_OK);
		played_run(building, building->now_us + 1000000);
	}
	assert_in_range(building->commits - commits, 2, 25);
}

static int open_relays(const struct played_building *building)
{
	int open = 0;
	for (size_t i = 0; i < building->meters; i++)
		open += !building->meter[i].closed;
	return open;
}

static void held_cuts_stay_held_over_a_restart(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	/* Less than three minutes apart: the fourth within ten is one too many. */
	for (int i = 0; i < 4; i++) {
		site_add_meter(site, 1000);
		site_add_room(site, 101 + i, 500 + 2 * i, "sockets", true, 1);
	}
	played_run(building, 11 * HOUR_US);
	assert_int_equal(building->station->mass.held, MASS_CUT_MANY);
	assert_int_equal(open_relays(building), 3);
	int64_t noticed_nano = site_room(site, "104")->money.notice_nano;
	site_close(site);
	site_open(site);
	played_run(building, 12 * HOUR_US);
	assert_int_equal(open_relays(building), 3);
	assert_int_equal(site_room(site, "104")->money.notice_nano, noticed_nano);
	assert_non_null(alarms_find(&building->station->alarms, ALARM_MASS_CUT_HELD, "building"));
	mass_cut_confirm(&building->station->mass);
	played_run(building, 13 * HOUR_US);
	assert_int_equal(open_relays(building), 4);
	site_close(site);
	site_open(site);
	played_run(building, 14 * HOUR_US);
	assert_int_equal(building->station->mass.held, MASS_CUT_NONE);
}

static void link_is(struct site *site, const char *state)
{
	struct station *station = site->building.station;
	station->now = played_now(&site->building);
	snprintf(station->link.state, sizeof(station->link.state), "%s", state);
	station->link.reported_us = station->now.us;
	if (strcmp(state, "online") == 0)
		station->link.last_good_us = station->now.us;
}

/* Says so every minute, as the messenger does. */
static void run_with_link(struct site *site, const char *state, int64_t until_us)
{
	while (site->building.now_us < until_us) {
		link_is(site, state);
		played_run(&site->building, site->building.now_us + MINUTE_US);
	}
}

static void a_restart_does_not_forget_that_the_cloud_is_away(void **state)
{
	struct site *site = *state;
	snprintf(site->config.cloud.url, sizeof(site->config.cloud.url), "https://cloud.example");
	site->config.policy.cloud_away_s = 3600;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 500, "sockets", true, 1); /* ten hours */
	run_with_link(site, "online", 6 * HOUR_US);
	run_with_link(site, "away", 9 * HOUR_US + 55 * MINUTE_US);
	site_close(site);
	site_open(site);
	run_with_link(site, "connecting", 10 * HOUR_US + 30 * MINUTE_US);
	assert_true(meter->closed);
	assert_int_equal(site_room(site, "101")->money.hold, SUPPLY_HOLD_CLOUD);
	run_with_link(site, "online", 10 * HOUR_US + 35 * MINUTE_US);
	assert_false(meter->closed);
}

static void a_messenger_that_ended_leaves_no_cloud_behind(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	snprintf(site->config.cloud.url, sizeof(site->config.cloud.url), "https://cloud.example");
	site->config.policy.cloud_away_s = 3600;
	site_close(site);
	site_open(site);
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 500, "sockets", true, 1);
	run_with_link(site, "online", 6 * HOUR_US);
	played_run(building, 11 * HOUR_US); /* it was killed while all was well */
	assert_true(meter->closed);
	assert_non_null(alarms_find(&building->station->alarms, ALARM_CLOUD_AWAY, "cloud"));
}

static void what_stands_is_alarmed_again_after_a_restart(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *armed = site_add_meter(site, 100);
	site_add_room(site, 101, 5000, "sockets", true, 1);
	struct played_meter *far = site_add_meter(site, 100);
	site_add_room(site, 102, 5000, "sockets", true, 1);
	played_run(building, HOUR_US);
	armed->closed = false;
	far->glitch_count = INT64_MAX;
	far->glitch_raw = 0x00ABCDEF;
	played_run(building, 2 * HOUR_US);
	site_close(site);
	site_open(site);
	played_run(building, 2 * HOUR_US + MINUTE_US);
	const struct alarms *alarms = &building->station->alarms;
	assert_non_null(alarms_find(alarms, ALARM_ARMED_FOR_CONNECT, "101 sockets"));
	assert_non_null(alarms_find(alarms, ALARM_REGISTER_QUARANTINED, "102 sockets"));
	assert_int_equal(
		station_relay_connect(building->station, site_room(site, "101")->supplies[0]), 1);
	far->glitch_count = 0;
	played_run(building, 3 * HOUR_US);
	assert_int_equal(alarms_count(alarms, ALARM_WARNING) + alarms_count(alarms, ALARM_CRITICAL),
			 0);
	assert_true(armed->closed);
}

static void a_room_without_a_name_to_spare_is_shown_whole(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	char room[LEDGER_NAME_MAX + 1], circuit[LEDGER_NAME_MAX + 1], subject[100];
	struct played_meter *meter = site_add_meter(site, 100);
	/* Ten characters of three bytes and two of one, twice. */
	snprintf(room, sizeof(room), "%s",
		 "\xe6\x88\xbf\xe6\x88\xbf\xe6\x88\xbf\xe6\x88\xbf\xe6\x88\xbf"
		 "\xe6\x88\xbf\xe6\x88\xbf\xe6\x88\xbf\xe6\x88\xbf\xe6\x88\xbf"
		 "01");
	snprintf(circuit, sizeof(circuit), "%s", room);
	json_t *rows = json_pack("[{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}]", "room", room, "circuit",
				 circuit, "line", "A", "address", "1", "model", "hiking-dds238-sr",
				 "relay", "meter", "breaker_a", "16", "opening_minor", "5000");
	building->station->now = played_now(building);
	assert_int_equal(
		station_rooms_add(building->station, rows, false, "", "", count_finding, NULL), 0);
	json_decref(rows);
	played_run(building, HOUR_US);
	meter->closed = false;
	played_run(building, 2 * HOUR_US);
	snprintf(subject, sizeof(subject), "%s %s", room, circuit);
	const struct alarm *alarm = alarms_find(&building->station->alarms, ALARM_ARMED_FOR_CONNECT,
						subject);
	assert_non_null(alarm);
	assert_true(alarm->told); /* as JSON, so it is good UTF-8 */
	json_t *text = json_string(alarm->detail);
	assert_non_null(text);
	json_decref(text);
	meter->dead = true;
	played_run(building, 3 * HOUR_US);
	alarm = alarms_find(&building->station->alarms, ALARM_METER_SILENT, "line A address 1");
	assert_non_null(alarm);
	assert_true(alarm->told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_room_with_a_dead_meter_can_be_removed),
		CASE(seventeen_tariffs_and_a_restart),
		CASE(an_account_of_energy_settles),
		CASE(another_model_takes_the_place_of_a_removed_one),
		CASE(an_order_that_does_not_fit_leaves_the_room_chargeable),
		CASE(a_relay_opened_by_hand_during_a_restart_waits_for_a_person),
		CASE(a_command_that_waits_is_not_carried_out_against_a_newer_wish),
		CASE(a_replay_after_the_key_was_withdrawn_changes_nothing),
		CASE(a_credit_is_taken_back_once),
		CASE(an_adapter_that_comes_and_goes_spares_the_flash),
		CASE(held_cuts_stay_held_over_a_restart),
		CASE(a_restart_does_not_forget_that_the_cloud_is_away),
		CASE(a_messenger_that_ended_leaves_no_cloud_behind),
		CASE(what_stands_is_alarmed_again_after_a_restart),
		CASE(a_room_without_a_name_to_spare_is_shown_whole),
	};
	return cmocka_run_group_tests_name("station_trouble", tests, NULL, NULL);
}
