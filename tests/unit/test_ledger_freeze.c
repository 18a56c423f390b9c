/* What a day ended with is kept as it was: energy between the midnights, over exchanges of the meter. */
#include "tests/unit/ledger_house.h"

#include "concentrator/ledger_freeze.h"

#include <errno.h>

#define DAY 20454 /* 2026-01-01 */

static struct house_room room;

static int set_up(void **state)
{
	static struct house house;

	house_make(&house);
	house_open(&house);
	assert_int_equal(ledger_begin(house.ledger), 0);
	house_room(&house, &room, 1, 1000);
	*state = &house;
	return 0;
}

static int tear_down(void **state)
{
	struct house *house = *state;

	if (ledger_in_transaction(house->ledger))
		ledger_rollback(house->ledger);
	house_remove(house);
	return 0;
}

static struct ledger_freeze freeze_day(struct house *house, int64_t day, bool monthly)
{
	struct ledger_freeze freeze = {.supply_id = room.supply.id,
				       .monthly = monthly,
				       .day = day,
				       .at_s = (day + 1) * 86400,
				       .register_wh = room.life.settled_wh};

	freeze.balance_nano = house_balance(house, &room);
	assert_int_equal(ledger_freeze_put(house->ledger, &freeze), 0);
	return freeze;
}

static void energy_is_that_since_the_freeze_before(void **state)
{
	struct house *house = *state;
	struct ledger_freeze freeze = freeze_day(house, DAY, false);

	assert_int_equal(freeze.total_wh, 0);
	assert_int_equal(freeze.from_s, HOUSE_NOW_S);
	house_append(house, house_charge(&room, 70));
	house_append(house, house_charge(&room, 30));
	freeze = freeze_day(house, DAY + 1, false);
	assert_int_equal(freeze.total_wh, 100);
	assert_int_equal(freeze.energy_wh, 100);
	assert_int_equal(freeze.from_s, (DAY + 1) * 86400);
	assert_int_equal(freeze.entry_seq, 2);
	/* Three days without: the next one covers them, and says since when. */
	house_append(house, house_charge(&room, 5));
	freeze = freeze_day(house, DAY + 4, false);
	assert_int_equal(freeze.energy_wh, 5);
	assert_int_equal(freeze.from_s, (DAY + 2) * 86400);
}

static void the_energy_goes_on_over_an_exchange_of_the_meter(void **state)
{
	struct house *house = *state;
	struct ledger_freeze freeze;

	(void)freeze_day(house, DAY, false);
	house_append(house, house_charge(&room, 40));
	assert_int_equal(ledger_life_end(house->ledger, room.life.id, HOUSE_NOW_S), 0);
	room.life = (struct ledger_life){
		.point_id = room.supply.point_id, .first_wh = 7, .started_s = HOUSE_NOW_S};
	assert_int_equal(ledger_life_begin(house->ledger, &room.life), 0);
	house_append(house, house_charge(&room, 2));
	freeze = freeze_day(house, DAY + 1, false);
	assert_int_equal(freeze.register_wh, 9);
	assert_int_equal(freeze.energy_wh, 42);
}

static void a_freeze_stays_as_it_was(void **state)
{
	struct house *house = *state;
	struct ledger_freeze freeze = freeze_day(house, DAY, false), again = freeze;

	again.register_wh++;
	assert_int_equal(ledger_freeze_put(house->ledger, &again), -EEXIST);
	assert_int_equal(ledger_commit(house->ledger), 0);
	assert_int_not_equal(house_sql(house, "UPDATE freeze SET register_wh = 1"), SQLITE_OK);
}

static int count(const struct ledger_freeze *freeze, void *userdata)
{
	int64_t *days = userdata;

	assert_string_equal(freeze->circuit, "sockets");
	days[0]++;
	if (days[1] == 0)
		days[1] = freeze->day;
	assert_true(days[2] == 0 || freeze->day < days[2]);
	days[2] = freeze->day;
	return 0;
}

static void days_are_kept_a_hundred_and_months_for_years(void **state)
{
	struct house *house = *state;
	int64_t days[3] = {0}, months[3] = {0}, page[3] = {0}, last;

	for (int64_t day = DAY; day < DAY + 2500; day++) {
		(void)freeze_day(house, day, false);
		if (day % 30 == 0)
			(void)freeze_day(house, day, true);
	}
	assert_int_equal(
		ledger_freezes_tail(house->ledger, room.room.id, false, 0, 0, 1000, count, days),
		0);
	assert_int_equal(days[0], LEDGER_FREEZE_DAYS + 1);
	assert_int_equal(days[1], DAY + 2499);
	assert_int_equal(
		ledger_freezes_tail(house->ledger, room.room.id, true, 0, 0, 1000, count, months),
		0);
	assert_in_range(months[0], 48, 70);
	/* From the middle on, behind the one named. */
	assert_int_equal(ledger_freezes_tail(house->ledger, room.room.id, false, DAY + 2490,
					     room.supply.id, 5, count, page),
			 0);
	assert_int_equal(page[0], 5);
	assert_int_equal(page[1], DAY + 2489);
	assert_int_equal(ledger_freeze_last(house->ledger, room.supply.id, false, &last), 0);
	assert_int_equal(last, DAY + 2499);
	assert_int_equal(ledger_freeze_last(house->ledger, 77, false, &last), -ENOENT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(energy_is_that_since_the_freeze_before),
		CASE(the_energy_goes_on_over_an_exchange_of_the_meter),
		CASE(a_freeze_stays_as_it_was),
		CASE(days_are_kept_a_hundred_and_months_for_years),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
