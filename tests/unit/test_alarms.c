/* Alarms: each thing once, history until its place is needed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/rules/alarms.h"
#include "tests/unit/random.h"

static struct alarms alarms;

static struct instant at(int64_t s)
{
	return (struct instant){.us = s * 1000000, .s = 1767225600 + s, .trusted = true};
}

static int set_up(void **state)
{
	(void)state;
	memset(&alarms, 0, sizeof(alarms));
	return 0;
}

static void a_thing_is_raised_once_and_cleared_once(void **state)
{
	struct instant now = at(1), later = at(9);
	const struct alarm *alarm;

	(void)state;
	assert_int_equal(alarms_raise(&alarms, ALARM_METER_SILENT, "room 305 sockets", "no answer",
				      &now, &alarm),
			 1);
	assert_int_equal(alarm->id, 1);
	assert_int_equal(alarm->since_us, 1000000);
	assert_int_equal(alarms_raise(&alarms, ALARM_METER_SILENT, "room 305 sockets",
				      "still no answer", &later, &alarm),
			 0);
	assert_int_equal(alarm->since_s, now.s);
	assert_string_equal(alarm->detail, "still no answer");
	/* Another kind, another subject: other alarms. */
	assert_int_equal(
		alarms_raise(&alarms, ALARM_METER_DEAD, "room 305 sockets", "", &later, NULL), 1);
	assert_int_equal(
		alarms_raise(&alarms, ALARM_METER_SILENT, "room 306 sockets", "", &later, NULL), 1);
	assert_int_equal(alarms_count(&alarms, ALARM_WARNING), 2);
	assert_int_equal(alarms_count(&alarms, ALARM_CRITICAL), 1);

	assert_true(alarms_clear(&alarms, ALARM_METER_SILENT, "room 305 sockets", &later, &alarm));
	assert_int_equal(alarm->cleared_s, later.s);
	assert_false(alarms_clear(&alarms, ALARM_METER_SILENT, "room 305 sockets", &later, NULL));
	assert_null(alarms_find(&alarms, ALARM_METER_SILENT, "room 305 sockets"));
	assert_non_null(alarms_find(&alarms, ALARM_METER_DEAD, "room 305 sockets"));
	/* It comes back: a new alarm. */
	assert_int_equal(
		alarms_raise(&alarms, ALARM_METER_SILENT, "room 305 sockets", "", &later, &alarm),
		1);
	assert_int_equal(alarm->id, 4);
}

static void they_are_listed_in_order(void **state)
{
	struct instant now = at(1);
	char subject[24];
	int64_t after = 0;

	(void)state;
	for (int i = 1; i <= 5; i++) {
		(void)snprintf(subject, sizeof(subject), "line %d", i);
		assert_int_equal(alarms_raise(&alarms, ALARM_LINE_FAULT, subject, "", &now, NULL),
				 1);
	}
	assert_true(alarms_clear(&alarms, ALARM_LINE_FAULT, "line 2", &now, NULL));
	for (int id = 1; id <= 5; id++) {
		const struct alarm *alarm;

		if (id == 2)
			continue;
		alarm = alarms_next(&alarms, after, false);
		assert_non_null(alarm);
		assert_int_equal(alarm->id, id);
		after = alarm->id;
	}
	assert_null(alarms_next(&alarms, after, false));
	assert_int_equal(alarms_next(&alarms, 1, true)->id, 2);
}

static void a_person_acknowledges_once(void **state)
{
	struct instant now = at(1);

	(void)state;
	assert_int_equal(alarms_raise(&alarms, ALARM_STORE_FAILING, "ledger", "", &now, NULL), 1);
	assert_int_equal(alarms_acknowledge(&alarms, 2, "anna"), -ENOENT);
	assert_int_equal(alarms_acknowledge(&alarms, 0, "anna"), -ENOENT);
	assert_int_equal(alarms_acknowledge(&alarms, 1, "anna"), 0);
	assert_int_equal(alarms_acknowledge(&alarms, 1, "bert"), -EEXIST);
	assert_string_equal(alarms_next(&alarms, 0, false)->acknowledged_by, "anna");
}

static void history_makes_room_and_standing_alarms_do_not(void **state)
{
	struct instant now = at(1);
	char subject[16];

	(void)state;
	for (int i = 0; i < ALARMS_MAX; i++) {
		(void)snprintf(subject, sizeof(subject), "%d", i);
		assert_int_equal(alarms_raise(&alarms, ALARM_METER_SILENT, subject, "", &now, NULL),
				 1);
	}
	assert_int_equal(alarms_raise(&alarms, ALARM_LINE_FAULT, "A", "", &now, NULL), -ENOSPC);
	assert_true(alarms_clear(&alarms, ALARM_METER_SILENT, "7", &now, NULL));
	assert_true(alarms_clear(&alarms, ALARM_METER_SILENT, "3", &now, NULL));
	assert_int_equal(alarms_raise(&alarms, ALARM_LINE_FAULT, "A", "", &now, NULL), 1);
	/* The older of the two is gone. */
	assert_int_equal(alarms_next(&alarms, 3, true)->id, 5);
	assert_int_equal(alarms_next(&alarms, 7, true)->id, 8);
	/* Age counts, not the place: the newer one stands further down. */
	assert_true(alarms_clear(&alarms, ALARM_LINE_FAULT, "A", &now, NULL));
	assert_int_equal(alarms_raise(&alarms, ALARM_LINE_FAULT, "B", "", &now, NULL), 1);
	assert_int_equal(alarms_next(&alarms, 7, true)->id, 9);
}

static void a_flood_of_occurrences_leaves_room_for_states(void **state)
{
	struct instant now = at(1);
	char subject[24];

	(void)state;
	assert_int_equal(alarms_raise(&alarms, ALARM_METER_SILENT, "A", "", &now, NULL), 1);
	for (int i = 0; i < 3 * ALARMS_MAX; i++) {
		(void)snprintf(subject, sizeof(subject), "order %d", i);
		assert_int_equal(
			alarms_raise(&alarms, ALARM_ORDER_SIGNATURE, subject, "", &now, NULL), 1);
	}
	assert_int_equal(alarms_raise(&alarms, ALARM_STORE_FAILING, "ledger", "", &now, NULL), 1);
	assert_non_null(alarms_find(&alarms, ALARM_METER_SILENT, "A"));
	assert_non_null(alarms_find(&alarms, ALARM_STORE_FAILING, "ledger"));
	assert_true(alarm_is_occurrence(ALARM_ORDER_SIGNATURE));
	assert_false(alarm_is_occurrence(ALARM_STORE_FAILING));
}

/* Occurrences give their places away while others of their kind stand. */
static void whatever_happened_each_standing_alarm_is_found(void **state)
{
	static const enum alarm_kind some[] = {ALARM_METER_SILENT, ALARM_ORDER_SIGNATURE,
					       ALARM_ORDER_LIMIT, ALARM_CUT_HELD};
	struct random random = random_start("alarms", 20261122);
	char subject[8];

	(void)state;
	for (long i = 0; i < random_rounds(20000); i++) {
		enum alarm_kind kind = some[random_between(&random, 0, 3)];
		struct instant now = at(i);

		(void)snprintf(subject, sizeof(subject), "%d",
			       (int)random_between(&random, 0, ALARMS_MAX));
		if (random_between(&random, 0, 2) == 0)
			(void)alarms_clear(&alarms, kind, subject, &now, NULL);
		else
			assert_in_range(alarms_raise(&alarms, kind, subject, "", &now, NULL) +
						ENOSPC,
					0, ENOSPC + 1);
		if (i % 100 != 0)
			continue;
		for (size_t k = 0; k < ALARMS_MAX; k++) {
			const struct alarm *alarm = &alarms.alarm[k];

			if (alarm->active)
				assert_ptr_equal(alarms_find(&alarms, alarm->kind, alarm->subject),
						 alarm);
		}
	}
	while (alarms_next(&alarms, 0, false)) {
		const struct alarm *alarm = alarms_next(&alarms, 0, false);
		struct instant now = at(1000000);

		assert_true(alarms_clear(&alarms, alarm->kind, alarm->subject, &now, NULL));
	}
}

static size_t tell(int64_t s)
{
	const struct alarm *alarm = NULL;
	size_t count = 0;

	while ((alarm = alarms_untold(&alarms, alarm ? alarm->id : 0, s * 1000000)) != NULL)
		count++;
	alarms_told(&alarms, s * 1000000);
	return count;
}

static void what_comes_and_goes_is_told_once_a_minute_and_at_last_as_it_is(void **state)
{
	size_t told = 0;

	(void)state;
	for (int64_t s = 1; s <= 3600; s++) {
		struct instant now = at(s);

		if (s % 2 == 1)
			assert_true(alarms_raise(&alarms, ALARM_ADAPTER_ABSENT, "A", "", &now,
						 NULL) >= 0);
		else
			(void)alarms_clear(&alarms, ALARM_ADAPTER_ABSENT, "A", &now, NULL);
		told += tell(s);
	}
	assert_in_range(told, 30, 61);
	/* It ended with the last second: that is told, and nothing more. */
	told = 0;
	for (int64_t s = 3601; s <= 3800; s++)
		told += tell(s);
	assert_true(told <= 1);
	assert_null(alarms_next(&alarms, 0, false));
	assert_null(alarms_untold(&alarms, 0, INT64_C(4000000000)));
}

static void long_texts_are_cut_at_a_character(void **state)
{
	struct instant untrusted = {.us = 5, .s = 77, .trusted = false};
	char subject[100];
	const struct alarm *alarm;

	(void)state;
	/* All but one letter and a three-byte character: it does not fit. */
	memset(subject, 'a', ALARM_SUBJECT_MAX - 1);
	memcpy(subject + ALARM_SUBJECT_MAX - 1, "\xe6\x88\xbf!", 5);
	assert_int_equal(alarms_raise(&alarms, ALARM_CLOUD_AWAY, subject, "", &untrusted, &alarm),
			 1);
	assert_int_equal(strlen(alarm->subject), ALARM_SUBJECT_MAX - 1);
	assert_int_equal(alarm->since_s, 0);
	assert_int_equal(alarms_raise(&alarms, ALARM_CLOUD_AWAY, subject, "", &untrusted, NULL), 0);
	/* Exactly as long as fits. */
	memset(subject, 'b', ALARM_SUBJECT_MAX);
	subject[ALARM_SUBJECT_MAX] = '\0';
	assert_int_equal(alarms_raise(&alarms, ALARM_CLOUD_AWAY, subject, "", &untrusted, &alarm),
			 1);
	assert_string_equal(alarm->subject, subject);
}

static void every_kind_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int kind = 0; kind < ALARM_KIND_COUNT; kind++) {
		assert_non_null(alarm_kind_name((enum alarm_kind)kind));
		for (int other = 0; other < kind; other++)
			assert_string_not_equal(alarm_kind_name((enum alarm_kind)kind),
						alarm_kind_name((enum alarm_kind)other));
	}
	assert_string_equal(alarm_severity_name(alarm_severity(ALARM_RELAY_WRONG)), "critical");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_thing_is_raised_once_and_cleared_once, set_up),
		cmocka_unit_test_setup(they_are_listed_in_order, set_up),
		cmocka_unit_test_setup(a_person_acknowledges_once, set_up),
		cmocka_unit_test_setup(history_makes_room_and_standing_alarms_do_not, set_up),
		cmocka_unit_test_setup(a_flood_of_occurrences_leaves_room_for_states, set_up),
		cmocka_unit_test_setup(whatever_happened_each_standing_alarm_is_found, set_up),
		cmocka_unit_test_setup(
			what_comes_and_goes_is_told_once_a_minute_and_at_last_as_it_is, set_up),
		cmocka_unit_test_setup(long_texts_are_cut_at_a_character, set_up),
		cmocka_unit_test(every_kind_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
