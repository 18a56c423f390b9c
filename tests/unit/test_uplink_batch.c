/* A page of the outbox on its way: U1 (nothing is dropped) and U2 (a bad row blocks nothing). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "uplink/accepted.h"

static struct batch *filled(size_t n, size_t most)
{
	static struct batch batch;

	batch_clear(&batch);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(batch_add(&batch, PATH_EVENTS, (int64_t)i + 1, NULL), 0);
	batch_start(&batch, most);
	return &batch;
}

static size_t in_hand(struct batch *batch)
{
	struct batch_row *rows[BATCH_ROWS_MAX];

	return batch_in_hand(batch, rows);
}

static void store_in_hand(struct batch *batch)
{
	struct batch_row *rows[BATCH_ROWS_MAX];
	size_t n = batch_in_hand(batch, rows);

	for (size_t i = 0; i < n; i++)
		batch_answer(batch, rows[i]->seq, 200, NULL);
	assert_true(batch_settle(batch));
}

static bool holds(struct batch *batch, int64_t seq)
{
	struct batch_row *rows[BATCH_ROWS_MAX];
	size_t n = batch_in_hand(batch, rows);

	for (size_t i = 0; i < n; i++)
		if (rows[i]->seq == seq)
			return true;
	return false;
}

static void receipts_go_first_and_apart(void **state)
{
	struct batch *batch = filled(0, 1);
	struct batch_row *rows[BATCH_ROWS_MAX];

	(void)state;
	assert_int_equal(batch_add(batch, PATH_EVENTS, 1, NULL), 0);
	assert_int_equal(batch_add(batch, PATH_RECEIPTS, 2, NULL), 0);
	assert_int_equal(batch_add(batch, PATH_EVENTS, 3, NULL), 0);
	batch_start(batch, 10);
	assert_int_equal(batch_in_hand(batch, rows), 1);
	assert_int_equal(rows[0]->seq, 2);
	store_in_hand(batch);
	assert_int_equal(batch_through(batch), 0); /* the first still waits */
	assert_int_equal(batch_in_hand(batch, rows), 2);
	store_in_hand(batch);
	assert_int_equal(in_hand(batch), 0);
	assert_int_equal(batch_through(batch), 3);
}

static void rows_out_of_order_or_too_many_are_refused(void **state)
{
	struct batch *batch = filled(BATCH_ROWS_MAX, 7);

	(void)state;
	assert_int_equal(batch_add(batch, PATH_EVENTS, 1000, NULL), -ENOSPC);
	assert_int_equal(in_hand(batch), 7);
	batch = filled(3, 7);
	assert_int_equal(batch_add(batch, PATH_EVENTS, 3, NULL), -EBADMSG);
	assert_int_equal(batch_add(batch, PATH_EVENTS, -3, NULL), -EBADMSG);
}

/* The server refuses any request that holds the bad row. */
static void one_bad_row_is_found_in_two_requests_a_row_at_most(void **state)
{
	(void)state;
	for (size_t n = 1; n <= BATCH_ROWS_MAX; n = n * 2 + 1) {
		for (size_t bad = 1; bad <= n; bad += n / 5 + 1) {
			struct batch *batch = filled(n, BATCH_ROWS_MAX);
			size_t requests = 0;

			while (in_hand(batch) > 0) {
				requests++;
				if (holds(batch, (int64_t)bad))
					batch_split(batch, 422, "wrong");
				else
					store_in_hand(batch);
			}
			assert_true(requests <= 2 * n);
			for (size_t i = 0; i < n; i++) {
				bool refused = i + 1 == bad;
				assert_int_equal(batch->rows[i].state,
						 refused ? ROW_REFUSED : ROW_STORED);
			}
			assert_int_equal(batch->rows[bad - 1].status, 422);
			assert_string_equal(batch->rows[bad - 1].detail, "wrong");
			assert_int_equal(batch_through(batch), n);
		}
	}
}

static void a_row_the_server_fails_over_is_set_aside_once_others_pass(void **state)
{
	struct batch *batch = filled(40, BATCH_ROWS_MAX);
	size_t requests = 0;

	(void)state;
	while (in_hand(batch) > 0 && requests < 1000) {
		requests++;
		if (holds(batch, 18))
			batch_suspect(batch, 500, "failed");
		else
			store_in_hand(batch);
	}
	assert_in_range(requests, 1, 40);
	assert_int_equal(batch->rows[17].state, ROW_REFUSED);
	assert_int_equal(batch->rows[17].status, 500);
	assert_int_equal(batch_through(batch), 40);
}

static void a_server_that_fails_over_everything_gets_nothing_set_aside(void **state)
{
	struct batch *batch = filled(9, BATCH_ROWS_MAX);

	(void)state;
	for (size_t i = 0; i < 1000; i++)
		batch_suspect(batch, 500, "failed");
	assert_int_equal(batch_through(batch), 0);
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(batch->rows[i].state, ROW_WAITING);
	while (in_hand(batch) > 0)
		store_in_hand(batch);
	assert_int_equal(batch_through(batch), 9);
}

static void what_was_not_answered_comes_again_behind_the_others(void **state)
{
	struct batch *batch = filled(4, 2);
	struct batch_row *rows[BATCH_ROWS_MAX];

	(void)state;
	batch_answer(batch, 1, 200, NULL);
	batch_answer(batch, 2, 503, NULL);   /* not now */
	batch_answer(batch, 3, 200, NULL);   /* not in hand: no answer of this request */
	batch_answer(batch, 1, 422, "late"); /* has its answer */
	assert_false(batch_settle(batch));
	assert_int_equal(batch->rows[2].state, ROW_WAITING);
	assert_int_equal(batch->rows[0].state, ROW_STORED);
	assert_int_equal(batch_through(batch), 1);
	store_in_hand(batch);
	assert_int_equal(batch_in_hand(batch, rows), 1);
	assert_int_equal(rows[0]->seq, 2);
	store_in_hand(batch);
	assert_int_equal(batch_through(batch), 4);
}

static void each_answer_of_the_cloud_counts_or_counts_for_nothing(void **state)
{
	static const struct {
		const char *sentence, *answer;
		int r;
		int64_t through; /* after batch_settle() */
	} rows[] = {
		{"all stored",
		 "{\"acceptedThrough\":2,\"results\":[{\"seq\":1,\"status\":200},{\"seq\":2,"
		 "\"status\":208}]}",
		 0, 2},
		{"one refused",
		 "{\"acceptedThrough\":1,\"x\":1,\"results\":[{\"seq\":1,\"status\":200},"
		 "{\"seq\":2,\"status\":422,\"type\":\"t\"}]}",
		 0, 2},
		{"accepted in one word, without rows, answers no row",
		 "{\"acceptedThrough\":2,\"results\":[]}", 0, 0},
		{"one without a row",
		 "{\"acceptedThrough\":2,\"results\":[{\"seq\":1,\"status\":200}]}", 0, 1},
		{"one row not of the contract spoils all",
		 "{\"acceptedThrough\":2,\"results\":[{\"seq\":1,\"status\":200},{\"seq\":2}]}",
		 -EBADMSG, 0},
		{"a status that is none",
		 "{\"acceptedThrough\":2,\"results\":[{\"seq\":1,\"status\":2}]}", -EBADMSG, 0},
		{"a real", "{\"acceptedThrough\":2,\"results\":[{\"seq\":1.0,\"status\":200}]}",
		 -EBADMSG, 0},
		{"no acceptedThrough", "{\"results\":[{\"seq\":1,\"status\":200}]}", -EBADMSG, 0},
		{"duplicate keys",
		 "{\"acceptedThrough\":2,\"results\":[{\"seq\":1,\"seq\":2,\"status\":200}]}",
		 -EBADMSG, 0},
		{"half an answer", "{\"acceptedThrough\":2,\"results\":[{\"seq\":1,\"stat",
		 -EBADMSG, 0},
		{"something behind it",
		 "{\"acceptedThrough\":2,\"results\":[{\"seq\":1,\"status\":200}]} x", -EBADMSG, 0},
		{"a list", "[]", -EBADMSG, 0},
		{"nothing", "", -EBADMSG, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct batch *batch = filled(2, 2);
		int r = accepted_parse(rows[i].answer, strlen(rows[i].answer), batch);

		(void)batch_settle(batch);
		if (r != rows[i].r || batch_through(batch) != rows[i].through)
			fail_msg("%s: %d, through %lld", rows[i].sentence, r,
				 (long long)batch_through(batch));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(receipts_go_first_and_apart),
		cmocka_unit_test(rows_out_of_order_or_too_many_are_refused),
		cmocka_unit_test(one_bad_row_is_found_in_two_requests_a_row_at_most),
		cmocka_unit_test(a_row_the_server_fails_over_is_set_aside_once_others_pass),
		cmocka_unit_test(a_server_that_fails_over_everything_gets_nothing_set_aside),
		cmocka_unit_test(what_was_not_answered_comes_again_behind_the_others),
		cmocka_unit_test(each_answer_of_the_cloud_counts_or_counts_for_nothing),
	};

	return cmocka_run_group_tests_name("uplink_batch", tests, NULL, NULL);
}
