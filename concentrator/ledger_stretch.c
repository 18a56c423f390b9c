/* ledger_stretch.c - the chain (M8) and what it comes to (M1, M2), entry by entry; see ledger_stretch.h.
 *
 * A page of entries is read in one transaction, so that the log can be checkpointed in between; entries never
 * change (M5), so the pages fit together.
 */
#include "concentrator/ledger_stretch.h"

#include "concentrator/ledger_chain.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <openssl/evp.h>

#define PAGE 4096

/* Where ENTRY_COLUMNS has the ids that may be none, and what is not hashed as it stands there. */
#define COLUMN_POINT   4
#define COLUMN_LIFE    5
#define COLUMN_TRUSTED 7
#define COLUMN_BOOT    9
#define COLUMN_TARIFF  17
#define COLUMN_REFERS  19
#define COLUMN_ORDER   20
#define COLUMN_WHO     21
#define COLUMN_WHY     22

static int load_more(struct walk *walk, struct stretch *stretch)
{
	int error = running_load(walk, &stretch->accounts, stretch->known,
				 "SELECT id, 0, 0, 0 FROM account WHERE id > ? ORDER BY id");

	if (error == 0)
		error = running_load(walk, &stretch->lives, stretch->known,
				     walk->has_medium
					     ? "SELECT id, first_wh, point_id, medium FROM life "
					       "WHERE id > ? ORDER BY id"
					     : "SELECT id, first_wh, point_id, 0 FROM life WHERE "
					       "id > ? ORDER BY id");
	if (error == 0)
		error = running_load(walk, &stretch->points, true,
				     "SELECT id, 0, 0, 0 FROM point WHERE id > ? ORDER BY id");
	if (error == 0)
		error = running_load(walk, &stretch->tariffs, true,
				     "SELECT id, 0, 0, 0 FROM tariff WHERE id > ? ORDER BY id");
	return error;
}

void stretch_init(struct stretch *stretch, int64_t after, bool known)
{
	*stretch = (struct stretch){
		.after = after,
		.through = after,
		.known = known,
		.indexed = true,
		.accounts = {.size = sizeof(struct running)},
		.lives = {.size = sizeof(struct running)},
		.points = {.size = sizeof(struct running)},
		.tariffs = {.size = sizeof(struct running)},
		.verdict = {.ok = true, .entries = after},
	};
}

void stretch_clear(struct stretch *stretch)
{
	numbered_clear(&stretch->accounts);
	numbered_clear(&stretch->lives);
	numbered_clear(&stretch->points);
	numbered_clear(&stretch->tariffs);
}

/* Nothing is NULL, anything else the id of a row. */
static int check_reference(struct walk *walk, const struct entry *entry, sqlite3_value *value,
			   int64_t id, const struct numbered *rows, const char *what)
{
	if (id == 0 ? sqlite3_value_type(value) == SQLITE_NULL : !rows || running_find(rows, id))
		return 0;
	return walk_bad(walk, entry->seq, "entry %" PRId64 ": %s %" PRId64 " is not there",
			entry->seq, what, id);
}

/* The account and what it refers to are looked at where they are needed. */
static int check_references(struct walk *walk, struct stretch *stretch, const struct entry *entry,
			    sqlite3_value *const values[static ENTRY_COLUMN_COUNT])
{
	if (entry->refers < 0 || entry->refers >= entry->seq)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": refers to %" PRId64 ", which is not before it",
				entry->seq, entry->refers);
	(void)check_reference(walk, entry, values[COLUMN_REFERS], entry->refers, NULL, "entry");
	if (walk->verdict->ok)
		(void)check_reference(walk, entry, values[COLUMN_POINT], entry->point_id,
				      &stretch->points, "point");
	if (walk->verdict->ok)
		(void)check_reference(walk, entry, values[COLUMN_LIFE], entry->life_id,
				      &stretch->lives, "meter life");
	if (walk->verdict->ok)
		(void)check_reference(walk, entry, values[COLUMN_TARIFF], entry->tariff_id,
				      &stretch->tariffs, "tariff");
	return 0;
}

static bool is_whole(sqlite3_value *value, const char *copied)
{
	return (size_t)sqlite3_value_bytes(value) == strlen(copied);
}

/* The hash is over what a reader takes from a row; the row must not say more than that. */
static int check_forms(struct walk *walk, const struct entry *entry,
		       sqlite3_value *const values[static ENTRY_COLUMN_COUNT])
{
	int64_t trusted = sqlite3_value_int64(values[COLUMN_TRUSTED]);

	if (trusted == (int64_t)entry->at_trusted && is_whole(values[COLUMN_BOOT], entry->boot) &&
	    is_whole(values[COLUMN_ORDER], entry->order) &&
	    (entry->order[0] != '\0' || sqlite3_value_type(values[COLUMN_ORDER]) == SQLITE_NULL) &&
	    is_whole(values[COLUMN_WHO], entry->who) && is_whole(values[COLUMN_WHY], entry->why))
		return 0;
	return walk_bad(walk, entry->seq,
			"entry %" PRId64 ": a field is not as it can have been written",
			entry->seq);
}

static int check_energy(struct walk *walk, struct stretch *stretch, const struct entry *entry,
			enum medium *ret_medium)
{
	struct running *life;
	int64_t to_wh;

	if (entry->life_id == 0) {
		if (entry->energy_wh != 0 || entry->from_wh != entry->to_wh)
			return walk_bad(walk, entry->seq,
					"entry %" PRId64 ": energy without a meter life",
					entry->seq);
		return 0;
	}
	life = running_find(&stretch->lives, entry->life_id);
	if (life->point_id != entry->point_id)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": meter life %" PRId64 " is of another point",
				entry->seq, entry->life_id);
	if (!life->known) {
		life->known = true;
		life->start = life->value = entry->from_wh;
	}
	if (entry->from_wh != life->value)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": begins at %" PRId64
				" %s, the meter life was settled to %" PRId64,
				entry->seq, entry->from_wh, medium_unit(life->medium), life->value);
	if (entry->energy_wh < 0 ||
	    __builtin_add_overflow(entry->from_wh, entry->energy_wh, &to_wh) ||
	    to_wh != entry->to_wh)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": %" PRId64 " %s from %" PRId64
				" do not reach %" PRId64,
				entry->seq, entry->energy_wh, medium_unit(life->medium),
				entry->from_wh, entry->to_wh);
	life->value = to_wh;
	*ret_medium = life->medium;
	return 0;
}

static int overflows(struct walk *walk, const struct entry *entry)
{
	return walk_bad(walk, entry->seq, "entry %" PRId64 ": the balance overflows", entry->seq);
}

static int check_balance(struct walk *walk, struct stretch *stretch, const struct entry *entry,
			 int64_t balance_nano)
{
	struct running *account = running_find(&stretch->accounts, entry->account_id);
	int64_t *sum = &stretch->totals.balance_nano;

	if (!account)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": account %" PRId64 " is not there", entry->seq,
				entry->account_id);
	if (!account->known) {
		if (__builtin_sub_overflow(balance_nano, entry->amount_nano, &account->start))
			return overflows(walk, entry);
		account->known = true;
		account->value = account->start;
	}
	if (__builtin_add_overflow(account->value, entry->amount_nano, &account->value) ||
	    __builtin_add_overflow(*sum, entry->amount_nano, sum))
		return overflows(walk, entry);
	if (account->value != balance_nano)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": its account's entries sum to %" PRId64
				", kept is %" PRId64,
				entry->seq, account->value, balance_nano);
	if (*sum < stretch->lowest_nano)
		stretch->lowest_nano = *sum;
	if (*sum > stretch->highest_nano)
		stretch->highest_nano = *sum;
	return 0;
}

/* As chain_hash(), with one context for all entries. */
static int hash_entry(struct walk *walk, const struct entry *entry, uint8_t ret[static 32])
{
	uint8_t bytes[CHAIN_BYTES_MAX];
	size_t size = chain_bytes(entry, bytes);
	int ok = 1;

	if (!walk->digest) {
		walk->digest = EVP_MD_CTX_new();
		ok = walk->digest ? EVP_DigestInit_ex2(walk->digest, EVP_sha256(), NULL) : 0;
	} else {
		ok = EVP_DigestInit_ex2(walk->digest, NULL, NULL);
	}
	if (ok != 1 || EVP_DigestUpdate(walk->digest, bytes, size) != 1 ||
	    EVP_DigestFinal_ex(walk->digest, ret, NULL) != 1)
		return -ENOMEM;
	return 0;
}

static int check_chain(struct walk *walk, const struct entry *entry)
{
	uint8_t hash[32];
	int error;

	if (entry->seq != walk->verdict->entries + 1)
		return walk_bad(walk, walk->verdict->entries + 1, "entry %" PRId64 " is missing",
				walk->verdict->entries + 1);
	if (entry->format != ENTRY_FORMAT)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": format %" PRId32 " is unknown", entry->seq,
				entry->format);
	if (memcmp(entry->previous, walk->verdict->head, sizeof(entry->previous)) != 0)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": does not follow the hash before it",
				entry->seq);
	error = hash_entry(walk, entry, hash);
	if (error < 0)
		return error;
	if (memcmp(entry->hash, hash, sizeof(hash)) != 0)
		return walk_bad(walk, entry->seq,
				"entry %" PRId64 ": its bytes do not have its hash", entry->seq);
	return 0;
}

static int check_entry(struct walk *walk, struct stretch *stretch,
		       sqlite3_value *const values[static ENTRY_COLUMN_COUNT])
{
	enum medium medium = MEDIUM_ELECTRICITY;
	struct entry entry;
	int64_t balance_nano;
	int error;

	entry_from_values(values, &entry, &balance_nano);
	error = check_chain(walk, &entry);
	if (error == 0 && walk->verdict->ok)
		error = check_forms(walk, &entry, values);
	if (error == 0 && walk->verdict->ok)
		error = check_references(walk, stretch, &entry, values);
	if (error == 0 && walk->verdict->ok)
		error = check_energy(walk, stretch, &entry, &medium);
	if (error == 0 && walk->verdict->ok)
		error = check_balance(walk, stretch, &entry, balance_nano);
	if (error < 0 || !walk->verdict->ok)
		return error;
	if (totals_add(&stretch->totals, entry.kind, medium, entry.energy_wh) < 0)
		return walk_bad(walk, entry.seq,
				"entry %" PRId64 ": energy of a kind that has none, or too much",
				entry.seq);
	memcpy(walk->verdict->head, entry.hash, sizeof(entry.hash));
	walk->verdict->entries = entry.seq;
	if (stretch->indexed)
		index_add(stretch->indexes, &entry, balance_nano);
	return 0;
}

/* What walk_entry() works on. */
struct page {
	struct walk *walk;
	struct stretch *stretch;
	int rows;
	int error;
};

/* walk_entry(): an aggregate, because a row given out one by one costs as much again. Behind what is wrong
 * nothing is looked at. */
static void add_entry(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct page *page = sqlite3_user_data(context);

	(void)count;
	page->rows++;
	if (page->error == 0 && page->walk->verdict->ok)
		page->error = check_entry(page->walk, page->stretch, values);
}

static void end_entries(sqlite3_context *context)
{
	sqlite3_result_null(context);
}

/* Accounts and lives are read in the page's own transaction, before its entries. */
static int check_page(struct page *page, sqlite3_stmt *stmt)
{
	struct walk *walk = page->walk;
	int64_t after = walk->verdict->entries;
	int64_t through = page->stretch->through;
	int code = sqlite3_bind_int64(stmt, 1, after), error;

	if (through - after > PAGE)
		through = after + PAGE;
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(stmt, 2, through);
	error = code == SQLITE_OK ? load_more(walk, page->stretch) : store_errno(walk->db, code);
	page->rows = 0;
	if (error == 0) {
		code = sqlite3_step(stmt);
		error = page->error < 0 ? page->error : store_errno(walk->db, code);
	}
	(void)sqlite3_reset(stmt);
	return error;
}

/* What the ledger says of the entry that it begins behind. One that is missing is the matter of the stretch
 * before this; the first one is given the genesis. */
static int read_start(struct walk *walk, struct stretch *stretch)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(walk->db, "SELECT hash FROM entry WHERE seq = ?", -1, &stmt,
				      NULL);

	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(stmt, 1, stretch->after);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW && sqlite3_column_bytes(stmt, 0) == 32)
		memcpy(stretch->start, sqlite3_column_blob(stmt, 0), 32);
	(void)sqlite3_finalize(stmt);
	return store_errno(walk->db, code);
}

int stretch_walk(struct walk *walk, struct stretch *stretch)
{
	struct page page = {.walk = walk, .stretch = stretch, .rows = PAGE};
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_create_function_v2(walk->db, "walk_entry", ENTRY_COLUMN_COUNT,
					      SQLITE_UTF8 | SQLITE_DIRECTONLY, &page, NULL,
					      add_entry, end_entries, NULL);
	int error;

	walk->verdict = &stretch->verdict;
	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(walk->db,
					  "SELECT walk_entry(" ENTRY_COLUMNS
					  ") FROM entry NOT INDEXED WHERE seq > ? AND seq <= ?",
					  -1, &stmt, NULL);
	error = store_errno(walk->db, code);
	if (error == 0 && !stretch->known && stretch->after > 0)
		error = read_start(walk, stretch);
	if (!stretch->known)
		memcpy(stretch->verdict.head, stretch->start, sizeof(stretch->start));
	while (error == 0 && stretch->verdict.ok && page.rows == PAGE) {
		error = walk_begin(walk);
		if (error == 0)
			error = walk_end(walk, check_page(&page, stmt));
	}
	(void)sqlite3_finalize(stmt);
	/* Many stretches wait for being joined; these are not needed for it. */
	numbered_clear(&stretch->points);
	numbered_clear(&stretch->tariffs);
	/* One without an end reaches as far as there are entries. */
	if (error == 0 && stretch->verdict.ok && stretch->through != INT64_MAX &&
	    stretch->verdict.entries < stretch->through)
		return walk_bad(walk, stretch->verdict.entries + 1, "entry %" PRId64 " is missing",
				stretch->verdict.entries + 1);
	return error;
}

/* Did they stand where the entries of the stretch say? */
static bool starts_agree(const struct numbered *all, const struct numbered *next)
{
	for (size_t i = 0; i < next->count; i++) {
		const struct running *row = numbered_at(next, i);
		const struct running *before = row->known ? running_find(all, row->id) : NULL;

		if (row->known &&
		    (!before || before->value != row->start || before->first != row->first ||
		     before->point_id != row->point_id || before->medium != row->medium))
			return false;
	}
	return true;
}

static bool sums_fit(const struct stretch *all, const struct stretch *next)
{
	const struct ledger_totals *sum = &all->totals, *more = &next->totals;
	int64_t ignored;

	return !__builtin_add_overflow(sum->balance_nano, next->lowest_nano, &ignored) &&
	       !__builtin_add_overflow(sum->balance_nano, next->highest_nano, &ignored) &&
	       !__builtin_add_overflow(sum->charged_wh, more->charged_wh, &ignored) &&
	       !__builtin_add_overflow(sum->house_wh, more->house_wh, &ignored) &&
	       !__builtin_add_overflow(sum->quarantined_wh, more->quarantined_wh, &ignored) &&
	       !__builtin_add_overflow(sum->written_off_wh, more->written_off_wh, &ignored) &&
	       !__builtin_add_overflow(sum->charged_l, more->charged_l, &ignored) &&
	       !__builtin_add_overflow(sum->house_l, more->house_l, &ignored) &&
	       !__builtin_add_overflow(sum->quarantined_l, more->quarantined_l, &ignored) &&
	       !__builtin_add_overflow(sum->written_off_l, more->written_off_l, &ignored);
}

static void go_on(struct numbered *all, const struct numbered *next)
{
	for (size_t i = 0; i < next->count; i++) {
		const struct running *row = numbered_at(next, i);

		if (row->known)
			running_find(all, row->id)->value = row->value;
	}
}

int stretch_join(struct walk *walk, struct stretch *all, const struct stretch *next)
{
	int error;

	walk->verdict = &all->verdict;
	all->through = next->through;
	all->indexed = next->indexed;
	error = walk_begin(walk);
	if (error == 0)
		error = walk_end(walk, load_more(walk, all));
	if (error < 0)
		return error;
	if (memcmp(next->start, all->verdict.head, sizeof(next->start)) != 0 ||
	    !starts_agree(&all->accounts, &next->accounts) ||
	    !starts_agree(&all->lives, &next->lives) || !sums_fit(all, next))
		return stretch_walk(walk, all);
	go_on(&all->accounts, &next->accounts);
	go_on(&all->lives, &next->lives);
	all->totals.balance_nano += next->totals.balance_nano;
	all->totals.charged_wh += next->totals.charged_wh;
	all->totals.house_wh += next->totals.house_wh;
	all->totals.quarantined_wh += next->totals.quarantined_wh;
	all->totals.written_off_wh += next->totals.written_off_wh;
	all->totals.charged_l += next->totals.charged_l;
	all->totals.house_l += next->totals.house_l;
	all->totals.quarantined_l += next->totals.quarantined_l;
	all->totals.written_off_l += next->totals.written_off_l;
	for (int i = 0; i < LEDGER_INDEXES; i++) {
		all->indexes[i].rows += next->indexes[i].rows;
		all->indexes[i].sum += next->indexes[i].sum;
	}
	all->verdict = next->verdict;
	return next->error;
}
