/* What switches a supply beside us: meters in prepaid mode of their own, and boards with a safe state.
 *
 * The devices are played from the register facts (played_building.c).
 */
#include <string.h>

#include "concentrator/station_relay.h"
#include "concentrator/station_room.h"

#include "tests/system/station_call.h"

#define DAY_US  (24 * HOUR_US)
#define PREPAID 0x0040 /* of the DDSY1352's run word */

static void no_finding(size_t row, const char *column, const char *detail, void *userdata)
{
	(void)userdata;
	fail_msg("row %zu: %s %s", row, column, detail);
}

static void commission(struct site *site, const char *address, const char *model, const char *relay,
		       const char *contact)
{
	json_t *rows = json_pack("[{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}]", "room", "301",
				 "circuit", "sockets", "line", "A", "address", address, "model",
				 model, "relay", relay, "contact", contact, "breaker_a", "16",
				 "opening_minor", "10000", "may_cut", "yes");
	assert_int_equal(
		station_rooms_add(site->building.station, rows, false, "", "", no_finding, NULL),
		0);
	json_decref(rows);
}

static struct played_meter *add_ddsy(struct site *site, uint16_t run_word, int64_t load_w)
{
	struct played_meter *meter = site_add_meter(site, load_w);
	meter->acrel = true;
	meter->serial = 111111111111;
	meter->ct = 1;
	meter->run_word = run_word;
	commission(site, "1", "acrel-ddsy1352", "meter", "no");
	return meter;
}

/* A meter of another model at address 1, and a board at address 2 whose third relay is the room's. */
static struct played_meter *add_board(struct site *site, const char *contact)
{
	site_add_meter(site, 1000);
	struct played_meter *board = site_add_meter(site, 0);
	board->board = true;
	board->power_on = 1;
	for (size_t i = 0; i < 6; i++)
		board->coil[i] = strcmp(contact, "no") == 0;
	commission(site, "1", "hiking-dds238-sr", "wb-mr6c-v3@2/3", contact);
	return board;
}

static void wait_us(struct site *site, int64_t us)
{
	played_run(&site->building, site->building.now_us + us);
}

static const struct alarm *alarm_of(struct site *site, enum alarm_kind kind)
{
	return alarms_find(&site->building.station->alarms, kind, "301 sockets");
}

static void assert_detail(struct site *site, enum alarm_kind kind, const char *words)
{
	const struct alarm *alarm = alarm_of(site, kind);
	assert_non_null(alarm);
	if (strstr(alarm->detail, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", alarm->detail, words);
}

static enum relay_verify verify_of(struct site *site)
{
	return site_room(site, "301")->supplies[0]->relay_state.verify;
}

/* The device goes without power for a while. */
static void power_cycle(struct site *site, struct played_meter *meter)
{
	meter->dead = true;
	wait_us(site, 5 * MINUTE_US);
	meter->dead = false;
	wait_us(site, 5 * MINUTE_US);
}

static void a_meter_in_metering_mode_is_left_alone(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = add_ddsy(site, 0xFFFF & ~PREPAID, 1000);
	wait_us(site, DAY_US + HOUR_US);
	assert_int_equal(meter->relay_writes, 0);
	assert_null(alarm_of(site, ALARM_OWN_LOGIC));
	/* Serial number, ratio and mode: at the start and a day later, never in a row. */
	assert_int_equal(meter->seldom_reads, 6);
	assert_int_equal(meter->seldom_twice, 0);
}

static void a_meter_in_prepaid_mode_is_taken_over_while_its_load_flows(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = add_ddsy(site, PREPAID, 1000);
	wait_us(site, 5 * MINUTE_US);
	assert_int_equal(meter->relay_writes, 1);
	assert_true(meter->closed);
	assert_null(alarm_of(site, ALARM_OWN_LOGIC));
	assert_int_equal(verify_of(site), RELAY_VERIFY_LOAD);
	wait_us(site, DAY_US + HOUR_US);
	assert_int_equal(meter->relay_writes, 1);
	/* After a loss of power, and after a restart of ours, nobody knows whether it still holds. */
	power_cycle(site, meter);
	assert_int_equal(meter->relay_writes, 2);
	site_close(site);
	site_open(site);
	wait_us(site, 5 * MINUTE_US);
	assert_int_equal(meter->relay_writes, 3);
	assert_true(meter->closed);
	assert_null(alarm_of(site, ALARM_OWN_LOGIC));
	assert_int_equal(meter->seldom_twice, 0);
}

static void one_without_load_is_told_and_waits_for_a_person(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = add_ddsy(site, PREPAID, 0);
	wait_us(site, HOUR_US);
	assert_int_equal(meter->relay_writes, 0);
	assert_detail(site, ALARM_OWN_LOGIC, "`prepay relay 301/sockets on` takes it over");
	struct site_answer answer = site_ask(site, "relay.set",
					     json_pack("{s:s,s:s,s:s}", "room", "301", "position",
						       "on", "reason", "looked at it"));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
	wait_us(site, MINUTE_US);
	assert_int_equal(meter->relay_writes, 1);
	assert_null(alarm_of(site, ALARM_OWN_LOGIC));
}

static void one_that_tripped_by_itself_is_never_closed_by_us(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = add_ddsy(site, PREPAID, 1000);
	wait_us(site, 5 * MINUTE_US);
	assert_int_equal(meter->relay_writes, 1);
	/* Its power comes back, and it finds its own balance spent. */
	meter->closed = false;
	power_cycle(site, meter);
	wait_us(site, HOUR_US);
	assert_int_equal(meter->relay_writes, 1);
	assert_false(meter->closed);
	assert_non_null(alarm_of(site, ALARM_OWN_LOGIC));
	assert_int_equal(verify_of(site), RELAY_VERIFY_OWN);
}

static void a_cut_meter_that_comes_back_is_cut_again(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = add_ddsy(site, PREPAID, 1000);
	wait_us(site, 5 * MINUTE_US);
	struct site_answer answer = site_ask(
		site, "relay.set",
		json_pack("{s:s,s:s,s:s}", "room", "301", "position", "off", "reason", "vacant"));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
	wait_us(site, 5 * MINUTE_US);
	assert_false(meter->closed);
	int64_t writes = meter->relay_writes;
	meter->closed = true;
	power_cycle(site, meter);
	assert_int_equal(meter->relay_writes, writes + 1);
	assert_false(meter->closed);
	assert_null(alarm_of(site, ALARM_OWN_LOGIC));
}

static void a_meter_that_nobody_can_command_is_told_until_it_is_set_right(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = site_add_meter(site, 1000);
	meter->adf = true;
	struct played_meter *board = site_add_meter(site, 0);
	board->board = true;
	board->power_on = 1;
	board->coil[0] = true;
	commission(site, "1", "acrel-adf400l-1ph", "wb-mr6c-v3@2/1", "no");
	wait_us(site, 10 * MINUTE_US);
	assert_detail(site, ALARM_OWN_LOGIC, "set it to metering mode");
	/* The board's relay is ours all the same. */
	assert_int_equal(verify_of(site), RELAY_VERIFIED);
	assert_int_equal(meter->relay_writes + board->relay_writes, 0);
	meter->adf_mode = 0x0107;
	wait_us(site, 25 * HOUR_US);
	assert_null(alarm_of(site, ALARM_OWN_LOGIC));
	/* Set back while it was away. */
	meter->adf_mode = 0x0007;
	power_cycle(site, meter);
	assert_non_null(alarm_of(site, ALARM_OWN_LOGIC));
	assert_int_equal(meter->seldom_twice + board->seldom_twice, 0);
}

static void a_mode_of_no_known_meaning_is_told_until_it_is_set_right(void **state)
{
	struct site *site = *state;
	struct played_meter *meter = site_add_meter(site, 1000);
	meter->adf = true;
	meter->adf_mode = 0x0200;
	json_t *rows = json_pack("[{s:s,s:s,s:s,s:s,s:s,s:s}]", "room", "301", "circuit", "sockets",
				 "line", "A", "address", "1", "model", "acrel-adf400l-1ph",
				 "breaker_a", "16");
	assert_int_equal(
		station_rooms_add(site->building.station, rows, false, "", "", no_finding, NULL),
		0);
	json_decref(rows);
	static const struct {
		uint16_t mode;
		const char *told; /* NULL: not at all */
		const char *shown;
	} cases[] = {
		{0x0200, "unknown mode", "unknown"}, {0x0007, "prepaid mode", "prepaid"},
		{0xFF01, "unknown mode", "unknown"}, {0x0107, NULL, "metering"},
		{0x0300, "unknown mode", "unknown"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		meter->adf_mode = cases[i].mode;
		power_cycle(site, meter);
		if (cases[i].told == NULL)
			assert_null(alarm_of(site, ALARM_OWN_LOGIC));
		else
			assert_detail(site, ALARM_OWN_LOGIC, cases[i].told);
		struct site_answer answer = site_ask(
			site, "meter.show",
			json_pack("{s:s,s:I}", "line", "A", "address", (json_int_t)1));
		assert_int_equal(answer.problem, PROBLEM_NONE);
		const json_t *point = json_array_get(json_object_get(answer.data, "points"), 0);
		assert_string_equal(json_string_value(json_object_get(point, "mode")),
				    cases[i].shown);
		site_forget(&answer);
	}
	assert_int_equal(meter->seldom_twice, 0);
}

static void a_board_that_keeps_its_relays_is_well(void **state)
{
	struct site *site = *state;
	struct played_meter *board = add_board(site, "no");
	wait_us(site, DAY_US + HOUR_US);
	assert_null(alarm_of(site, ALARM_SAFE_STATE));
	/* Line loss, the pair of safe states with the room's channel, power-on: at the start and a day
	 * later. */
	assert_int_equal(board->seldom_reads, 6);
	assert_int_equal(board->seldom_twice, 0);
	assert_int_equal(board->relay_writes, 0);
}

static void a_board_that_moves_on_a_silent_line_is_told(void **state)
{
	struct site *site = *state;
	struct played_meter *board = add_board(site, "no");
	board->loss[1] = 1; /* another room's */
	wait_us(site, 10 * MINUTE_US);
	assert_null(alarm_of(site, ALARM_SAFE_STATE));
	board->loss[2] = 1;
	power_cycle(site, board);
	assert_detail(site, ALARM_SAFE_STATE, "opens this supply when the line falls silent");
	board->safe[2] = 1;
	power_cycle(site, board);
	assert_detail(site, ALARM_SAFE_STATE, "closes this supply when the line falls silent");
	board->loss[2] = 0;
	power_cycle(site, board);
	assert_null(alarm_of(site, ALARM_SAFE_STATE));
	assert_int_equal(board->seldom_twice, 0);
}

static void a_room_that_comes_later_is_told_within_minutes(void **state)
{
	struct site *site = *state;
	struct played_meter *board = add_board(site, "no");
	board->loss[3] = 1;
	wait_us(site, 10 * MINUTE_US);
	assert_null(alarm_of(site, ALARM_SAFE_STATE));
	json_t *rows = json_pack("[{s:s,s:s,s:s,s:s}]", "room", "302", "circuit", "light", "line",
				 "A", "relay", "wb-mr6c-v3@2/4");
	assert_int_equal(
		station_rooms_add(site->building.station, rows, false, "", "", no_finding, NULL),
		0);
	json_decref(rows);
	wait_us(site, 5 * MINUTE_US);
	assert_non_null(
		alarms_find(&site->building.station->alarms, ALARM_SAFE_STATE, "302 light"));
	assert_null(alarm_of(site, ALARM_SAFE_STATE));
}

static void behind_a_contactor_that_opens_when_energised_the_words_turn(void **state)
{
	struct site *site = *state;
	struct played_meter *board = add_board(site, "nc");
	board->loss[2] = 1;
	wait_us(site, 10 * MINUTE_US);
	assert_detail(site, ALARM_SAFE_STATE, "closes this supply when the line falls silent");
}

static void a_board_that_moves_when_its_power_returns_is_told(void **state)
{
	struct site *site = *state;
	struct played_meter *board = add_board(site, "no");
	static const uint16_t moves[] = {0, 2};
	for (size_t i = 0; i < 2; i++) {
		board->power_on = moves[i];
		power_cycle(site, board);
		assert_detail(site, ALARM_SAFE_STATE, "may move it when its power comes back");
		board->power_on = 1;
		power_cycle(site, board);
		assert_null(alarm_of(site, ALARM_SAFE_STATE));
	}
	struct site_answer answer = site_ask(
		site, "meter.show", json_pack("{s:s,s:I}", "line", "A", "address", (json_int_t)2));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	const json_t *point = json_array_get(json_object_get(answer.data, "points"), 0);
	assert_string_equal(json_string_value(json_object_get(point, "power_on")), "stays");
	assert_string_equal(json_string_value(json_object_get(point, "line_loss")), "stays");
	assert_true(json_is_null(json_object_get(point, "mode")));
	site_forget(&answer);
}

/* The shipped model, whose relay closes by a key as well. */
static void replace_model(struct site *site, const char *name)
{
	const char *const dirs[] = {PREPAY_SOURCE "/meters/models", site->folder};
	char path[256], line[256], error[256];
	snprintf(path, sizeof(path), "%s/%s.meter", dirs[0], name);
	FILE *in = fopen(path, "re");
	assert_non_null(in);
	snprintf(path, sizeof(path), "%s/%s.meter", site->folder, name);
	FILE *out = fopen(path, "we");
	assert_non_null(out);
	while (fgets(line, sizeof(line), in) != NULL) {
		fputs(line, out);
		if (strcmp(line, "[relay]\n") == 0)
			fputs("key = yes\n", out);
	}
	fclose(in);
	assert_int_equal(fclose(out), 0);
	site_close(site);
	site->models = models_close(site->models);
	if (models_read(&site->models, dirs, 2, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	site_open(site);
}

static void switch_room(struct site *site, const char *position)
{
	struct site_answer answer = site_ask(
		site, "relay.set",
		json_pack("{s:s,s:s,s:s}", "room", "301", "position", position, "reason", "test"));
	assert_int_equal(answer.problem, PROBLEM_NONE);
	site_forget(&answer);
	wait_us(site, 5 * MINUTE_US);
}

static void a_meter_that_only_arms_for_its_key_waits_for_a_person(void **state)
{
	struct site *site = *state;
	replace_model(site, "hiking-dds238-sr");
	struct played_meter *meter = site_add_meter(site, 1000);
	meter->key = true;
	commission(site, "1", "hiking-dds238-sr", "meter", "no");
	wait_us(site, 5 * MINUTE_US);
	switch_room(site, "off");
	assert_false(meter->closed);
	switch_room(site, "auto");
	int64_t writes = meter->relay_writes;
	wait_us(site, HOUR_US);
	assert_true(meter->key_armed);
	assert_false(meter->closed);
	assert_int_equal(meter->relay_writes, writes);
	assert_int_equal(station_service(site_room(site, "301")), SERVICE_ARMED_FOR_CONNECT);
	assert_null(alarm_of(site, ALARM_RELAY_WRONG));
	assert_null(alarm_of(site, ALARM_ARMED_FOR_CONNECT));
	meter->closed = true;
	wait_us(site, 5 * MINUTE_US);
	assert_int_equal(station_service(site_room(site, "301")), SERVICE_CONNECTED);
	assert_int_equal(verify_of(site), RELAY_VERIFIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define MODE_TEST(f) cmocka_unit_test_setup_teardown(f, site_setup, site_teardown)
		MODE_TEST(a_meter_in_metering_mode_is_left_alone),
		MODE_TEST(a_meter_in_prepaid_mode_is_taken_over_while_its_load_flows),
		MODE_TEST(one_without_load_is_told_and_waits_for_a_person),
		MODE_TEST(one_that_tripped_by_itself_is_never_closed_by_us),
		MODE_TEST(a_cut_meter_that_comes_back_is_cut_again),
		MODE_TEST(a_meter_that_nobody_can_command_is_told_until_it_is_set_right),
		MODE_TEST(a_mode_of_no_known_meaning_is_told_until_it_is_set_right),
		MODE_TEST(a_meter_that_only_arms_for_its_key_waits_for_a_person),
		MODE_TEST(a_board_that_keeps_its_relays_is_well),
		MODE_TEST(a_board_that_moves_on_a_silent_line_is_told),
		MODE_TEST(a_room_that_comes_later_is_told_within_minutes),
		MODE_TEST(behind_a_contactor_that_opens_when_energised_the_words_turn),
		MODE_TEST(a_board_that_moves_when_its_power_returns_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
