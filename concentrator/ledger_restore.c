/* ledger_restore.c - making a ledger from a checkpoint; see ledger_restore.h.
 *
 * Tables first, in one transaction, by the statements of ledger_section.c, which the schema's constraints
 * hold to what a ledger may contain; then, as balances are sums of entries, one opening entry for each
 * account.
 */
#include "concentrator/ledger_restore.h"

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_event.h"
#include "concentrator/ledger_restore_file.h"
#include "concentrator/ledger_section.h"
#include "concentrator/ledger_store.h"
#include "concentrator/platform/encoding.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool integer(const json_t *object, const char *name, int64_t *ret)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_integer(value))
		return false;
	*ret = json_integer_value(value);
	return true;
}

static bool nano(const json_t *value, int64_t *ret)
{
	const char *text = json_string_value(value);
	char *end;

	if (!text || *text == '\0')
		return false;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0';
}

/* What the head says of a section, against its rows. */
static int check_section(const json_t *about, const json_t *sections,
			 struct ledger_failure *ret_failure)
{
	const char *name = json_string_value(json_object_get(about, "name"));
	const char *columns = json_string_value(json_object_get(about, "columns"));
	const char *sha256 = json_string_value(json_object_get(about, "sha256"));
	const struct section *section = name ? section_find(name) : NULL;
	const json_t *rows = name ? json_object_get(sections, name) : NULL, *row;
	uint8_t digest[DIGEST_SIZE] = {0}, wanted[DIGEST_SIZE];
	int64_t count;
	size_t i;

	if (!section || !columns || strcmp(columns, section->columns) != 0)
		return restore_refuse(ret_failure, -EPROTONOSUPPORT,
				      "section %s is not one that this version knows; use the "
				      "version of prepayd that made the checkpoint, or a later one",
				      name ? name : "without a name");
	if (!json_is_array(rows) || !integer(about, "rows", &count) ||
	    count != (int64_t)json_array_size(rows) || !sha256 ||
	    hex_decode(sha256, strlen(sha256), wanted, sizeof(wanted)) < 0)
		return restore_refuse(ret_failure, -EBADMSG,
				      "section %s is not whole: the head names other rows", name);
	json_array_foreach(rows, i, row)
	{
		if (section_digest(digest, row) < 0)
			return -ENOMEM;
	}
	if (memcmp(digest, wanted, sizeof(digest)) != 0)
		return restore_refuse(ret_failure, -EBADMSG,
				      "section %s is not the one that was signed for", name);
	return 0;
}

static int check_sections(const json_t *head, const json_t *sections,
			  struct ledger_failure *ret_failure)
{
	const json_t *abouts = json_object_get(head, "sections"), *about;
	size_t i;
	int error = 0;

	json_array_foreach(abouts, i, about)
	{
		error = check_section(about, sections, ret_failure);
		if (error < 0)
			return error;
	}
	if (json_array_size(abouts) == 0 || json_object_size(sections) != json_array_size(abouts))
		return restore_refuse(ret_failure, -EBADMSG,
				      "its sections are not those that its head names");
	return error;
}

static int read_head(const struct ledger_restore *restore, const json_t *head,
		     struct ledger_restored *ret, struct ledger_failure *ret_failure)
{
	const char *site = json_string_value(json_object_get(head, "site"));

	if (!site || strcmp(site, restore->site) != 0)
		return restore_refuse(ret_failure, -EBADMSG, "it is of site %s, not of %s",
				      site ? site : "unknown", restore->site);
	if (!integer(head, "epoch", &ret->old_epoch) || ret->old_epoch < 1 ||
	    !integer(head, "at_s", &ret->at_s) || !integer(head, "entries", &ret->entries) ||
	    !nano(json_object_get(head, "balance_nano"), &ret->balance_nano))
		return restore_refuse(ret_failure, -EBADMSG,
				      "its head is not that of a checkpoint");
	return restore_epoch(restore, ret, ret_failure);
}

static int seed_row(struct ledger *ledger, sqlite3_stmt *stmt, const struct section *section,
		    const json_t *row, struct ledger_failure *ret_failure)
{
	int wanted = sqlite3_bind_parameter_count(stmt), error = 0, code;
	size_t i;

	if (!json_is_array(row) || json_array_size(row) < (size_t)wanted)
		error = -EINVAL;
	for (i = 0; error == 0 && i < (size_t)wanted; i++)
		error = section_bind(stmt, (int)i + 1, json_array_get(row, i));
	code = error == 0 ? sqlite3_step(stmt) : SQLITE_MISUSE;
	if (error == 0 && code != SQLITE_DONE) {
		error = store_error(ledger, code);
		if (error != -EIO && error != -ENOMEM)
			error = -EINVAL;
	}
	if (error == -EINVAL)
		error = restore_refuse(ret_failure, -EBADMSG, "a row of section %s cannot be: %s",
				       section->name, sqlite3_errmsg(ledger->db));
	(void)sqlite3_reset(stmt);
	return error;
}

static int seed_section(struct ledger *ledger, const struct section *section, const json_t *rows,
			struct ledger_failure *ret_failure)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(ledger->db, section->seed, -1, &stmt, NULL);
	int error = code == SQLITE_OK ? 0 : store_error(ledger, code);

	for (size_t i = 0; error == 0 && i < json_array_size(rows); i++)
		error = seed_row(ledger, stmt, section, json_array_get(rows, i), ret_failure);
	(void)sqlite3_finalize(stmt);
	return error;
}

static int seed_sections(struct ledger *ledger, const json_t *sections, bool late,
			 struct ledger_failure *ret_failure)
{
	size_t count;
	const struct section *list = section_list(&count);
	int error = 0;

	for (size_t i = 0; error == 0 && i < count; i++)
		if (list[i].late == late)
			error = seed_section(ledger, &list[i],
					     json_object_get(sections, list[i].name), ret_failure);
	return error;
}

/* All tables but the entries, and what refers to them. */
static int seed_tables(struct ledger *ledger, const json_t *sections, int64_t epoch,
		       struct ledger_failure *ret_failure)
{
	int code = sqlite3_exec(ledger->db,
				"CREATE TEMP TABLE piece(tariff_id INTEGER, n INTEGER, text TEXT)",
				NULL, NULL, NULL);
	int error = code == SQLITE_OK ? ledger_begin(ledger) : store_error(ledger, code);

	if (error < 0)
		return error;
	error = seed_sections(ledger, sections, false, ret_failure);
	if (error == 0)
		error = restore_mark(ledger, epoch);
	if (error == 0)
		return ledger_commit(ledger);
	ledger_rollback(ledger);
	return error;
}

static bool has_tax(const json_t *sections, int64_t account_id)
{
	const json_t *row;
	size_t i;

	json_array_foreach(json_object_get(sections, "tax"), i, row)
	{
		if (json_integer_value(json_array_get(row, 0)) == account_id)
			return true;
	}
	return false;
}

/* M1: what each account begins with. */
static int open_accounts(struct ledger *ledger, const struct ledger_restore *restore,
			 const json_t *sections, const struct ledger_restored *restored,
			 struct ledger_failure *ret_failure)
{
	struct entry entry = {.kind = ENTRY_OPENING,
			      .at_s = restore->now_s,
			      .at_trusted = restore->trusted,
			      .at_us = restore->now_us};
	const json_t *row;
	size_t i;
	int error = 0;

	(void)snprintf(entry.boot, sizeof(entry.boot), "%s", restore->boot);
	(void)snprintf(entry.who, sizeof(entry.who), "%s", restore->who);
	(void)snprintf(entry.why, sizeof(entry.why),
		       "restored from the checkpoint of epoch %" PRId64 ", entry %" PRId64,
		       restored->old_epoch, restored->entries);
	json_array_foreach(json_object_get(sections, "accounts"), i, row)
	{
		struct entry next = entry;

		next.account_id = json_integer_value(json_array_get(row, 0));
		if (!nano(json_array_get(row, 3), &next.amount_nano))
			return restore_refuse(ret_failure, -EBADMSG, "a balance is no amount");
		if (next.amount_nano == 0 && !has_tax(sections, next.account_id))
			continue;
		error = ledger_entry_append(ledger, &next);
		if (error < 0)
			return restore_refuse(ret_failure, error,
					      "account %" PRId64 " cannot open with its balance",
					      next.account_id);
	}
	return 0;
}

static int seed_entries(struct ledger *ledger, const struct ledger_restore *restore,
			const json_t *head, const json_t *sections,
			const struct ledger_restored *restored, struct ledger_failure *ret_failure)
{
	int error = ledger_begin(ledger);

	if (error < 0)
		return error;
	error = open_accounts(ledger, restore, sections, restored, ret_failure);
	if (error == 0)
		error = seed_sections(ledger, sections, true, ret_failure);
	if (error == 0)
		error = restore_audit(ledger, restore, "a checkpoint",
				      json_string_value(json_object_get(head, "head")));
	if (error == 0)
		return ledger_commit(ledger);
	ledger_rollback(ledger);
	return error;
}

/* The sum of what was seeded is the sum that was signed. */
static int check_sum(struct ledger *ledger, const struct ledger_restored *restored,
		     struct ledger_failure *ret_failure)
{
	struct ledger_totals totals;
	int error = ledger_totals_get(ledger, 0, &totals);

	if (error == 0 && totals.balance_nano != restored->balance_nano)
		error = restore_refuse(ret_failure, -EBADMSG,
				       "its balances come to %" PRId64 ", its head says %" PRId64,
				       totals.balance_nano, restored->balance_nano);
	return error;
}

static int build(const struct ledger_restore *restore, const char *partial, const json_t *head,
		 const json_t *sections, const struct ledger_restored *restored,
		 struct ledger_failure *ret_failure)
{
	struct ledger *ledger;
	int error = restore_open(restore, partial, &ledger, ret_failure);

	if (error < 0)
		return error;
	error = seed_tables(ledger, sections, restored->epoch, ret_failure);
	ledger_close(ledger);
	/* Opened anew: it knows the accounts then, and every sum was checked. */
	if (error == 0)
		error = restore_open(restore, partial, &ledger, ret_failure);
	if (error < 0)
		return error;
	error = seed_entries(ledger, restore, head, sections, restored, ret_failure);
	if (error == 0)
		error = check_sum(ledger, restored, ret_failure);
	ledger_close(ledger);
	return error;
}

int ledger_restore_checkpoint(const struct ledger_restore *restore, const json_t *head,
			      const json_t *sections, struct ledger_restored *ret,
			      struct ledger_failure *ret_failure)
{
	struct ledger_restored restored = {0};
	char partial[RESTORE_PATH_MAX];
	int error;

	ret_failure->text[0] = '\0';
	error = read_head(restore, head, &restored, ret_failure);
	if (error == 0)
		error = check_sections(head, sections, ret_failure);
	if (error == 0)
		error = restore_begin(restore, partial, ret_failure);
	if (error < 0)
		return error;
	restored.rooms = (int64_t)json_array_size(json_object_get(sections, "rooms"));
	restored.orders = (int64_t)json_array_size(json_object_get(sections, "orders"));
	restored.receipts = (int64_t)json_array_size(json_object_get(sections, "receipts"));
	error = build(restore, partial, head, sections, &restored, ret_failure);
	error = restore_end(restore, partial, error, ret_failure);
	if (error == 0)
		*ret = restored;
	return error;
}
