/* ledger_statement.c - see ledger_statement.h.
 *
 * A border of a span is a place among the entries: before the first that belongs to it or later. What is for an
 * earlier time, and was entered behind that place (`late`), is counted before it all the same.
 */
#include "concentrator/ledger_statement.h"

#include "concentrator/ledger_reading.h"
#include "concentrator/ledger_store.h"
#include "concentrator/rules/calendar.h"
#include "concentrator/rules/dated.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct late {
	int64_t *seqs; /* in order; from malloc(3) */
	size_t count;
	int64_t nano;
};

struct border {
	int64_t at_s;
	int64_t seq;
	int64_t balance_nano; /* late entries included */
	struct late late;
};

/* A tenancy of the account. */
struct stay {
	int64_t from_s;
	int64_t to_s; /* INT64_MAX: it goes on */
	char name[LEDGER_ID_MAX + 1];
};

struct making {
	struct reading reading;
	int64_t account_id;
	struct stay *stays; /* from malloc(3) */
	size_t stay_count;
	const struct stay *stay; /* of the line before */
	int64_t closed_s;        /* when the last closing entry was made */
	int64_t part;
	bool closing; /* the entry before was one of a closing */
	struct ledger_statement *statement;
};

static int balance_before(struct reading *reading, int64_t account_id, int64_t seq, int64_t *ret)
{
	sqlite3_stmt *stmt = NULL;
	int error = reading_prepare(
		reading,
		"SELECT balance_nano FROM entry WHERE account_id = ? AND seq < ? "
		"ORDER BY seq DESC LIMIT 1",
		&stmt);
	int code;

	if (error < 0)
		return error;
	(void)sqlite3_bind_int64(stmt, 1, account_id);
	(void)sqlite3_bind_int64(stmt, 2, seq);
	code = sqlite3_step(stmt);
	*ret = code == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	(void)sqlite3_finalize(stmt);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : store_errno(reading->db, code);
}

static int by_seq(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static bool is_late(const struct late *late, int64_t seq)
{
	return late->count > 0 &&
	       bsearch(&seq, late->seqs, late->count, sizeof(seq), by_seq) != NULL;
}

/* Adds an entry if it is for a time before the border; *ret_added says so. */
static int add_late(struct making *making, struct border *border, int64_t seq, bool *ret_added)
{
	struct late *late = &border->late;
	struct ledger_line line;
	int64_t *seqs;
	int error = reading_line(&making->reading, seq, &line);

	*ret_added = false;
	if (error < 0 || reading_belongs_s(&line.entry) >= border->at_s)
		return error;
	*ret_added = true;
	for (size_t i = 0; i < late->count; i++)
		if (late->seqs[i] == seq)
			return 0;
	seqs = realloc(late->seqs, (late->count + 1) * sizeof(*seqs));
	if (!seqs)
		return -ENOMEM;
	late->seqs = seqs;
	late->seqs[late->count++] = seq;
	return __builtin_add_overflow(late->nano, line.entry.amount_nano, &late->nano) ? -ERANGE
										       : 0;
}

/* The charges of one rule that are for days before the border. Days are done in their order, so the first one that
 * was entered before the border ends it. */
static int find_dated(struct making *making, struct border *border, enum dated_rule rule)
{
	sqlite3_stmt *stmt = NULL;
	int error = reading_prepare(
		&making->reading,
		"SELECT entry_seq FROM dated WHERE account_id = ? AND rule = +?2 AND day <= ? AND "
		"entry_seq IS NOT NULL ORDER BY day DESC",
		&stmt);
	int code = SQLITE_DONE;
	bool added;

	if (error < 0)
		return error;
	(void)sqlite3_bind_int64(stmt, 1, making->account_id);
	(void)sqlite3_bind_int64(stmt, 2, rule);
	/* A zone is at most a day ahead. */
	(void)sqlite3_bind_int64(stmt, 3, border->at_s / CALENDAR_DAY_S + 1);
	while (error == 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW &&
	       sqlite3_column_int64(stmt, 0) >= border->seq)
		error = add_late(making, border, sqlite3_column_int64(stmt, 0), &added);
	(void)sqlite3_finalize(stmt);
	return error < 0 || code == SQLITE_ROW || code == SQLITE_DONE
		       ? error
		       : store_errno(making->reading.db, code);
}

/* The taxes from an entry on, as long as they are for the time before the border. */
static int find_tax(struct making *making, struct border *border, int64_t seq)
{
	sqlite3_stmt *stmt = NULL;
	int error = reading_prepare(&making->reading,
				    "SELECT entry_seq FROM tax WHERE account_id = ? AND entry_seq "
				    ">= ? ORDER BY entry_seq",
				    &stmt);
	int code = SQLITE_DONE;
	bool added = true;

	if (error < 0)
		return error;
	(void)sqlite3_bind_int64(stmt, 1, making->account_id);
	(void)sqlite3_bind_int64(stmt, 2, seq);
	while (error == 0 && added && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		error = add_late(making, border, sqlite3_column_int64(stmt, 0), &added);
	(void)sqlite3_finalize(stmt);
	return error < 0 || code == SQLITE_ROW || code == SQLITE_DONE
		       ? error
		       : store_errno(making->reading.db, code);
}

static int find_border(struct making *making, struct border *border)
{
	struct late *late = &border->late;
	size_t dated;
	int error = reading_find_in_order(&making->reading, making->account_id, border->at_s,
					  &border->seq);

	if (error == 0)
		error = balance_before(&making->reading, making->account_id, border->seq,
				       &border->balance_nano);
	if (error == 0)
		error = find_dated(making, border, DATED_STANDING);
	if (error == 0)
		error = find_dated(making, border, DATED_MINIMUM);
	dated = late->count;
	if (error == 0)
		error = find_tax(making, border, border->seq);
	/* A tax follows its charges. */
	for (size_t i = 0; error == 0 && i < dated; i++)
		error = find_tax(making, border, late->seqs[i]);
	if (late->count > 1)
		qsort(late->seqs, late->count, sizeof(late->seqs[0]), by_seq);
	if (error == 0 &&
	    __builtin_add_overflow(border->balance_nano, late->nano, &border->balance_nano))
		error = -ERANGE;
	return error;
}

static int read_stays(struct making *making)
{
	sqlite3_stmt *stmt = NULL;
	int error = reading_prepare(
		&making->reading,
		"SELECT name, from_s, to_s FROM tenancy WHERE account_id = ? ORDER BY id", &stmt);
	int code = SQLITE_DONE;

	if (error < 0)
		return error;
	(void)sqlite3_bind_int64(stmt, 1, making->account_id);
	while (error == 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct stay *stays = realloc(making->stays,
					     (making->stay_count + 1) * sizeof(*stays));

		if (!stays) {
			error = -ENOMEM;
			break;
		}
		making->stays = stays;
		stays += making->stay_count++;
		(void)snprintf(stays->name, sizeof(stays->name), "%s",
			       (const char *)sqlite3_column_text(stmt, 0));
		stays->from_s = sqlite3_column_int64(stmt, 1);
		stays->to_s = sqlite3_column_type(stmt, 2) == SQLITE_NULL
				      ? INT64_MAX
				      : sqlite3_column_int64(stmt, 2);
	}
	(void)sqlite3_finalize(stmt);
	return error < 0 || code == SQLITE_DONE ? error : store_errno(making->reading.db, code);
}

/* Whose an entry is; NULL: nobody's. The instant of a move-out is still the old tenant's, up to the closing. */
static const struct stay *stay_of(const struct making *making, const struct entry *entry,
				  bool closing)
{
	int64_t at_s = reading_belongs_s(entry);

	for (size_t i = 0; i < making->stay_count; i++) {
		const struct stay *stay = &making->stays[i];

		if (at_s >= stay->from_s && at_s <= stay->to_s &&
		    (closing || stay->to_s > making->closed_s))
			return stay;
	}
	return NULL;
}

static void turn_part(struct making *making, const struct entry *entry)
{
	bool closing = entry->kind == ENTRY_CLOSING || entry->kind == ENTRY_ROUNDING;
	const struct stay *stay = stay_of(making, entry, closing);

	if (making->statement->count > 0 && ((making->closing && !closing) || stay != making->stay))
		making->part++;
	making->closing = closing;
	making->stay = stay;
	if (entry->kind == ENTRY_CLOSING)
		making->closed_s = entry->at_s;
}

static struct ledger_statement_line *line_for(struct making *making, const struct ledger_line *from)
{
	struct ledger_statement *statement = making->statement;
	const struct entry *entry = &from->entry;
	bool summed = entry->kind == ENTRY_CHARGE || entry->kind == ENTRY_STANDING ||
		      entry->kind == ENTRY_TAX;

	for (size_t i = statement->count; summed && i > 0; i--) {
		struct ledger_statement_line *line = &statement->lines[i - 1];

		if (line->part != making->part)
			break;
		if (line->kind == entry->kind && line->medium == from->medium &&
		    line->tariff_id == entry->tariff_id &&
		    line->price_micro_per_kwh == entry->price_micro_per_kwh)
			return line;
	}
	return NULL;
}

static int add_line(struct making *making, const struct ledger_line *from)
{
	struct ledger_statement *statement = making->statement;
	const struct entry *entry = &from->entry;
	bool timed = entry->to_s != 0;
	int64_t from_s = timed && entry->from_s != 0 ? entry->from_s : entry->at_s;
	int64_t to_s = timed ? entry->to_s : entry->at_s;
	struct ledger_statement_line *line;

	turn_part(making, entry);
	line = line_for(making, from);
	if (!line) {
		if (statement->count == LEDGER_STATEMENT_LINES_MAX)
			return -E2BIG;
		line = &statement->lines[statement->count++];
		*line = (struct ledger_statement_line){
			.kind = entry->kind,
			.part = making->part,
			.medium = from->medium,
			.seq = entry->seq,
			.from_s = from_s,
			.to_s = to_s,
			.price_micro_per_kwh = entry->price_micro_per_kwh,
			.tariff_id = entry->tariff_id,
			.flags = entry->flags,
		};
		if (making->stay)
			memcpy(line->tenancy, making->stay->name, sizeof(line->tenancy));
		memcpy(line->tariff, from->tariff, sizeof(line->tariff));
		memcpy(line->order, entry->order, sizeof(line->order));
		memcpy(line->who, entry->who, sizeof(line->who));
		memcpy(line->why, entry->why, sizeof(line->why));
	}
	line->entries++;
	line->from_s = from_s < line->from_s ? from_s : line->from_s;
	line->to_s = to_s > line->to_s ? to_s : line->to_s;
	if (__builtin_add_overflow(line->energy_wh, entry->energy_wh, &line->energy_wh) ||
	    __builtin_add_overflow(line->amount_nano, entry->amount_nano, &line->amount_nano))
		return -ERANGE;
	return 0;
}

/* The entries from one border to before the other, a page a transaction, then those that are late. */
static int walk(struct making *making, const struct border *from, const struct border *to)
{
	struct ledger_query query = {.account_id = making->account_id,
				     .after_seq = from->seq - 1,
				     .before_seq = to->seq,
				     .limit = LEDGER_PAGE_MAX};
	struct ledger_page *page = malloc(sizeof(*page) + LEDGER_PAGE_MAX * sizeof(page->lines[0]));
	int error = page ? 0 : -ENOMEM;

	do {
		if (error < 0)
			break;
		page->count = 0;
		page->more = false;
		error = reading_page(&making->reading, &query, 1, page);
		for (size_t i = 0; error == 0 && i < page->count; i++)
			if (!is_late(&from->late, page->lines[i].entry.seq))
				error = add_line(making, &page->lines[i]);
		if (page->count > 0)
			query.after_seq = page->lines[page->count - 1].entry.seq;
		if (error == 0 && reading_tick(&making->reading))
			error = -ECANCELED;
	} while (error == 0 && page->more);
	for (size_t i = 0; error == 0 && i < to->late.count; i++) {
		if (is_late(&from->late, to->late.seqs[i]))
			continue;
		error = reading_line(&making->reading, to->late.seqs[i], &page->lines[0]);
		if (error == 0)
			error = add_line(making, &page->lines[0]);
	}
	free(page);
	return error;
}

static int check(const struct ledger_statement *statement)
{
	int64_t sum = statement->opening_nano;

	for (size_t i = 0; i < statement->count; i++)
		if (__builtin_add_overflow(sum, statement->lines[i].amount_nano, &sum))
			return -EUCLEAN;
	return sum == statement->closing_nano ? 0 : -EUCLEAN;
}

int ledger_statement(const char *path, const char *vfs, int64_t account_id, int64_t from_s,
		     int64_t to_s, atomic_ullong *progress, const atomic_bool *cancel,
		     struct ledger_statement **ret)
{
	struct making making = {.reading = {.progress = progress, .cancel = cancel},
				.account_id = account_id,
				.closed_s = INT64_MIN};
	struct border from = {.at_s = from_s}, to = {.at_s = to_s};
	int error;

	making.statement = malloc(sizeof(*making.statement) +
				  LEDGER_STATEMENT_LINES_MAX * sizeof(making.statement->lines[0]));
	if (!making.statement)
		return -ENOMEM;
	*making.statement = (struct ledger_statement){0};
	error = reading_open(&making.reading, path, vfs);
	if (error == 0)
		error = find_border(&making, &from);
	if (error == 0)
		error = find_border(&making, &to);
	if (error == 0)
		error = read_stays(&making);
	making.statement->opening_nano = from.balance_nano;
	making.statement->closing_nano = to.balance_nano;
	if (error == 0)
		error = walk(&making, &from, &to);
	if (error == 0)
		error = check(making.statement);
	(void)sqlite3_close(making.reading.db);
	free(from.late.seqs);
	free(to.late.seqs);
	free(making.stays);
	if (error < 0)
		free(making.statement);
	else
		*ret = making.statement;
	return error;
}
