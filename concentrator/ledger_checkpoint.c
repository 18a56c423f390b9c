/* ledger_checkpoint.c - see ledger_checkpoint.h.
 *
 * What was told is kept in cursors: of a section, "told NAME": epoch, rows, place in the history, digest;
 * of the whole, "checkpoint": epoch, number. In another epoch nothing was told yet.
 */
#include "concentrator/ledger_checkpoint.h"

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_section.h"
#include "concentrator/ledger_store.h"
#include "concentrator/platform/encoding.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_CURSOR "checkpoint"
#define PART_BYTES    24576 /* a row alone may have as many */

/* What a section came to. */
struct told {
	int64_t rows;
	int64_t place;
	uint8_t digest[DIGEST_SIZE];
};

struct teller {
	struct ledger *ledger;
	const struct ledger_checkpoint *checkpoint;
	struct ledger_checkpoint_told sum;
	const struct section *section;
	struct told told;
	bool silent; /* only counts */
	int64_t part;
	json_t *rows; /* of the part at hand */
	size_t bytes;
};

static int read_number(struct ledger *ledger, int64_t *ret)
{
	int64_t epoch = 0, number = 0;
	char text[64] = "";
	int error = ledger_cursor_get(ledger, NUMBER_CURSOR, text, sizeof(text));

	if (error < 0 && error != -ENODATA)
		return error;
	if (error == 0 && sscanf(text, "%" SCNd64 " %" SCNd64, &epoch, &number) != 2)
		return -EUCLEAN;
	*ret = epoch == ledger->epoch ? number : 0;
	return 0;
}

static void cursor_name(const struct section *section, char ret[static LEDGER_NAME_MAX + 1])
{
	(void)snprintf(ret, LEDGER_NAME_MAX + 1, "told %s", section->name);
}

static int read_told(struct ledger *ledger, const struct section *section, struct told *ret)
{
	char name[LEDGER_NAME_MAX + 1], text[160], digest[HEX_LEN(DIGEST_SIZE) + 1];
	struct told told = {0};
	int64_t epoch;
	int error;

	*ret = (struct told){.place = INT64_MIN};
	cursor_name(section, name);
	error = ledger_cursor_get(ledger, name, text, sizeof(text));
	if (error == -ENODATA)
		return 0;
	if (error < 0)
		return error;
	if (sscanf(text, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %64s", &epoch, &told.rows,
		   &told.place, digest) != 4 ||
	    hex_decode(digest, strlen(digest), told.digest, DIGEST_SIZE) < 0)
		return -EUCLEAN;
	if (epoch == ledger->epoch)
		*ret = told;
	return 0;
}

static int keep_told(struct ledger *ledger, const struct section *section, const struct told *told)
{
	char name[LEDGER_NAME_MAX + 1], text[160], digest[HEX_LEN(DIGEST_SIZE) + 1];

	cursor_name(section, name);
	hex_encode(told->digest, DIGEST_SIZE, digest, sizeof(digest));
	(void)snprintf(text, sizeof(text), "%" PRId64 " %" PRId64 " %" PRId64 " %s", ledger->epoch,
		       told->rows, told->place, digest);
	return ledger_cursor_set(ledger, name, text);
}

static int tell(struct teller *teller, json_t *body_taken)
{
	char *text = body_taken ? json_dumps(body_taken, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	int error = -ENOMEM;

	json_decref(body_taken);
	if (text)
		error = ledger_event_put(teller->ledger, LEDGER_CHECKPOINT_LANE, "checkpoint",
					 teller->checkpoint->at_s, teller->checkpoint->trusted,
					 text, NULL);
	free(text);
	teller->sum.events++;
	return error;
}

static int tell_part(struct teller *teller)
{
	json_t *rows = teller->rows;

	teller->rows = NULL;
	teller->bytes = 0;
	if (!rows)
		return 0;
	teller->sum.rows += (int64_t)json_array_size(rows);
	return tell(teller,
		    json_pack("{s:I,s:s,s:I,s:s,s:o}", "checkpoint", (json_int_t)teller->sum.number,
			      "section", teller->section->name, "part", (json_int_t)teller->part++,
			      "columns", teller->section->columns, "rows", rows));
}

static int tell_row(struct teller *teller, json_t *row)
{
	size_t bytes = json_dumpb(row, NULL, 0, JSON_COMPACT | JSON_ENSURE_ASCII);
	int error = section_digest(teller->told.digest, row);

	teller->told.rows++;
	if (error == 0 && !teller->silent && teller->bytes + bytes > PART_BYTES)
		error = tell_part(teller);
	if (error < 0 || teller->silent)
		return error;
	if (!teller->rows)
		teller->rows = json_array();
	teller->bytes += bytes + 1;
	return json_array_append(teller->rows, row) < 0 ? -ENOMEM : 0;
}

static int tell_result(struct teller *teller, sqlite3_stmt *stmt)
{
	int first = teller->section->kind == SECTION_HISTORY;
	json_t *row = json_array();
	int error = row ? 0 : -ENOMEM;

	for (int i = first; error == 0 && i < sqlite3_column_count(stmt); i++)
		if (json_array_append_new(row, section_value(stmt, i)) < 0)
			error = -ENOMEM;
	if (error == 0)
		error = tell_row(teller, row);
	if (error == 0 && first)
		teller->told.place = sqlite3_column_int64(stmt, 0);
	json_decref(row);
	return error;
}

/* Seldom wanted: prepared anew each time. */
static int tell_collected(struct teller *teller)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(teller->ledger->db, teller->section->collect, -1, &stmt,
				      NULL);
	int error = 0;

	if (code == SQLITE_OK && teller->section->kind == SECTION_HISTORY)
		code = sqlite3_bind_int64(stmt, 1, teller->told.place);
	while (code == SQLITE_OK && error == 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		error = tell_result(teller, stmt);
		code = SQLITE_OK;
	}
	if (error == 0 && code != SQLITE_OK && code != SQLITE_DONE)
		error = store_error(teller->ledger, code);
	(void)sqlite3_finalize(stmt);
	return error;
}

static int tell_given(struct teller *teller)
{
	const json_t *rows = json_object_get(teller->checkpoint->given, teller->section->name);
	int error = 0;

	for (size_t i = 0; error == 0 && i < json_array_size(rows); i++)
		error = tell_row(teller, json_array_get(rows, i));
	return error;
}

static int walk(struct teller *teller)
{
	return teller->section->kind == SECTION_GIVEN ? tell_given(teller) : tell_collected(teller);
}

/* One section: nothing, what is new, or all of it. */
static int tell_section(struct teller *teller, const struct section *section)
{
	struct told before;
	int error = read_told(teller->ledger, section, &before);

	if (error < 0)
		return error;
	teller->section = section;
	teller->part = 0;
	teller->told = (struct told){.place = INT64_MIN};
	teller->silent = false;
	if (section->kind == SECTION_HISTORY) {
		teller->told = before;
	} else {
		/* Looked at once to see whether it changed. */
		teller->silent = true;
		error = walk(teller);
		if (error < 0)
			return error;
		if (before.rows == teller->told.rows &&
		    memcmp(before.digest, teller->told.digest, DIGEST_SIZE) == 0)
			return 0;
		teller->told = (struct told){.place = INT64_MIN};
		teller->silent = false;
	}
	error = walk(teller);
	if (error == 0)
		error = tell_part(teller);
	return error < 0 ? error : keep_told(teller->ledger, section, &teller->told);
}

static json_t *section_row(const struct section *section, const struct told *told)
{
	char digest[HEX_LEN(DIGEST_SIZE) + 1];

	hex_encode(told->digest, DIGEST_SIZE, digest, sizeof(digest));
	return json_pack("{s:s,s:s,s:I,s:s}", "name", section->name, "columns", section->columns,
			 "rows", (json_int_t)told->rows, "sha256", digest);
}

static json_t *nano(int64_t amount_nano)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, amount_nano);
	return json_string(text);
}

static int tell_head(struct teller *teller, json_t *rows_taken)
{
	const struct tally *tally = &teller->ledger->tally;
	char head[HEX_LEN(32) + 1];

	hex_encode(tally->head, 32, head, sizeof(head));
	return tell(teller,
		    json_pack("{s:I,s:s,s:s,s:I,s:I,s:b,s:I,s:s,s:o,s:o,s:o}", "checkpoint",
			      (json_int_t)teller->sum.number, "section", "head", "site",
			      teller->ledger->site, "epoch", (json_int_t)teller->ledger->epoch,
			      "at_s", (json_int_t)teller->checkpoint->at_s, "trusted",
			      teller->checkpoint->trusted, "entries",
			      (json_int_t)tally->totals.entries, "head", head, "balance_nano",
			      nano(tally->totals.balance_nano), "cash_nano",
			      nano(tally->totals.cash_nano), "sections", rows_taken));
}

static int keep_number(struct teller *teller)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%" PRId64 " %" PRId64, teller->ledger->epoch,
		       teller->sum.number);
	return ledger_cursor_set(teller->ledger, NUMBER_CURSOR, text);
}

int ledger_checkpoint_write(struct ledger *ledger, const struct ledger_checkpoint *checkpoint,
			    struct ledger_checkpoint_told *ret)
{
	struct teller teller = {.ledger = ledger, .checkpoint = checkpoint};
	json_t *rows = json_array();
	size_t count;
	const struct section *sections = section_list(&count);
	int error = rows ? read_number(ledger, &teller.sum.number) : -ENOMEM;

	assert(ledger->in_transaction);
	if (error == 0 && ledger->failed)
		error = -EIO;
	teller.sum.number++;
	for (size_t i = 0; error == 0 && i < count; i++) {
		error = tell_section(&teller, &sections[i]);
		if (error == 0 &&
		    json_array_append_new(rows, section_row(&sections[i], &teller.told)) < 0)
			error = -ENOMEM;
	}
	json_decref(teller.rows);
	if (error < 0) {
		json_decref(rows);
		return error;
	}
	error = tell_head(&teller, rows);
	if (error == 0)
		error = keep_number(&teller);
	teller.sum.entries = ledger->tally.totals.entries;
	if (error == 0)
		*ret = teller.sum;
	return error;
}

int ledger_use_known_each(struct ledger *ledger, ledger_use_fn row, void *userdata)
{
	QUERY query = query_begin(
		ledger, STATEMENT_USE_KNOWN,
		"SELECT account_id, since_s, wh, flags FROM use_known ORDER BY id");
	int more, stop;

	while ((more = query_row(&query)) == 1) {
		const struct ledger_charge use = {
			.account_id = row_integer(&query, 0),
			.from_s = row_integer(&query, 1),
			.energy_wh = row_integer(&query, 2),
			.flags = (uint32_t)row_integer(&query, 3),
		};

		stop = row(&use, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}
