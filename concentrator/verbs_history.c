/* verbs_history.c - the past of the accounts, read by the reader's thread: why each charge, what a month came
 * to, and everything for a bookkeeper's program.
 */
#include "concentrator/verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_account.h"
#include "concentrator/reader.h"
#include "concentrator/rules/money.h"
#include "concentrator/rules/tariff_cell.h"
#include "concentrator/station_event.h"
#include "concentrator/station_state.h"
#include "concentrator/station_tariff.h"
#include "concentrator/station_tax.h"

#define EXPLAIN_DEFAULT 20
#define KIND(kind)      (UINT32_C(1) << (kind))
#define CHARGE_KINDS                                                                               \
	(KIND(ENTRY_CHARGE) | KIND(ENTRY_DEBT) | KIND(ENTRY_STANDING) | KIND(ENTRY_TAX) |          \
	 KIND(ENTRY_MINIMUM) | KIND(ENTRY_ALLOWANCE) | KIND(ENTRY_HOUSE) |                         \
	 KIND(ENTRY_QUARANTINE) | KIND(ENTRY_WRITE_OFF))

/* By which rule the energy of an entry came to its price. */
static const char *rule_name(const struct entry *entry)
{
	if (entry->kind == ENTRY_HOUSE)
		return "house";
	if (entry->kind == ENTRY_QUARANTINE)
		return "set-aside";
	if (entry->kind == ENTRY_WRITE_OFF)
		return "written-off";
	if (entry->kind == ENTRY_DEBT)
		return "debt";
	if (entry->kind == ENTRY_STANDING || entry->kind == ENTRY_MINIMUM ||
	    entry->kind == ENTRY_ALLOWANCE)
		return "by-date";
	if (entry->kind == ENTRY_TAX)
		return "tax";
	if (entry->flags & ENTRY_FREE)
		return "free";
	if (entry->flags & ENTRY_UNTIMED)
		return "untimed";
	if (entry->flags & ENTRY_BY_REGISTER)
		return entry->flags & ENTRY_SPLIT_BY_TIME ? "by-register-and-time" : "by-register";
	return entry->flags & ENTRY_SPLIT_BY_TIME ? "split-by-time" : "metered";
}

static json_t *time_or_null(int64_t at_s)
{
	return at_s == 0 ? json_null() : json_integer(at_s);
}

/* The tax that an amount includes; that of a tax entry is all of it. */
static int64_t tax_of(const struct station *station, enum entry_kind kind, int64_t tariff_id,
		      int64_t amount_nano)
{
	struct tariff_tax tax = station_tax_of(station, tariff_id);
	if (kind == ENTRY_TAX)
		return amount_nano;
	if (tax.added || tax.rate_ppm == 0 ||
	    (kind != ENTRY_CHARGE && kind != ENTRY_STANDING && kind != ENTRY_MINIMUM) ||
	    amount_nano > 0)
		return 0;
	return amount_nano + tax_net_nano(-amount_nano, tax.rate_ppm);
}

/* The type of credit that an entry gives or takes back; "": none, or the tenant's own. */
static const char *credit_name(enum entry_kind kind, int64_t amount_nano, uint32_t flags)
{
	const struct entry entry = {.kind = kind, .amount_nano = amount_nano, .flags = flags};
	enum credit_type type = credit_entry_type(&entry);
	return type == CREDIT_PAID ? "" : credit_type_name(type);
}

/* Band and block, where there are any and they can be told. tariff holds the one of the row before. */
static void put_cell(struct station *station, const struct ledger_line *line, struct tariff *tariff,
		     json_t *row)
{
	const struct entry *entry = &line->entry;
	struct tariff_cell cell = {.band = -1, .block = -1};
	bool about_energy = (entry->kind == ENTRY_CHARGE || entry->kind == ENTRY_HOUSE) &&
			    line->medium == MEDIUM_ELECTRICITY;
	if (about_energy && entry->tariff_id != 0 &&
	    (tariff->id == entry->tariff_id ||
	     station_tariff_find(station, entry->tariff_id, tariff) == 0))
		cell = tariff_cell_of(tariff, &station->settings.zone, entry);
	json_object_set_new(row, "band",
			    cell.band < 0 ? json_null()
					  : json_string(tariff->band_name[cell.band]));
	json_object_set_new(row, "block",
			    cell.block < 0 ? json_null() : json_integer(cell.block + 1));
}

static json_t *explain_row(struct station *station, const struct ledger_line *line,
			   struct tariff *tariff)
{
	const struct entry *entry = &line->entry;
	json_t *row = json_pack(
		"{s:I,s:I,s:s,s:s,s:I,s:I,s:I,s:o,s:o,s:I,s:o,s:s,s:s,s:o,s:o,s:o,s:o,s:s,s:s}",
		"seq", (json_int_t)entry->seq, "at_s", (json_int_t)entry->at_s, "kind",
		entry_kind_name(entry->kind), "circuit", line->circuit, "from_wh",
		(json_int_t)entry->from_wh, "to_wh", (json_int_t)entry->to_wh, "energy_wh",
		(json_int_t)entry->energy_wh, "from_s", time_or_null(entry->from_s), "to_s",
		time_or_null(entry->to_s), "price_micro_per_kwh",
		(json_int_t)entry->price_micro_per_kwh, "tariff_id",
		entry->tariff_id == 0 ? json_null() : json_integer(entry->tariff_id), "tariff",
		line->tariff, "rule", rule_name(entry), "amount",
		station_money(station, entry->amount_nano), "amount_nano",
		message_nano(entry->amount_nano), "tax_nano",
		message_nano(tax_of(station, entry->kind, entry->tariff_id, entry->amount_nano)),
		"balance_nano", message_nano(line->balance_nano), "who", entry->who, "why",
		entry->why);
	put_cell(station, line, tariff, row);
	return entry->life_id == 0 ? row : verbs_measured(row, line->medium);
}

static json_t *export_row(struct station *station, const struct ledger_line *line)
{
	const struct entry *entry = &line->entry;
	json_t *row = json_pack(
		"{s:I,s:I,s:b,s:I,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:s,s:o,s:o,s:o,s:I,s:s,s:s,s:s}",
		"seq", (json_int_t)entry->seq, "at_s", (json_int_t)entry->at_s, "trusted",
		entry->at_trusted, "account", (json_int_t)entry->account_id, "room", line->room,
		"kind", entry_kind_name(entry->kind), "circuit", line->circuit, "energy_wh",
		(json_int_t)entry->energy_wh, "from_wh", (json_int_t)entry->from_wh, "to_wh",
		(json_int_t)entry->to_wh, "price_micro_per_kwh",
		(json_int_t)entry->price_micro_per_kwh, "tariff", line->tariff, "amount_nano",
		message_nano(entry->amount_nano), "tax_nano",
		message_nano(tax_of(station, entry->kind, entry->tariff_id, entry->amount_nano)),
		"balance_nano", message_nano(line->balance_nano), "refers",
		(json_int_t)entry->refers, "order", entry->order, "who", entry->who, "why",
		entry->why);
	json_object_set_new(
		row, "credit",
		json_string(credit_name(entry->kind, entry->amount_nano, entry->flags)));
	return entry->life_id == 0 ? row : verbs_measured(row, line->medium);
}

/* As many rows of a page as fit a line, of explain or of the export; ret_last is the seq of the last, 0: none.
 * true: all of them. */
static bool fill(struct station *station, const struct ledger_page *page, bool explain,
		 json_t *rows, int64_t *ret_last)
{
	struct tariff tariff = {.id = 0};
	size_t bytes = 0;
	*ret_last = 0;
	for (size_t i = 0; i < page->count; i++) {
		const struct ledger_line *line = &page->lines[i];
		json_t *row = explain ? explain_row(station, line, &tariff)
				      : export_row(station, line);
		if (!verbs_fits(row, &bytes, rows)) {
			json_decref(row);
			return false;
		}
		json_array_append_new(rows, row);
		*ret_last = page->lines[i].entry.seq;
	}
	return true;
}

/* The cursor of explain is SEQ.REST: older than SEQ, REST of them still wanted. */
static bool explain_cursor(const struct control_call *call, int64_t *ret_before,
			   int64_t *ret_wanted)
{
	const char *cursor = message_arg_string(call->args, "cursor");
	bool since = json_object_get(call->args, "since_s") != NULL;
	*ret_before = 0;
	*ret_wanted = message_arg_int64(call->args, "last", since ? INT64_MAX : EXPLAIN_DEFAULT);
	return (cursor == NULL ||
		sscanf(cursor, "%19" SCNd64 ".%19" SCNd64, ret_before, ret_wanted) == 2) &&
	       *ret_before >= 0 && *ret_wanted >= 1;
}

int verb_explain(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct ledger_account account;
	int64_t before, wanted;
	if (!verbs_account(station, call, &account))
		return 0;
	if (!explain_cursor(call, &before, &wanted)) {
		control_fail(call, PROBLEM_USAGE,
			     "last is at least 1, cursor one that was given out");
		return 0;
	}
	struct reader_job job = {
		.kind = READER_LINES,
		.query = {.account_id = account.id,
			  .kinds = CHARGE_KINDS,
			  .since_s = message_arg_int64(call->args, "since_s", 0),
			  .before_seq = before,
			  .newest_first = true,
			  .limit = wanted < LEDGER_PAGE_MAX ? (int)wanted : LEDGER_PAGE_MAX}};
	return verbs_ask_reader(station, call, &job);
}

/* What is used and not in an entry yet. */
static json_t *pending(const struct station *station, const struct station_room *room)
{
	int64_t nano;
	if (money_subtract(room->live_nano, room->settled_nano, &nano) < 0)
		return json_null();
	return json_pack("{s:I,s:I,s:o,s:o}", "energy_wh",
			 (json_int_t)verbs_unsettled(room, MEDIUM_ELECTRICITY), "volume_l",
			 (json_int_t)verbs_unsettled(room, MEDIUM_WATER), "amount",
			 station_money(station, nano), "amount_nano", message_nano(nano));
}

/* Which of the accounts that the room's name has had, and which one was before it. */
static void put_account(struct station *station, const struct ledger_account *account, json_t *data)
{
	struct ledger_account before;
	json_object_set_new(data, "account", json_integer(account->id));
	json_object_set_new(data, "opened_s", json_integer(account->opened_s));
	json_object_set_new(data, "closed_s", time_or_null(account->closed_s));
	json_object_set_new(
		data, "account_before",
		ledger_account_before(station->ledger, account->id, account->room, &before) == 0
			? json_integer(before.id)
			: json_null());
}

static void answer_explain(struct station *station, struct control_call *call,
			   const struct ledger_page *page)
{
	struct ledger_account account;
	int64_t before, wanted, last, live_nano = 0;
	char more[48];
	if (!verbs_account(station, call, &account))
		return;
	const struct station_room *room = verbs_room_of(station, account.id);
	if (room != NULL)
		live_nano = room->live_nano;
	json_t *rows = json_array();
	bool whole = fill(station, page, true, rows, &last) && !page->more;
	(void)explain_cursor(call, &before, &wanted);
	wanted -= (int64_t)json_array_size(rows);
	snprintf(more, sizeof(more), "%" PRId64 ".%" PRId64, last, wanted);
	json_t *data = json_pack("{s:s,s:o,s:o,s:o,s:o}", "room", account.room, "balance",
				 station_money(station, live_nano), "balance_nano",
				 message_nano(live_nano), "pending",
				 room == NULL ? json_null() : pending(station, room), "rows", rows);
	put_account(station, &account, data);
	control_reply(call, data, whole || wanted <= 0 ? NULL : more);
}

int verb_ledger_export(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	int64_t after = verbs_cursor(call);
	if (after < 0)
		return -EINVAL;
	struct reader_job job = {
		.kind = READER_LINES,
		.query = {.since_s = after > 0 ? 0 : message_arg_int64(call->args, "since_s", 0),
			  .after_seq = after,
			  .limit = LEDGER_PAGE_MAX}};
	return verbs_ask_reader(station, call, &job);
}

static void answer_export(struct station *station, struct control_call *call,
			  const struct ledger_page *page)
{
	int64_t last;
	char more[24];
	json_t *rows = json_array();
	bool whole = fill(station, page, false, rows, &last) && !page->more;
	snprintf(more, sizeof(more), "%" PRId64, last);
	control_reply(call,
		      json_pack("{s:s,s:i,s:i,s:b,s:o}", "site", station->config->site.id,
				"monetaryUnit", station->config->site.currency, "digits",
				station->config->site.minor_digits, "energy",
				station->config->site.account == CONFIG_ACCOUNT_ENERGY, "rows",
				rows),
		      whole ? NULL : more);
}

int64_t verbs_month_start_s(const struct station *station, int year, int month)
{
	int64_t day = calendar_day_number(year + (month - 1) / 12, (month - 1) % 12 + 1, 1);
	int64_t noon_s = day * CALENDAR_DAY_S + CALENDAR_DAY_S / 2;
	noon_s -= calendar_offset_s(&station->settings.zone, noon_s);
	return calendar_day_start_s(&station->settings.zone, noon_s);
}

bool verbs_parse_month(const char *text, int *ret_year, int *ret_month)
{
	int length = 0;
	return strlen(text) == 7 && sscanf(text, "%4d-%2d%n", ret_year, ret_month, &length) == 2 &&
	       length == 7 && *ret_year >= 1970 && *ret_year <= 9998 && *ret_month >= 1 &&
	       *ret_month <= 12;
}

int verb_statement(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct ledger_account account;
	int year, month;
	if (!verbs_account(station, call, &account))
		return 0;
	if (!verbs_parse_month(message_arg_string(call->args, "month"), &year, &month)) {
		control_fail(call, PROBLEM_USAGE, "month is YYYY-MM");
		return 0;
	}
	if (verbs_cursor(call) < 0)
		return -EINVAL;
	if (station->now.trusted && verbs_month_start_s(station, year, month) > station->now.s) {
		control_fail(call, PROBLEM_REFUSED,
			     "%04d-%02d has not begun: there is nothing to tell yet", year, month);
		return 0;
	}
	struct reader_job job = {.kind = READER_STATEMENT,
				 .span = {.account_id = account.id,
					  .from_s = verbs_month_start_s(station, year, month),
					  .to_s = verbs_month_start_s(station, year, month + 1)}};
	return verbs_ask_reader(station, call, &job);
}

static json_t *statement_row(const struct station *station,
			     const struct ledger_statement_line *line)
{
	json_t *row = json_pack(
		"{s:s,s:I,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:s,s:o,s:o,s:o,s:s,s:s,s:s}", "kind",
		entry_kind_name(line->kind), "part", (json_int_t)line->part, "tenancy",
		line->tenancy, "entries", (json_int_t)line->entries, "seq", (json_int_t)line->seq,
		"from_s", (json_int_t)line->from_s, "to_s", (json_int_t)line->to_s, "energy_wh",
		(json_int_t)line->energy_wh, "price_micro_per_kwh",
		(json_int_t)line->price_micro_per_kwh, "tariff", line->tariff, "amount",
		station_money(station, line->amount_nano), "amount_nano",
		message_nano(line->amount_nano), "tax_nano",
		message_nano(tax_of(station, line->kind, line->tariff_id, line->amount_nano)),
		"order", line->order, "who", line->who, "why", line->why);
	json_object_set_new(row, "credit",
			    json_string(credit_name(line->kind, line->amount_nano, line->flags)));
	return line->energy_wh == 0 ? row : verbs_measured(row, line->medium);
}

/* The cursor counts the lines told. */
static void answer_statement(struct station *station, struct control_call *call,
			     const struct reader_job *job)
{
	const struct ledger_statement *statement = job->statement;
	size_t next = (size_t)verbs_cursor(call), bytes = 0;
	json_t *rows = json_array();
	char more[24];
	for (; next < statement->count; next++) {
		json_t *row = statement_row(station, &statement->lines[next]);
		if (!verbs_fits(row, &bytes, rows)) {
			json_decref(row);
			break;
		}
		json_array_append_new(rows, row);
	}
	snprintf(more, sizeof(more), "%zu", next);
	struct ledger_account account;
	if (!verbs_account(station, call, &account)) {
		json_decref(rows);
		return;
	}
	/* What a balance is made of is known of now alone. */
	const struct station_room *room = verbs_room_of(station, account.id);
	bool over = station->now.trusted && job->span.to_s <= station->now.s;
	json_t *data = json_pack(
		"{s:s,s:s,s:b,s:o,s:I,s:I,s:o,s:o,s:o,s:o,s:o}", "room", account.room, "month",
		message_arg_string(call->args, "month"), "over", over, "credits",
		over || room == NULL ? json_null() : verbs_credits(station, room), "from_s",
		(json_int_t)job->span.from_s, "to_s", (json_int_t)job->span.to_s, "opening",
		station_money(station, statement->opening_nano), "opening_nano",
		message_nano(statement->opening_nano), "closing",
		station_money(station, statement->closing_nano), "closing_nano",
		message_nano(statement->closing_nano), "rows", rows);
	put_account(station, &account, data);
	control_reply(call, data, next < statement->count ? more : NULL);
}

void verbs_history(struct station *station, struct control_call *call, const struct reader_job *job)
{
	if (job->result == -EUCLEAN)
		control_fail(
			call, PROBLEM_DEGRADED,
			"the entries do not lead from the opening to the closing balance: `prepay "
			"ledger verify` names the first bad one");
	else if (job->result < 0)
		control_fail(call, PROBLEM_DEGRADED, "the ledger cannot be read: %s",
			     strerror(-job->result));
	else if (job->kind == READER_STATEMENT)
		answer_statement(station, call, job);
	else if (strcmp(call->verb, "explain") == 0)
		answer_explain(station, call, job->page);
	else
		answer_export(station, call, job->page);
}
