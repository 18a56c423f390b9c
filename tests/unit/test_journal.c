/* test_journal.c - what stands on standard error where no journald listens, and the clock's plain facts. */
#include <ctype.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "concentrator/platform/clock.h"
#include "concentrator/platform/journal.h"

#define TEXT_SIZE 4096

/* Runs log with standard error in a file and gives back what was written. */
static void capture(void (*log)(void), char ret[static TEXT_SIZE])
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t len;

	assert_non_null(file);
	assert_true(saved >= 0);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	log();
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	rewind(file);
	len = fread(ret, 1, TEXT_SIZE - 1, file);
	ret[len] = '\0';
	(void)fclose(file);
}

static void log_room(void)
{
	journal_log(LOG_NOTICE, MESSAGE_ID_ROOM_CUT,
		    JOURNAL_FIELDS({"ROOM", "305"}, {"CIRCUIT", NULL}), "room %s: cut for money",
		    "305");
}

static void log_forged(void)
{
	journal_log(LOG_ERR, NULL, NULL, "order %s refused", "x\n<0>room 9: paid\x1b[2J");
}

static void log_debug(void)
{
	journal_log(LOG_DEBUG, NULL, NULL, "detail");
}

static void log_long(void)
{
	char text[3000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	journal_log(LOG_INFO, NULL, NULL, "%s", text);
}

static int forget_environment(void **state)
{
	(void)state;
	return unsetenv("JOURNAL_STREAM") | unsetenv("PREPAY_LOG_PREFIX") |
	       unsetenv("PREPAY_DEBUG");
}

static void test_plain_line(void **state)
{
	char text[TEXT_SIZE];

	(void)state;
	capture(log_room, text);
	assert_string_equal(text, "room 305: cut for money\n");
	/* A stream that is not ours any more changes nothing. */
	assert_int_equal(setenv("JOURNAL_STREAM", "1:1", 1), 0);
	capture(log_room, text);
	assert_string_equal(text, "room 305: cut for money\n");
	assert_int_equal(setenv("JOURNAL_STREAM", "nonsense", 1), 0);
	capture(log_room, text);
	assert_string_equal(text, "room 305: cut for money\n");
	assert_int_equal(setenv("PREPAY_LOG_PREFIX", "1", 1), 0);
	capture(log_room, text);
	assert_string_equal(text, "<5>room 305: cut for money\n");
}

static void test_one_event_is_one_line(void **state)
{
	char text[TEXT_SIZE];

	(void)state;
	capture(log_forged, text);
	assert_string_equal(text, "order x?<0>room 9: paid?[2J refused\n");
	capture(log_long, text);
	assert_true(strlen(text) > 1000 && strlen(text) < 1100);
	assert_int_equal(text[strlen(text) - 1], '\n');
}

static void test_debug_is_asked_for(void **state)
{
	char text[TEXT_SIZE];

	(void)state;
	capture(log_debug, text);
	assert_string_equal(text, "");
	assert_int_equal(setenv("PREPAY_DEBUG", "1", 1), 0);
	capture(log_debug, text);
	assert_string_equal(text, "detail\n");
}

static void test_clock(void **state)
{
	char boot[CLOCK_BOOT_ID_SIZE];
	int64_t before_us = clock_boottime_us();
	int64_t after_us = clock_boottime_us();

	(void)state;
	assert_true(before_us > 0 && after_us >= before_us);
	/* 2023, the year of Debian 12, is before any build of this. */
	assert_true(clock_build_s > 1672531200);
	assert_true(clock_unix_s() > 0);
	(void)clock_synchronised();
	assert_int_equal(clock_boot_id(boot), 0);
	assert_int_equal(strlen(boot), 32);
	for (size_t i = 0; i < 32; i++)
		assert_true(isxdigit((unsigned char)boot[i]) && !isupper((unsigned char)boot[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_plain_line, forget_environment),
		cmocka_unit_test_setup(test_one_event_is_one_line, forget_environment),
		cmocka_unit_test_setup(test_debug_is_asked_for, forget_environment),
		cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
