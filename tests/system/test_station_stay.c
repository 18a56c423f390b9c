/* A tenancy is charged for what was used in it, and for nothing else; a tenant who changes the room takes along
 * what was used. What a restart derives is what was there before it. */
#include "tests/system/station_call.h"

#include <stdlib.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_tariff.h"
#include "concentrator/ledger_verify.h"
#include "concentrator/station_persons.h"
#include "concentrator/station_snapshot.h"
#include "concentrator/station_tariff.h"

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

static void transfer(struct site *site, const char *room, const char *other)
{
	(void)site_ask_int(site, "tenancy.transfer", about(room, "to", other), "amount_nano");
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

static json_t *unread(json_t *args)
{
	json_object_set_new(args, "last_reading", json_true());
	return args;
}

static struct ledger_totals totals(struct site *site)
{
	struct ledger_totals got;
	assert_int_equal(ledger_totals_get(site->ledger, 0, &got), 0);
	return got;
}

/* M2: every Wh has its payer. */
static void assert_paid(struct site *site, struct played_meter *meter, int64_t first_wh)
{
	struct ledger_totals got;
	meter->load_w = 0;
	played_run(&site->building, site->building.now_us + 3 * MINUTE_US);
	settle(site);
	got = totals(site);
	assert_int_equal(got.charged_wh + got.house_wh + got.quarantined_wh + got.written_off_wh,
			 played_register_wh(meter) - first_wh);
	verify(site);
}

static json_t *accept_as(int64_t id, const char *as)
{
	return json_pack("{s:I,s:s,s:s}", "id", (json_int_t)id, "as", as, "reason", "it is true");
}

static int64_t quarantine_of(struct site *site)
{
	int64_t id = site_room(site, "101")->supplies[0]->quarantine_id;
	assert_int_not_equal(id, 0);
	return id;
}

static void a_leap_of_the_last_tenant_is_not_charged_to_the_next(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 0);
	int64_t first_wh = played_register_wh(meter);
	site_add_room(site, 101, 10000, "sockets", true, 1);
	played_run(building, 5 * MINUTE_US);
	move_in(site, "101", "X1");
	played_run(building, HOUR_US);
	meter->energy_uwh += INT64_C(58940000000);
	played_run(building, HOUR_US + 20 * MINUTE_US);
	int64_t id = quarantine_of(site);
	(void)site_ask_int(site, "tenancy.end", unread(about("101", "tenancy", NULL)),
			   "amount_nano");
	/* There is nobody to pay for it ... */
	site_refused(site, "quarantine.accept", accept_as(id, "charge"), PROBLEM_REFUSED);
	played_run(building, building->now_us + 2000000);
	site_refused(site, "tenancy.begin", about("101", "tenancy", "Y1"), PROBLEM_REFUSED);
	(void)site_ask_int(site, "tenancy.begin", unread(about("101", "tenancy", "Y1")),
			   "amount_nano");
	assert_string_equal(
		site_deliver(site, site_credit_of(site, "r-1", "101", "Y1", 10000), "1"),
		"applied");
	restart(site);
	/* ... and it is not Y1 who does. */
	site_refused(site, "quarantine.accept", accept_as(id, "charge"), PROBLEM_REFUSED);
	meter->load_w = 1000;
	(void)site_ask_int(site, "quarantine.accept", accept_as(id, "aside"), "energy_wh");
	assert_int_equal(totals(site).quarantined_wh, 58940);
	assert_int_equal(site_room(site, "101")->live_nano, INT64_C(100000000000));
	/* The reading set aside was of before the tenancy too: his first is the next one. */
	played_run(building, building->now_us + 3 * MINUTE_US);
	int64_t house_wh = totals(site).house_wh;
	played_run(building, building->now_us + HOUR_US);
	assert_paid(site, meter, first_wh);
	assert_int_equal(totals(site).house_wh, house_wh);
	assert_in_range(totals(site).charged_wh, 990, 1060);
}

static void what_a_silent_meter_counted_is_not_charged_to_the_next(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 3000);
	int64_t first_wh = played_register_wh(meter);
	site_add_room(site, 101, 100000, "sockets", false, 1);
	played_run(building, 5 * MINUTE_US);
	move_in(site, "101", "OLD");
	played_run(building, HOUR_US);
	meter->dead = true;
	played_run(building, 3 * HOUR_US);
	site_refused(site, "tenancy.end", about("101", "tenancy", NULL), PROBLEM_REFUSED);
	(void)site_ask_int(site, "tenancy.end", unread(about("101", "tenancy", NULL)),
			   "amount_nano");
	played_run(building, 4 * HOUR_US);
	site_refused(site, "tenancy.begin", about("101", "tenancy", "NEWT"), PROBLEM_REFUSED);
	(void)site_ask_int(site, "tenancy.begin", unread(about("101", "tenancy", "NEWT")),
			   "amount_nano");
	int64_t charged_wh = totals(site).charged_wh;
	played_run(building, building->now_us + HOUR_US);
	restart(site);
	meter->dead = false;
	played_run(building, building->now_us + 10 * MINUTE_US);
	assert_in_range(totals(site).house_wh, 11900, 12700);
	assert_int_equal(totals(site).charged_wh, charged_wh);
	int64_t house_wh = totals(site).house_wh;
	assert_true(site_room(site, "101")->live_nano < 0);
	played_run(building, building->now_us + HOUR_US);
	assert_paid(site, meter, first_wh);
	assert_int_equal(totals(site).house_wh, house_wh);
	assert_in_range(totals(site).charged_wh - charged_wh, 2990, 3600);
}

/* It stood still: its first reading is kept, and what comes behind it is the tenant's. */
static void an_idle_meter_is_read_once(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 0);
	int64_t first_wh = played_register_wh(meter);
	site_add_room(site, 101, 100000, "sockets", false, 1);
	played_run(building, 5 * MINUTE_US);
	meter->dead = true;
	played_run(building, HOUR_US);
	(void)site_ask_int(site, "tenancy.begin", unread(about("101", "tenancy", "X1")),
			   "amount_nano");
	assert_true(site_room(site, "101")->supplies[0]->unread);
	restart(site);
	assert_true(site_room(site, "101")->supplies[0]->unread);
	meter->dead = false;
	played_run(building, building->now_us + 10 * MINUTE_US);
	assert_false(site_room(site, "101")->supplies[0]->unread);
	site_close(site);
	meter->load_w = 1000;
	building->now_us += HOUR_US;
	site_open(site);
	assert_false(site_room(site, "101")->supplies[0]->unread);
	played_run(building, building->now_us + 5 * MINUTE_US);
	assert_paid(site, meter, first_wh);
	assert_int_equal(totals(site).house_wh, 0);
	assert_in_range(totals(site).charged_wh, 990, 1100);
}

/* M7: within 30 s a reading counts as taken with the move; an older one leaves the step to the next to the house. */
static void a_step_that_began_before_the_tenancy_is_the_houses(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 6000);
	int64_t first_wh = played_register_wh(meter);
	site_add_room(site, 101, 1000000, "sockets", false, 1);
	played_run(building, 5 * MINUTE_US);
	meter->dead = true;
	played_run(building, 6 * MINUTE_US);
	/* Not stale yet: no word is asked of anybody. */
	assert_true(site_room(site, "101")->supplies[0]->guard.accepted.at_us <
		    building->now_us - 30000000);
	move_in(site, "101", "X1");
	assert_true(site_room(site, "101")->supplies[0]->unread);
	meter->dead = false;
	int64_t charged_wh = totals(site).charged_wh;
	played_run(building, 9 * MINUTE_US);
	assert_in_range(totals(site).house_wh, 100, 330);
	assert_int_equal(totals(site).charged_wh, charged_wh);
	assert_paid(site, meter, first_wh);
}

static void an_exchange_does_not_make_it_the_tenants(void **state)
{
	struct site *site = *state;
	struct played_building *building = &site->building;
	struct played_meter *meter = site_add_meter(site, 1000);
	int64_t first_wh = played_register_wh(meter);
	site_add_room(site, 101, 100000, "sockets", false, 1);
	played_run(building, HOUR_US);
	meter->dead = true;
	played_run(building, 3 * HOUR_US);
	int64_t charged_wh;
	(void)site_ask_int(site, "tenancy.begin", unread(about("101", "tenancy", "X1")),
			   "amount_nano");
	charged_wh = totals(site).charged_wh;
	struct site_answer answer = site_ask(site, "meter.exchange",
					     json_pack("{s:s,s:I,s:I,s:s}", "room", "101",
						       "final_wh", (json_int_t)(first_wh + 2500),
						       "initial_wh", (json_int_t)0, "reason", "x"));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	assert_string_equal(json_string_value(json_object_get(answer.data, "kind")), "house");
	site_forget(&answer);
	meter->energy_uwh = INT64_C(40000000);
	meter->dead = false;
	played_run(building, building->now_us + 3 * MINUTE_US);
	assert_int_equal(totals(site).charged_wh, charged_wh);
	assert_in_range(totals(site).house_wh, 2500 - charged_wh + 40, 2500 - charged_wh + 100);
	verify(site);
}

struct kind_sum {
	enum entry_kind kind;
	int64_t nano;
};

static int add_kind(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct kind_sum *sum = userdata;
	(void)balance_nano;
	if (entry->kind == sum->kind)
		sum->nano += entry->amount_nano;
	return 0;
}

static int64_t sum_of(struct site *site, enum entry_kind kind)
{
	struct kind_sum sum = {.kind = kind};
	for (size_t i = 0; i < site->building.station->room_count; i++)
		assert_int_equal(
			ledger_entries_tail(site->ledger,
					    site->building.station->rooms[i]->record.account_id, 0,
					    INT32_MAX, add_kind, &sum),
			0);
	return sum.nano;
}

/* Of blocks up to 2 and 4 kWh a month, with 5 kWh a month that are free. */
static void blocks_and_free_energy(struct site *site)
{
	struct ledger_tariff tariff = {
		.name = "b",
		.activation_s = START_S - 1,
		.text = "[tariff]\nname = b\nactivation = receipt\n[energy]\nprice = 0.5 0.6 0.7\n"
			"blocks = 2 4\nreset = month 1\n[allowance]\nenergy = 5\nevery = month "
			"1\n"};
	assert_int_equal(ledger_begin(site->ledger), 0);
	assert_int_equal(ledger_tariff_add(site->ledger, &tariff), 0);
	assert_int_equal(ledger_commit(site->ledger), 0);
	assert_int_equal(station_load_tariffs(site->building.station), 0);
}

/* Two rooms, a tenant with 100.00 in the first one, whose meters have that load. */
static void two_rooms(struct site *site, const char *tariff, int64_t load_w,
		      struct played_meter *ret[static 2])
{
	for (int i = 0; i < 2; i++) {
		ret[i] = site_add_meter(site, 0);
		site_add_room(site, 101 + i, 0, "sockets", false, 1);
	}
	ret[0] = &site->building.meter[0];
	if (tariff == NULL)
		blocks_and_free_energy(site);
	else
		site_tariff(site, tariff);
	played_run(&site->building, 5 * MINUTE_US);
	move_in(site, "101", "X1");
	move_in(site, "102", "X0");
	played_run(&site->building, 6 * MINUTE_US);
	move_out(site, "102");
	assert_string_equal(
		site_deliver(site, site_credit_of(site, "r-1", "101", "X1", 10000), "1"),
		"applied");
	ret[0]->load_w = load_w;
	played_run(&site->building, 4 * HOUR_US);
	ret[0]->load_w = 0;
	played_run(&site->building, 4 * HOUR_US + 5 * MINUTE_US);
}

/* Three of five free kWh are used in the one room, so two are left in the other, and no more when he comes back. */
static void a_room_change_gives_no_free_energy_again(void **state)
{
	struct site *site = *state;
	struct played_meter *meters[2];
	two_rooms(site, NULL, 770, meters);
	settle(site);
	int64_t used_wh = site_room(site, "101")->use.free_now.wh;
	transfer(site, "101", "102");
	assert_in_range(used_wh, 2900, 3100);
	assert_int_equal(site_room(site, "102")->use.free_now.wh, used_wh);
	assert_int_equal(site_room(site, "102")->use.now.wh, used_wh);
	assert_derived(site);
	assert_int_equal(station_snapshot_take(site->building.station), 0);
	assert_derived(site);
	meters[1]->load_w = 1000;
	played_run(&site->building, 7 * HOUR_US);
	meters[1]->load_w = 0;
	played_run(&site->building, 7 * HOUR_US + 5 * MINUTE_US);
	settle(site);
	assert_int_equal(site_room(site, "102")->use.free_now.wh, 5000);
	assert_true(sum_of(site, ENTRY_CHARGE) < 0);
	assert_derived(site);
	played_run(&site->building, site->building.now_us + 3 * MINUTE_US);
	int64_t all_wh = site_room(site, "102")->use.now.wh;
	transfer(site, "102", "101");
	played_run(&site->building, site->building.now_us + 2000000);
	transfer(site, "101", "102");
	assert_int_equal(site_room(site, "102")->use.now.wh, all_wh);
	assert_int_equal(site_room(site, "102")->use.free_now.wh, 5000);
	assert_derived(site);
	/* Who comes behind him has his own. */
	move_in(site, "101", "X2");
	played_run(&site->building, site->building.now_us + MINUTE_US);
	assert_int_equal(site_room(site, "101")->free_wh, 5000);
	assert_derived(site);
	verify(site);
}

static void a_room_change_takes_the_minimum_once(void **state)
{
	struct site *site = *state;
	struct played_meter *meters[2];
	two_rooms(site, "[minimum]\namount = 10\nevery = month 1\n", 1000, meters);
	int64_t before_nano = sum_of(site, ENTRY_MINIMUM); /* X0 paid one */
	transfer(site, "101", "102");
	assert_int_equal(sum_of(site, ENTRY_MINIMUM), before_nano);
	assert_derived(site);
	meters[1]->load_w = 1000;
	played_run(&site->building, 6 * HOUR_US);
	meters[1]->load_w = 0;
	site_pass_days(site, 31);
	/* What was used in both rooms is in the ten. */
	assert_int_equal(sum_of(site, ENTRY_MINIMUM) + sum_of(site, ENTRY_CHARGE) - before_nano,
			 -INT64_C(10000000000));
	assert_int_equal(site_room(site, "102")->settled_nano, INT64_C(90000000000));
	assert_derived(site);
	verify(site);
}

/* A day is charged once, whichever room it is spent in, and not for the time when the other was vacant. */
static void a_room_change_takes_each_day_once(void **state)
{
	struct site *site = *state;
	struct played_meter *meters[2];
	two_rooms(site, "[standing]\nper-day = 1\n", 0, meters);
	site_pass_days(site, 5);
	assert_int_equal(sum_of(site, ENTRY_STANDING), -INT64_C(5000000000));
	transfer(site, "101", "102");
	assert_derived(site);
	site_pass_days(site, 2);
	assert_int_equal(sum_of(site, ENTRY_STANDING), -INT64_C(7000000000));
	assert_derived(site);
	verify(site);
}

static void persons(struct site *site, const char *room, int number)
{
	(void)site_ask_int(
		site, "room.persons",
		json_pack("{s:s,s:i,s:s}", "room", room, "persons", number, "reason", "x"),
		"persons");
}

/* 4 live in the one room; 2 are said of the other while it is vacant. */
static void the_number_of_persons_goes_with_the_tenant(void **state)
{
	struct site *site = *state;
	struct played_meter *meters[2];
	two_rooms(site, "[allowance]\nmoney = 3\nevery = month 1\nper = person\n", 0, meters);
	persons(site, "101", 4);
	persons(site, "102", 2);
	played_run(&site->building, site->building.now_us + 2000000);
	transfer(site, "101", "102");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(station_persons(site_room(site, "102")), 4);
		assert_int_equal(station_persons(site_room(site, "101")), 1);
		assert_derived(site);
	}
	persons(site, "101", 3);
	played_run(&site->building, site->building.now_us + 2000000);
	move_in(site, "101", "X2");
	assert_int_equal(station_persons(site_room(site, "101")), 3);
	move_out(site, "102");
	assert_derived(site);
	assert_int_equal(station_persons(site_room(site, "102")), 1);
	verify(site);
}

/* 101 was never let: it is charged, and given its allowance. */
static void a_tenant_does_not_inherit_what_a_room_never_let_owes(void **state)
{
	struct site *site = *state;
	for (int i = 0; i < 3; i++) {
		site_add_meter(site, i == 2 ? 0 : 770);
		site_add_room(site, 101 + i, 0, "sockets", false, 1);
	}
	site_tariff(site, "[allowance]\nmoney = 0.3\nevery = month 1\n");
	played_run(&site->building, 5 * HOUR_US + 7 * MINUTE_US);
	for (int i = 0; i < 2; i++)
		assert_true(site_room(site, i == 0 ? "101" : "102")->live_nano < 0);
	struct site_answer dry = site_ask(site, "tenancy.begin",
					  json_pack("{s:s,s:s,s:s,s:b}", "room", "101", "reason",
						    "x", "tenancy", "X1", "dry_run", 1));
	assert_true(site_int(&dry, "amount_nano") < -INT64_C(1000000000));
	assert_int_equal(
		site_ask_int(site, "tenancy.begin", about("101", "tenancy", "X1"), "amount_nano"),
		site_int(&dry, "amount_nano"));
	site_forget(&dry);
	assert_int_equal(site_room(site, "101")->settled_nano, 0);
	/* Nor does one who moves there, with his own allowance alone. */
	transfer(site, "101", "102");
	assert_int_equal(site_room(site, "102")->settled_nano, 300000000);
	played_run(&site->building, site->building.now_us + 2000000);
	transfer(site, "102", "103");
	assert_in_range(site_room(site, "103")->settled_nano, 290000000, 300000000);
	assert_derived(site);
	verify(site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_settled_with_a_move_in_is_not_the_tenants),
		CASE(one_tenant_follows_another_in_one_second),
		CASE(two_tenancies_of_a_room_do_not_begin_in_one_second),
		CASE(the_first_charge_counts_toward_the_minimum),
		CASE(a_leap_of_the_last_tenant_is_not_charged_to_the_next),
		CASE(what_a_silent_meter_counted_is_not_charged_to_the_next),
		CASE(an_idle_meter_is_read_once),
		CASE(a_step_that_began_before_the_tenancy_is_the_houses),
		CASE(an_exchange_does_not_make_it_the_tenants),
		CASE(a_room_change_gives_no_free_energy_again),
		CASE(a_room_change_takes_the_minimum_once),
		CASE(a_room_change_takes_each_day_once),
		CASE(the_number_of_persons_goes_with_the_tenant),
		CASE(a_tenant_does_not_inherit_what_a_room_never_let_owes),
	};
	return cmocka_run_group_tests_name("station_stay", tests, NULL, NULL);
}
