/* batch.c - see batch.h */
#include "uplink/batch.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

void batch_clear(struct batch *batch)
{
	batch->rows_n = 0;
	batch->queue_n = 0;
}

int batch_add(struct batch *batch, enum uplink_path path, int64_t seq, void *content)
{
	if (batch->rows_n == BATCH_ROWS_MAX)
		return -ENOSPC;
	if (seq <= 0 || (batch->rows_n > 0 && seq <= batch->rows[batch->rows_n - 1].seq))
		return -EBADMSG;
	batch->rows[batch->rows_n++] = (struct batch_row){
		.seq = seq,
		.path = path,
		.state = ROW_WAITING,
		.content = content,
	};
	return 0;
}

/* A group number that no queued group has. There are never more groups than rows. */
static unsigned free_group(const struct batch *batch)
{
	for (unsigned group = 0; group < BATCH_ROWS_MAX; group++) {
		bool used = false;

		for (size_t i = 0; i < batch->queue_n; i++)
			used = used || batch->queue[i] == group;
		if (!used)
			return group;
	}
	assert(false);
	return 0;
}

static unsigned enqueue(struct batch *batch)
{
	unsigned group = free_group(batch);

	batch->queue[batch->queue_n++] = group;
	batch->failures[group] = 0;
	return group;
}

static void dequeue(struct batch *batch)
{
	batch->queue_n--;
	memmove(batch->queue, batch->queue + 1, batch->queue_n * sizeof(batch->queue[0]));
}

static void rotate(struct batch *batch)
{
	unsigned group = batch->queue[0];

	dequeue(batch);
	batch->queue[batch->queue_n++] = group;
}

static void form_groups(struct batch *batch, enum uplink_path path, size_t most)
{
	size_t in_group = 0;
	unsigned group = 0;

	for (size_t i = 0; i < batch->rows_n; i++) {
		struct batch_row *row = &batch->rows[i];

		if (row->path != path)
			continue;
		if (in_group == 0 || in_group == most) {
			group = enqueue(batch);
			in_group = 0;
		}
		row->group = group;
		in_group++;
	}
}

void batch_start(struct batch *batch, size_t most)
{
	assert(most > 0 && batch->queue_n == 0);
	form_groups(batch, PATH_RECEIPTS, most);
	form_groups(batch, PATH_EVENTS, most);
}

size_t batch_in_hand(struct batch *batch, struct batch_row *ret_rows[static BATCH_ROWS_MAX])
{
	size_t n = 0;

	if (batch->queue_n == 0)
		return 0;
	for (size_t i = 0; i < batch->rows_n; i++) {
		struct batch_row *row = &batch->rows[i];

		if (row->state == ROW_WAITING && row->group == batch->queue[0])
			ret_rows[n++] = row;
	}
	return n;
}

static void refuse(struct batch_row *row, long status, const char *why)
{
	row->state = ROW_REFUSED;
	row->status = status;
	(void)snprintf(row->detail, sizeof(row->detail), "%s", why);
}

void batch_answer(struct batch *batch, int64_t seq, long status, const char *detail)
{
	struct batch_row *rows[BATCH_ROWS_MAX];
	size_t n = batch_in_hand(batch, rows);

	for (size_t i = 0; i < n; i++) {
		if (rows[i]->seq != seq)
			continue;
		enum uplink_action action = outcome_of_item(status);
		if (action == ACTION_TAKE) {
			rows[i]->state = ROW_STORED;
			rows[i]->status = status;
		} else if (action == ACTION_SPLIT) {
			refuse(rows[i], status, detail != NULL ? detail : "refused by the cloud");
		}
		return;
	}
}

bool batch_settle(struct batch *batch)
{
	struct batch_row *rows[BATCH_ROWS_MAX];

	if (batch->queue_n == 0)
		return true;
	if (batch_in_hand(batch, rows) == 0) {
		dequeue(batch);
		return true;
	}
	rotate(batch);
	return false;
}

/* Half of a suspect group is suspect from the start; a row alone proves its guilt anew. */
static void halve(struct batch *batch, struct batch_row *const rows[], size_t n)
{
	unsigned failures = batch->failures[batch->queue[0]];

	dequeue(batch);
	for (size_t half = 0; half < 2; half++) {
		size_t first = half == 0 ? 0 : (n + 1) / 2, end = half == 0 ? (n + 1) / 2 : n;
		unsigned group = enqueue(batch);

		for (size_t i = first; i < end; i++)
			rows[i]->group = group;
		if (end - first > 1 && failures > 0)
			batch->failures[group] = failures - 1;
	}
}

void batch_split(struct batch *batch, long status, const char *why)
{
	struct batch_row *rows[BATCH_ROWS_MAX];
	size_t n = batch_in_hand(batch, rows);

	if (n > 1) {
		halve(batch, rows, n);
	} else if (n == 1) {
		refuse(rows[0], status, why);
		dequeue(batch);
	}
}

static bool any_stored(const struct batch *batch)
{
	for (size_t i = 0; i < batch->rows_n; i++)
		if (batch->rows[i].state == ROW_STORED)
			return true;
	return false;
}

void batch_suspect(struct batch *batch, long status, const char *why)
{
	struct batch_row *rows[BATCH_ROWS_MAX];
	size_t n = batch_in_hand(batch, rows);

	if (n == 0)
		return;
	unsigned *failures = &batch->failures[batch->queue[0]];
	if (*failures < BATCH_SUSPECT_MAX)
		(*failures)++;
	if (*failures < BATCH_SUSPECT_MAX || (n == 1 && !any_stored(batch)))
		rotate(batch);
	else
		batch_split(batch, status, why);
}

int64_t batch_through(const struct batch *batch)
{
	int64_t through = 0;

	for (size_t i = 0; i < batch->rows_n && batch->rows[i].state != ROW_WAITING; i++)
		through = batch->rows[i].seq;
	return through;
}
