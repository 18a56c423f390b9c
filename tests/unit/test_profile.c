/* The profile's file: rows come back, old ones go, and what is no profile is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <errno.h>
#include <sqlite3.h>

#include "concentrator/profile.h"

#define NOW_S INT64_C(1767225600)

struct place {
	char folder[64];
	char path[96];
};

static int set_up(void **state)
{
	static struct place place;

	(void)snprintf(place.folder, sizeof(place.folder), "/tmp/prepay-profile-XXXXXX");
	assert_non_null(mkdtemp(place.folder));
	(void)snprintf(place.path, sizeof(place.path), "%s/profile.db", place.folder);
	*state = &place;
	return 0;
}

static int tear_down(void **state)
{
	const struct place *place = *state;
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", place->folder);
	assert_int_equal(system(command), 0);
	return 0;
}

/* slots quarters of two supplies, the first at from_s. */
static int write_slots(const char *path, int64_t from_s, size_t slots, int64_t keep_s)
{
	struct profile_batch *batch = malloc(sizeof(*batch) + 2 * slots * sizeof(batch->rows[0]));
	int error;

	assert_non_null(batch);
	batch->keep_s = keep_s;
	batch->count = 2 * slots;
	for (size_t i = 0; i < batch->count; i++)
		batch->rows[i] = (struct profile_row){.at_s = from_s +
							      (int64_t)(i / 2) * PROFILE_SLOT_S,
						      .supply_id = 1 + (int64_t)(i % 2),
						      .life_id = 5,
						      .register_wh = 1000 + (int64_t)i};
	error = profile_write(path, NULL, batch);
	free(batch);
	return error;
}

static size_t count(const char *path, int64_t supply_id, int64_t from_s, int64_t to_s)
{
	const struct profile_request request = {
		.from_s = from_s, .to_s = to_s, .count = 1, .supply_id = {supply_id}};
	struct profile_page *page = NULL;
	size_t rows;

	assert_int_equal(profile_read(path, NULL, &request, &page), 0);
	rows = page->count;
	for (size_t i = 0; i < rows; i++) {
		assert_int_equal(page->rows[i].supply_id, supply_id);
		assert_in_range(page->rows[i].at_s, from_s, to_s);
		if (i > 0)
			assert_true(page->rows[i].at_s > page->rows[i - 1].at_s);
	}
	free(page);
	return rows;
}

static void rows_come_back_by_time_for_whom_was_asked(void **state)
{
	const struct place *place = *state;

	assert_int_equal(count(place->path, 1, 0, INT64_MAX), 0);
	assert_int_equal(access(place->path, F_OK), -1);
	assert_int_equal(write_slots(place->path, NOW_S, 200, 0), 0);
	assert_int_equal(count(place->path, 1, 0, INT64_MAX), 200);
	assert_int_equal(count(place->path, 2, NOW_S, NOW_S + 4 * PROFILE_SLOT_S), 5);
	assert_int_equal(count(place->path, 3, 0, INT64_MAX), 0);
	/* The same quarters again are the same rows. */
	assert_int_equal(write_slots(place->path, NOW_S, 4, 0), 0);
	assert_int_equal(count(place->path, 1, 0, INT64_MAX), 200);
}

static void what_is_too_old_is_dropped(void **state)
{
	const struct place *place = *state;

	assert_int_equal(write_slots(place->path, NOW_S, 10, 0), 0);
	assert_int_equal(write_slots(place->path, NOW_S + 10 * PROFILE_SLOT_S, 1,
				     NOW_S + 8 * PROFILE_SLOT_S),
			 0);
	assert_int_equal(count(place->path, 1, 0, INT64_MAX), 3);
}

static void another_file_is_left_alone(void **state)
{
	const struct place *place = *state;
	const struct profile_request request = {.to_s = INT64_MAX};
	struct profile_page *page;
	sqlite3 *db;
	FILE *file;

	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE profile(x)", NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
	assert_int_equal(write_slots(place->path, NOW_S, 1, 0), -EMEDIUMTYPE);
	assert_int_equal(profile_read(place->path, NULL, &request, &page), -EMEDIUMTYPE);

	file = fopen(place->path, "w");
	assert_non_null(file);
	for (int i = 0; i < 1000; i++)
		(void)fputs("this is no database\n", file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(write_slots(place->path, NOW_S, 1, 0), -EMEDIUMTYPE);
	assert_int_equal(profile_read(place->path, NULL, &request, &page), -EMEDIUMTYPE);
	assert_int_equal(write_slots("/nowhere/profile.db", NOW_S, 1, 0), -ENOENT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(rows_come_back_by_time_for_whom_was_asked),
		CASE(what_is_too_old_is_dropped),
		CASE(another_file_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
