/* A dry run of a tariff says what the past month would have come to, and then comes to it. */
#include "tests/system/station_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/station_persons.h"
#include "tests/unit/random.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
#define DAY_US     (24 * HOUR_US)

#define HEAD   "[tariff]\nname = other\nactivation = receipt\n[energy]\n"
#define SAME   HEAD "price = 0.5\n"
#define YEARLY HEAD "price = 0.4, 0.9\nblocks = 30\nreset = year 01-01\n"
#define FREE   HEAD "price = 0.6\n[allowance]\nenergy = 6\nevery = month 1\ncarried-to = year 01-01\n"
#define DAILY                                                                                      \
	HEAD "price = 0.5\n[standing]\nper-day = 0.30\nper-month = 3.10\n[tax]\nrate = 13\nis = "  \
	     "added\n"

/* All that a tariff can take and give by date, with blocks of a month. */
#define DUES                                                                                       \
	"price = 0.4, 0.9\nblocks = 20\nreset = month 1\n[minimum]\namount = 40.01\n"              \
	"every = month 1\nmove-in = prorated\n[standing]\nper-day = 0.30\nper-month = 3.10\n"      \
	"while-cut = halted\nwhile-unread = halted\n[tax]\nrate = 13.3777\nis = added\n"
#define LOST HEAD DUES "[allowance]\nmoney = 25\nevery = month 1\n"
#define CARRIED                                                                                    \
	HEAD DUES "[allowance]\nmoney = 7.77\nevery = month 1\ncarried-to = year 01-01\n"          \
		  "per = person\nmove-in = prorated\n"

static int64_t nano(const json_t *row, const char *name)
{
	int64_t value;
	assert_int_equal(message_parse_nano(json_object_get(row, name), &value), 0);
	return value;
}

static struct site_answer trial(struct site *site, const char *text, const char *month)
{
	struct site_answer answer = site_ask(
		site, "tariff.trial",
		month == NULL ? json_pack("{s:s}", "text", text)
			      : json_pack("{s:s,s:s}", "text", text, "month", month));
	if (answer.problem != PROBLEM_NONE)
		fail_msg("%s", answer.detail);
	return answer;
}

/* The box is off until then, and so is everything behind it. */
static void sleep_until(struct site *site, int64_t until_us)
{
	site_close(site);
	site->building.now_us = site->building.moved_us = until_us;
	site_open(site);
}

/* Two rooms that are let in the evening of the 30th of January, and lived in until the evening of the 1st of February, but
 * for the night between the months: no reading decides which month its energy belongs to. */
static void live(struct site *site)
{
	static const int load_w[] = {900, 2100};
	struct played_meter *meter[2];
	sleep_until(site, 29 * DAY_US + 19 * HOUR_US);
	for (int n = 0; n < 2; n++) {
		meter[n] = site_add_meter(site, load_w[n]);
		site_add_room(site, 101 + n, 500000, "sockets", true, 1);
	}
	assert_int_equal(
		station_persons_set(site->building.station, site_room(site, "102"), 2, "x"), 0);
	played_run(&site->building, 31 * DAY_US - 6 * HOUR_US);
	for (int n = 0; n < 2; n++)
		meter[n]->load_w = 0;
	played_run(&site->building, 31 * DAY_US - 6 * HOUR_US + 5 * MINUTE_US);
	(void)site_ask_int(site, "ledger.settle", json_pack("{s:s}", "reason", "night"), "rooms");
	sleep_until(site, 31 * DAY_US + 6 * HOUR_US);
	played_run(&site->building, 31 * DAY_US + 6 * HOUR_US + 5 * MINUTE_US);
	for (int n = 0; n < 2; n++)
		meter[n]->load_w = load_w[n];
	played_run(&site->building, 31 * DAY_US + 21 * HOUR_US);
}

/* What a room's entries of these kinds took in a month, less what they gave. */
struct taken {
	int64_t from_s, to_s;
	int64_t nano;
	int kinds[ENTRY_KIND_END];
};

static int taken_row(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct taken *taken = userdata;
	int64_t own_s = entry->to_s - 1;
	(void)balance_nano;
	if (entry->kind == ENTRY_CHARGE)
		own_s = (entry->from_s + entry->to_s) / 2;
	else if (entry->kind == ENTRY_ALLOWANCE)
		own_s = entry->at_s;
	else if (entry->kind == ENTRY_FORFEIT)
		own_s = entry->at_s - 43200; /* on the morning after at the latest */
	else if (entry->kind != ENTRY_STANDING && entry->kind != ENTRY_MINIMUM &&
		 entry->kind != ENTRY_TAX)
		return 0;
	if (own_s < taken->from_s || own_s >= taken->to_s)
		return 0;
	taken->kinds[entry->kind]++;
	taken->nano -= entry->amount_nano;
	return 0;
}

static struct taken taken_of(struct site *site, int64_t account_id, const char *month)
{
	int number = atoi(month + 5);
	struct taken taken = {.from_s = START_S + (number == 1 ? 0 : 31) * CALENDAR_DAY_S,
			      .to_s = START_S + (number == 1 ? 31 : 59) * CALENDAR_DAY_S};
	assert_int_equal(
		ledger_entries_tail(site->ledger, account_id, 0, INT32_MAX, taken_row, &taken), 0);
	return taken;
}

static int64_t taken_nano(struct site *site, const char *room, const char *month)
{
	return taken_of(site, site_room(site, room)->record.account_id, month).nano;
}

static void the_same_tariff_makes_no_difference(void **state)
{
	struct site *site = *state;
	struct ledger_totals before, after;
	const json_t *row;
	size_t i;
	int64_t sum = 0;
	live(site);
	assert_int_equal(ledger_totals_get(site->ledger, 0, &before), 0);
	struct site_answer answer = trial(site, SAME, NULL);
	assert_string_equal(json_string_value(json_object_get(answer.data, "month")), "2026-01");
	assert_int_equal(json_array_size(json_object_get(answer.data, "rows")), 2);
	json_array_foreach(json_object_get(answer.data, "rows"), i, row)
	{
		assert_int_equal(nano(row, "trial_nano"), nano(row, "charged_nano"));
		assert_int_equal(nano(row, "charged_nano"),
				 taken_nano(site, json_string_value(json_object_get(row, "room")),
					    "2026-01"));
		sum += nano(row, "charged_nano");
	}
	const json_t *total = json_object_get(answer.data, "total");
	assert_true(sum > 0);
	assert_int_equal(nano(total, "trial_nano"), sum);
	assert_int_equal(nano(total, "difference_nano"), 0);
	assert_int_equal(json_integer_value(json_object_get(total, "shared_wh")), 0);
	site_forget(&answer);
	assert_int_equal(ledger_totals_get(site->ledger, 0, &after), 0);
	assert_int_equal(after.entries, before.entries);
}

static void apply(struct site *site, const char *text)
{
	struct site_answer answer = site_ask(
		site, "tariff.apply", json_pack("{s:s,s:s}", "text", text, "reason", "test"));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
}

#define MONTHS 2

static const char *const months[MONTHS] = {"2026-01", "2026-02"};

/* The same building under the tariff itself, from its first minute; what each room paid. */
static void really(const char *text, int64_t ret_nano[MONTHS][2])
{
	void *state = NULL;
	assert_int_equal(site_setup(&state), 0);
	struct site *site = state;
	apply(site, text);
	live(site);
	for (size_t i = 0; i < MONTHS; i++) {
		ret_nano[i][0] = taken_nano(site, "101", months[i]);
		ret_nano[i][1] = taken_nano(site, "102", months[i]);
	}
	assert_int_equal(site_teardown(&state), 0);
}

static void a_trial_comes_to_what_the_month_really_comes_to(void **state)
{
	struct site *site = *state;
	static const char *const rows[] = {YEARLY, FREE, LOST, CARRIED};
	live(site);
	/* Under the sanitizers one, with everything. */
	for (long i = 4 - random_rounds(4); i < 4; i++) {
		int64_t paid_nano[MONTHS][2];
		really(rows[i], paid_nano);
		for (size_t m = 0; m < MONTHS; m++) {
			struct site_answer answer = trial(site, rows[i], months[m]);
			for (size_t n = 0; n < 2; n++) {
				const json_t *row = json_array_get(
					json_object_get(answer.data, "rows"), n);
				assert_true(nano(row, "trial_nano") != nano(row, "charged_nano"));
				assert_int_equal(nano(row, "trial_nano"), paid_nano[m][n]);
			}
			site_forget(&answer);
		}
	}
}

static void standing_charge_and_tax_are_in_both(void **state)
{
	struct site *site = *state;
	const json_t *row;
	size_t i;
	apply(site, DAILY);
	live(site);
	struct site_answer answer = trial(site, DAILY, "2026-01");
	json_array_foreach(json_object_get(answer.data, "rows"), i, row)
	{
		/* Two days, the first of them whole, at 0.40 each, and 13 % on everything. */
		int64_t net_nano = json_integer_value(json_object_get(row, "energy_wh")) *
					   PRICE_MICRO +
				   2 * INT64_C(400000000);
		assert_int_equal(nano(row, "trial_nano"), net_nano + net_nano * 13 / 100);
		assert_int_equal(nano(row, "charged_nano"), nano(row, "trial_nano"));
	}
	assert_int_equal(i, 2);
	site_forget(&answer);
}

static void tenancy(struct site *site, const char *verb, const char *room, const char *name,
		    const char *value)
{
	json_t *args = json_pack("{s:s,s:s}", "room", room, "reason", "test");
	if (name != NULL)
		json_object_set_new(args, name, json_string(value));
	struct site_answer answer = site_ask(site, verb, args);
	if (answer.problem != PROBLEM_NONE)
		fail_msg("%s %s: %s", verb, room, answer.detail);
	site_forget(&answer);
}

/* 101's tenant moves to 104, 102 is cut for money until it is recharged, 103's meter is silent for a day, and its
 * tenant goes before another one comes. */
static void live_and_move(struct site *site)
{
	static const int load_w[] = {300, 3000, 400, 0};
	struct played_building *building = &site->building;
	sleep_until(site, 26 * DAY_US + 19 * HOUR_US);
	for (int n = 0; n < 4; n++) {
		site_add_meter(site, load_w[n]);
		site_add_room(site, 101 + n, n == 1 ? 100 : n == 3 ? 0 : 50000, "sockets", true, 1);
	}
	played_run(building, 26 * DAY_US + 19 * HOUR_US + 5 * MINUTE_US);
	tenancy(site, "tenancy.begin", "104", "tenancy", "T-4");
	played_run(building, building->now_us + MINUTE_US);
	tenancy(site, "tenancy.end", "104", NULL, NULL);
	played_run(building, 26 * DAY_US + 20 * HOUR_US);
	tenancy(site, "tenancy.begin", "101", "tenancy", "T-1");
	tenancy(site, "tenancy.begin", "103", "tenancy", "T-3");
	played_run(building, 28 * DAY_US - HOUR_US);
	building->meter[2].dead = true;
	played_run(building, 29 * DAY_US + HOUR_US);
	building->meter[2].dead = false;
	played_run(building, 29 * DAY_US + 9 * HOUR_US);
	tenancy(site, "tenancy.transfer", "101", "to", "104");
	building->meter[3].load_w = 300;
	tenancy(site, "tenancy.end", "103", NULL, NULL);
	assert_true(site_room(site, "102")->money.cut);
	assert_string_equal(site_deliver(site, site_credit(site, "r-1", "102", 30000), NULL),
			    "applied");
	played_run(building, 30 * DAY_US + 9 * HOUR_US);
	tenancy(site, "tenancy.begin", "103", "tenancy", "T-5");
	played_run(building, 31 * DAY_US + HOUR_US);
}

/* Under the tariff itself the trial comes to what each account was charged. */
static void days_cut_or_unread_and_tenants_who_move_are_as_they_were(void **state)
{
	static const char *const texts[] = {LOST, CARRIED};
	for (long i = 2 - random_rounds(2); i < 2; i++) {
		struct site *site = *state;
		int kinds[ENTRY_KIND_END] = {0};
		const json_t *row;
		size_t n;
		if (i > 0) {
			assert_int_equal(site_teardown(state), 0);
			assert_int_equal(site_setup(state), 0);
			site = *state;
		}
		apply(site, texts[i]);
		live_and_move(site);
		struct site_answer answer = trial(site, texts[i], "2026-01");
		json_array_foreach(json_object_get(answer.data, "rows"), n, row)
		{
			struct taken taken = taken_of(site, (int64_t)n + 1, "2026-01");
			print_message("%s: %lld of %lld\n",
				      json_string_value(json_object_get(row, "room")),
				      (long long)nano(row, "trial_nano"), (long long)taken.nano);
			assert_int_equal(nano(row, "charged_nano"), taken.nano);
			assert_int_equal(nano(row, "trial_nano"), taken.nano);
			for (int kind = 0; kind < ENTRY_KIND_END; kind++)
				kinds[kind] += taken.kinds[kind];
		}
		assert_int_equal(n, 4);
		site_forget(&answer);
		/* Of 20 days of rooms, those that were cut, unread or vacant are free. */
		assert_in_range(kinds[ENTRY_STANDING], 5, 15);
		assert_true(kinds[ENTRY_TAX] > 0 && kinds[ENTRY_MINIMUM] > 0);
		assert_true(kinds[ENTRY_ALLOWANCE] > 0 && kinds[ENTRY_FORFEIT] > 0);
	}
}

static void energy_at_no_reading_of_its_boundaries_is_told(void **state)
{
	static const char bands[] =
		"[tariff]\nname = bands\nactivation = receipt\n[energy]\n"
		"[band day]\nprice = 0.9\n[band night]\nprice = 0.2\n[days all]\n"
		"on = mon-sun\nbands = 00:00 night, 07:13 day, 21:41 night\n";
	struct site *site = *state;
	live(site);
	struct site_answer answer = trial(site, bands, "2026-01");
	const json_t *total = json_object_get(answer.data, "total");
	int64_t energy_wh = json_integer_value(json_object_get(total, "energy_wh"));
	int64_t shared_wh = json_integer_value(json_object_get(total, "shared_wh"));
	assert_in_range(shared_wh, 1, energy_wh);
	/* Both ends of the day are dear or cheap: the sum lies between. */
	assert_in_range(nano(total, "trial_nano"), energy_wh * 200000, energy_wh * 900000);
	site_forget(&answer);
}

static void what_cannot_be_tried_is_refused(void **state)
{
	struct site *site = *state;
	live(site);
	site_refused(site, "tariff.trial", json_pack("{s:s,s:s}", "text", SAME, "month", "2026-13"),
		     PROBLEM_USAGE);
	site_refused(site, "tariff.trial", json_pack("{s:s}", "text", "[tariff]\n"), PROBLEM_USAGE);
	struct site_answer answer = trial(site, SAME, "2024-02");
	assert_int_equal(json_array_size(json_object_get(answer.data, "rows")), 0);
	site_forget(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_same_tariff_makes_no_difference),
		CASE(a_trial_comes_to_what_the_month_really_comes_to),
		CASE(standing_charge_and_tax_are_in_both),
		CASE(days_cut_or_unread_and_tenants_who_move_are_as_they_were),
		CASE(energy_at_no_reading_of_its_boundaries_is_told),
		CASE(what_cannot_be_tried_is_refused),
	};
	return cmocka_run_group_tests_name("station_trial", tests, NULL, NULL);
}
