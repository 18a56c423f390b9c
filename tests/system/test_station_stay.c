/* A tenancy is charged for what was used in it, and for nothing else; a tenant who changes the room takes along
 * what was used. What a restart derives is what was there before it. */
#include "tests/system/station_call.h"

#include <stdlib.h>

#include "concentrator/ledger_verify.h"
#include "concentrator/station_snapshot.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
#define FREE       "[allowance]\nenergy = 2\nevery = month 1\n"

static json_t *about(const char *room, const char *name, const char *value)
{
	return json_pack("{s:s,s:s,s:s*}", "room", room, "reason", "as agreed", name, value);
}

static void move_in(struct site *site, const char *room, const char *tenancy)
{
	(void)site_ask_int(site, "tenancy.begin", about(room, "tenancy", tenancy), "amount_nano");
}

static void move_out(struct site *site, const char *room)
{
	(void)site_ask_int(site, "tenancy.end", about(room, "tenancy", NULL), "amount_nano");
}

static void settle(struct site *site)
{
	(void)site_ask_int(site, "ledger.settle", json_pack("{s:s}", "reason", "test"), "rooms");
}

/* At once: no meter is read meanwhile. */
static void restart(struct site *site)
{
	site_close(site);
	site_open(site);
}

static void assert_period(const struct tariff_period *derived, const struct tariff_period *live)
{
	assert_int_equal(derived->wh, live->wh);
	/* Nothing was used: which period is empty is nobody's. */
	if (live->wh == 0)
		return;
	assert_int_equal(derived->since_s, live->since_s);
	assert_int_equal(derived->until_s, live->until_s);
	assert_int_equal(derived->share_days, live->share_days);
	assert_int_equal(derived->of_days, live->of_days);
}

/* What a restart makes of each room is what it was. */
static void assert_derived(struct site *site)
{
	struct station_room *rooms[4];
	size_t count = site->building.station->room_count;
	assert_in_range(count, 1, 4);
	for (size_t i = 0; i < count; i++) {
		rooms[i] = malloc(sizeof(*rooms[i]));
		*rooms[i] = *site->building.station->rooms[i];
	}
	restart(site);
	for (size_t i = 0; i < count; i++) {
		const struct station_room *live = rooms[i],
					  *room = site->building.station->rooms[i];
		assert_int_equal(room->settled_nano, live->settled_nano);
		assert_int_equal(room->week_nano, live->week_nano);
		if (!live->record.vacant) {
			assert_int_equal(room->use.opened_s, live->use.opened_s);
			assert_period(&room->use.now, &live->use.now);
			assert_period(&room->use.before, &live->use.before);
			assert_period(&room->use.free_now, &live->use.free_now);
			assert_period(&room->use.free_before, &live->use.free_before);
			assert_int_equal(room->dated.opened_s, live->dated.opened_s);
			for (int rule = DATED_STANDING; rule < DATED_RULES; rule++)
				assert_int_equal(room->dated.last_day[rule],
						 live->dated.last_day[rule]);
		}
		free(rooms[i]);
	}
}

static void verify(struct site *site)
{
	struct ledger_verdict verdict;
	assert_int_equal(ledger_verify(ledger_path(site->ledger), NULL, NULL, NULL, &verdict), 0);
	assert_string_equal(verdict.detail, "");
}

/* M7: 3 kWh are used, and settled in the very second of the move. */
static void what_is_settled_with_a_move_in_is_not_the_tenants(void **state)
{
	struct site *site = *state;
	site_add_meter(site, 1000);
	site_add_room(site, 101, 10000, "sockets", true, 1);
	site_tariff(site, FREE);
	played_run(&site->building, 3 * HOUR_US);
	move_in(site, "101", "X1");
	assert_int_equal(site_room(site, "101")->use.now.wh, 0);
	assert_int_equal(site_room(site, "101")->use.free_now.wh, 0);
	assert_derived(site);
	played_run(&site->building, 4 * HOUR_US + 5 * MINUTE_US);
	/* He is in his free energy. */
	assert_in_range(site_room(site, "101")->free_wh, 900, 1000);
	settle(site);
	assert_derived(site);
	verify(site);
}

static void one_tenant_follows_another_in_one_second(void **state)
{
	struct site *site = *state;
	site_add_meter(site, 1000);
	site_add_room(site, 101, 10000, "sockets", true, 1);
	site_tariff(site, FREE);
	played_run(&site->building, 5 * MINUTE_US);
	move_in(site, "101", "X1");
	played_run(&site->building, 3 * HOUR_US);
	move_out(site, "101");
	move_in(site, "101", "X2");
	assert_int_equal(site_room(site, "101")->use.free_now.wh, 0);
	assert_int_equal(site_room(site, "101")->week_nano, 0);
	/* From the entries, from a snapshot of that second, and from one behind it. */
	assert_derived(site);
	assert_int_equal(station_snapshot_take(site->building.station), 0);
	assert_derived(site);
	played_run(&site->building, 4 * HOUR_US);
	settle(site);
	assert_int_equal(station_snapshot_take(site->building.station), 0);
	played_run(&site->building, 4 * HOUR_US + 30 * MINUTE_US);
	settle(site);
	assert_in_range(site_room(site, "101")->use.free_now.wh, 1400, 1500);
	assert_derived(site);
	verify(site);
}

/* Its events are told apart by the second in which it began. */
static void two_tenancies_of_a_room_do_not_begin_in_one_second(void **state)
{
	struct site *site = *state;
	site_add_meter(site, 0);
	site_add_room(site, 101, 0, "sockets", true, 1);
	played_run(&site->building, 5 * MINUTE_US);
	move_in(site, "101", "X1");
	move_out(site, "101");
	site_refused(site, "tenancy.begin", about("101", "tenancy", "X2"), PROBLEM_CONFLICT);
	played_run(&site->building, site->building.now_us + 2000000);
	move_in(site, "101", "X2");
	verify(site);
}

/* What an idle step was begun before the move-in: the tenant's first charge counts for his minimum. */
static void the_first_charge_counts_toward_the_minimum(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = site_add_meter(site, 1000);
	site_add_room(site, 101, 10000, "sockets", true, 1);
	site_tariff(site, "[minimum]\namount = 10\nevery = month 1\n");
	played_run(&site->building, HOUR_US);
	int64_t before_nano = site_room(site, "101")->live_nano;
	/* Of another second than the last reading. */
	site->building.base_s += 7;
	move_in(site, "101", "X1");
	before_nano = site_room(site, "101")->settled_nano;
	played_run(&site->building, 3 * HOUR_US);
	meter->load_w = 0;
	site_pass_days(site, 31);
	assert_int_equal(site_room(site, "101")->settled_nano, before_nano - INT64_C(10000000000));
	verify(site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_settled_with_a_move_in_is_not_the_tenants),
		CASE(one_tenant_follows_another_in_one_second),
		CASE(two_tenancies_of_a_room_do_not_begin_in_one_second),
		CASE(the_first_charge_counts_toward_the_minimum),
	};
	return cmocka_run_group_tests_name("station_stay", tests, NULL, NULL);
}
