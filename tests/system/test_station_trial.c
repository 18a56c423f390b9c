/* A dry run of a tariff says what the past month would have come to, and then comes to it. */
#include "tests/system/station_call.h"

#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"

#define CASE(name) cmocka_unit_test_setup_teardown(name, site_setup, site_teardown)
#define DAY_US     (24 * HOUR_US)

#define HEAD   "[tariff]\nname = other\nactivation = receipt\n[energy]\n"
#define SAME   HEAD "price = 0.5\n"
#define BLOCKS HEAD "price = 0.4, 0.9\nblocks = 20\nreset = month 1\n"
#define YEARLY HEAD "price = 0.4, 0.9\nblocks = 30\nreset = year 01-01\n"
#define FREE   HEAD "price = 0.6\n[allowance]\nenergy = 6\nevery = month 1\ncarried-to = year 01-01\n"
#define DAILY                                                                                      \
	HEAD "price = 0.5\n[standing]\nper-day = 0.30\nper-month = 3.10\n[tax]\nrate = 13\nis = "  \
	     "added\n"

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

/* What a room's entries of these kinds took in a month. */
static int64_t taken_nano(struct site *site, const char *room, const char *month)
{
	struct site_answer answer = site_ask(site, "statement",
					     json_pack("{s:s,s:s}", "room", room, "month", month));
	const json_t *row;
	size_t i;
	int64_t sum = 0;
	json_array_foreach(json_object_get(answer.data, "rows"), i, row)
	{
		const char *kind = json_string_value(json_object_get(row, "kind"));
		if (strcmp(kind, "charge") == 0 || strcmp(kind, "standing") == 0 ||
		    strcmp(kind, "tax") == 0)
			sum -= nano(row, "amount_nano");
	}
	site_forget(&answer);
	return sum;
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
	static const char *const rows[] = {BLOCKS, YEARLY, FREE};
	live(site);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
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
		CASE(energy_at_no_reading_of_its_boundaries_is_told),
		CASE(what_cannot_be_tried_is_refused),
	};
	return cmocka_run_group_tests_name("station_trial", tests, NULL, NULL);
}
