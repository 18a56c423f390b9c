/* ledger.c - the entries, and what an admin does with the ledger as a whole. */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/account.h"
#include "concentrator/cli/amount.h"
#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"

#define TAIL_MAX 10000

static const struct table_column entry_columns[] = {
	{.title = "ENTRY", .right = true},
	{.title = "TIME"},
	{.title = "ROOM"},
	{.title = "KIND"},
	{.title = "CIRCUIT", .drop = 2, .least = 7},
	{.title = "KWH", .right = true},
	{.title = "REGISTER", .right = true, .drop = 6},
	{.title = "PRICE", .right = true, .drop = 3},
	{.title = "AMOUNT", .right = true},
	{.title = "BALANCE", .right = true},
	{.title = "ORDER", .drop = 5, .least = 8},
	{.title = "WHO", .drop = 4, .least = 5},
	{.title = "WHY", .drop = 1, .least = 10},
};

/* Empty for an entry that is not about energy or water. */
static const char *used(const json_t *row, const char *name, char buf[static FIGURE_SIZE])
{
	int64_t value, to = 0;

	if (!field_used(row, name, &value) || (!field_used(row, "to_wh", &to) && value == 0) ||
	    (value == 0 && to == 0))
		return "";
	return figure_used(row, name, "", buf);
}

static void put_entry(struct table *table, const json_t *row)
{
	unsigned digits = field_digits(row, "amount");
	char number[FIGURE_SIZE];
	char buf[FIGURE_SIZE];
	int64_t nano = 0;

	(void)field_nano(row, "amount_nano", &nano);
	table_row(table);
	table_cell(table, TONE_DIM, "%" PRId64, field_count(row, "seq"));
	table_cell(table, TONE_PLAIN, "%s", figure_field_time(row, "at_s", buf));
	table_cell(table, TONE_BOLD, "%s", field_text(row, "room"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "kind"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "circuit"));
	table_cell(table, TONE_PLAIN, "%s", used(row, "energy_wh", number));
	table_cell(table, TONE_DIM, "%s", used(row, "to_wh", number));
	table_cell(table, TONE_DIM, "%s",
		   field_count(row, "price_micro_per_kwh") != 0 ||
				   field_count(row, "price_micro_per_m3") != 0
			   ? figure_price(row, "price_micro_per_kwh", buf)
			   : "");
	table_cell(table, nano > 0 ? TONE_GOOD : TONE_PLAIN, "%s",
		   figure_money(row, "amount", buf));
	table_cell(table, TONE_PLAIN, "%s", figure_nano(row, "balance_nano", digits, buf));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "order"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "who"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "why"));
}

static const struct listing entries = {
	.verb = "ledger.tail",
	.columns = entry_columns,
	.count = sizeof(entry_columns) / sizeof(entry_columns[0]),
	.put = put_entry,
	.name = "seq",
	.one = "entry",
	.many = "entries",
};

static int compare_entries(const void *left, const void *right)
{
	int64_t a = field_count(*(json_t *const *)left, "seq");
	int64_t b = field_count(*(json_t *const *)right, "seq");

	return a < b ? -1 : a > b;
}

/* The last at the bottom, as people read a statement; they come newest first. */
int ledger_show(struct session *session, const json_t *rows)
{
	size_t count = json_array_size(rows);
	json_t **sorted = calloc(count + 1, sizeof(*sorted));
	json_t *array = json_array();
	int exit_code;

	if (sorted == NULL || array == NULL) {
		free(sorted);
		json_decref(array);
		return session_no_memory(session);
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = json_array_get(rows, i);
	qsort(sorted, count, sizeof(*sorted), compare_entries);
	for (size_t i = 0; i < count; i++)
		(void)json_array_append(array, sorted[i]);
	exit_code = listing_show(session, &entries, array);
	free(sorted);
	json_decref(array);
	return exit_code;
}

int run_ledger_tail(struct call *call)
{
	struct session *session = call->session;
	const char *count = call_get(call, "-n");
	json_t *args = json_pack("{s:s*}", "room", call_get(call, "--room"));
	json_t *data = NULL;
	int exit_code = account_option(call, args);

	if (exit_code != 0) {
		json_decref(args);
		return exit_code;
	}
	if (count != NULL) {
		char *end;
		long n = strtol(count, &end, 10);

		if (end == count || *end != '\0' || n < 1 || n > TAIL_MAX) {
			json_decref(args);
			return session_problem(session, PROBLEM_USAGE, NULL,
					       "-n is 1 to %d, not %s", TAIL_MAX, count);
		}
		(void)json_object_set_new(args, "n", json_integer(n));
	}
	if (session->manners.json || session->manners.quiet)
		return listing_run(session, &entries, args);
	exit_code = session_ask(session, entries.verb, args, &data);
	if (exit_code == 0)
		exit_code = ledger_show(session, field_rows(data, "rows"));
	json_decref(data);
	return exit_code;
}

int run_ledger_settle(struct call *call)
{
	struct session *session = call->session;
	const char *room = call_get(call, "ROOM");
	char energy[FIGURE_SIZE];
	char money[FIGURE_SIZE];
	char volume[FIGURE_SIZE + 16] = "";
	json_t *data = NULL;
	int exit_code = session_ask(
		session, "ledger.settle",
		json_pack("{s:s*,s:s}", "room", room, "reason", call_get(call, "--reason")), &data);

	if (exit_code != 0)
		return exit_code;
	if (session->manners.json) {
		exit_code = session_json(session, data);
	} else if (!session->manners.quiet) {
		int64_t rooms = field_count(data, "rooms");

		if (field_count(data, "volume_l") != 0) {
			amount_format(field_count(data, "volume_l"), -3, money);
			(void)snprintf(volume, sizeof(volume), ", %s m3", money);
		}
		screen_say(&session->out, TONE_PLAIN, "%" PRId64 " room%s settled: %s%s, %s", rooms,
			   rooms == 1 ? "" : "s", figure_energy(data, "energy_wh", energy), volume,
			   figure_amount(data, "amount", "amount_nano", money));
		screen_end_line(&session->out);
	}
	json_decref(data);
	return exit_code;
}

static void allow_long(struct session *session)
{
	if (session->manners.timeout_ms == 0)
		session->manners.timeout_ms = SESSION_LONG_MS;
}

int run_ledger_verify(struct call *call)
{
	struct session *session = call->session;
	json_t *data = NULL;
	bool good;
	int exit_code;

	allow_long(session);
	exit_code = session_ask(session, "ledger.verify", NULL, &data);
	if (exit_code != 0)
		return exit_code;
	good = field_true(data, "ok");
	if (!good) {
		exit_code = session_problem(
			session, PROBLEM_FAILED, NULL,
			"the ledger's chain does not hold at entry %" PRId64
			": %s\nKeep the file as it is, make a copy, and compare "
			"with the last checkpoint.",
			field_count(data, "first_bad"), field_text(data, "detail"));
	} else if (session->manners.json) {
		exit_code = session_json(session, data);
	} else if (!session->manners.quiet) {
		screen_say(&session->out, TONE_PLAIN,
			   "%" PRId64 " entries, the chain holds, head %s",
			   field_count(data, "entries"), field_text(data, "head"));
		screen_end_line(&session->out);
	}
	json_decref(data);
	return exit_code;
}

int run_ledger_backup(struct call *call)
{
	struct session *session = call->session;
	char bytes[FIGURE_SIZE];
	json_t *data = NULL;
	int exit_code;

	allow_long(session);
	exit_code = session_ask(session, "ledger.backup",
				json_pack("{s:s*}", "file", call_get(call, "FILE")), &data);
	if (exit_code != 0)
		return exit_code;
	if (session->manners.json) {
		exit_code = session_json(session, data);
	} else {
		screen_put(&session->out, TONE_PLAIN, field_text(data, "file"));
		if (!session->manners.quiet)
			screen_say(&session->out, TONE_DIM, "  %s, sha256 %s",
				   figure_bytes(field_count(data, "bytes"), bytes),
				   field_text(data, "sha256"));
		screen_end_line(&session->out);
	}
	json_decref(data);
	return exit_code;
}
