/* credit.c - recharges: what came, what was done with it, orders by hand, local cash. */
#include "concentrator/cli/handlers.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/amount.h"
#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"

#define ORDERS_BYTES_MAX (4 * 1024 * 1024)

/* Orders of one request: the line with them stays below the protocol's 64 KiB. */
#define BATCH_BYTES_MAX 48000

static enum tone result_tone(const char *result)
{
	if (strcmp(result, "applied") == 0)
		return TONE_GOOD;
	return strcmp(result, "duplicate") == 0 ? TONE_PLAIN : TONE_BAD;
}

static const struct table_column order_columns[] = {
	{.title = "ORDER", .least = 12},
	{.title = "ROOM"},
	{.title = "TYPE", .drop = 2, .least = 8},
	{.title = "AMOUNT", .right = true},
	{.title = "RESULT"},
	{.title = "RECEIVED"},
	{.title = "ENTRY", .right = true, .drop = 3},
	{.title = "DETAIL", .least = 10, .drop = 1},
};

static void put_order(struct table *table, const json_t *row)
{
	const char *result = field_text(row, "result");
	char buf[FIGURE_SIZE];
	int64_t seq;

	table_row(table);
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "mRID"));
	table_cell(table, TONE_BOLD, "%s", field_text(row, "room"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "type"));
	table_cell(table, TONE_PLAIN, "%s", figure_money(row, "amount", buf));
	table_cell(table, result_tone(result), "%s", result);
	table_cell(table, TONE_PLAIN, "%s", figure_field_time(row, "received_s", buf));
	if (field_int(row, "seq", &seq) && seq > 0)
		table_cell(table, TONE_DIM, "%" PRId64, seq);
	else
		table_cell(table, TONE_DIM, "%s", FIGURE_UNKNOWN);
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "detail"));
}

static void remark_orders(const json_t *rows, char *buf, size_t size)
{
	size_t applied = listing_matches(rows, "result", "applied");

	if (applied < json_array_size(rows))
		(void)snprintf(buf, size, ", %zu applied", applied);
}

static const struct listing orders = {
	.verb = "credit.list",
	.columns = order_columns,
	.count = sizeof(order_columns) / sizeof(order_columns[0]),
	.put = put_order,
	.name = "mRID",
	.one = "order",
	.many = "orders",
	.remark = remark_orders,
};

int run_credit_list(struct call *call)
{
	return listing_run(call->session, &orders,
			   json_pack("{s:s*}", "room", call_get(call, "--room")));
}

int run_credit_show(struct call *call)
{
	static const char *const texts[] = {"mRID",   "room", "type",   "result",
					    "detail", "kid",  "payload"};
	struct session *session = call->session;
	const struct screen *out = &session->out;
	char buf[FIGURE_SIZE];
	json_t *data = NULL;
	int exit_code = session_ask(session, "credit.show",
				    json_pack("{s:s}", "mRID", call_get(call, "MRID")), &data);

	if (exit_code != 0)
		return exit_code;
	if (session->manners.json) {
		exit_code = session_json(session, data);
		json_decref(data);
		return exit_code;
	}
	screen_fact(out, "amount", TONE_BOLD, "%s", figure_money(data, "amount", buf));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *text = field_text(data, texts[i]);

		if (*text != '\0')
			screen_fact(out, texts[i],
				    strcmp(texts[i], "result") == 0 ? result_tone(text)
								    : TONE_PLAIN,
				    "%s", text);
	}
	screen_fact(out, "received", TONE_PLAIN, "%s", figure_field_time(data, "received_s", buf));
	if (field_count(data, "seq") > 0)
		screen_fact(out, "entry", TONE_PLAIN, "%" PRId64, field_count(data, "seq"));
	if (json_is_object(json_object_get(data, "receipt"))) {
		char *receipt = json_dumps(json_object_get(data, "receipt"), JSON_COMPACT);

		screen_fact(out, "receipt", TONE_PLAIN, "%s", receipt != NULL ? receipt : "");
		free(receipt);
	} else if (*field_text(data, "receipt") != '\0') {
		screen_fact(out, "receipt", TONE_PLAIN, "%s", field_text(data, "receipt"));
	}
	json_decref(data);
	return 0;
}

/* Adds what one JSON value of the file holds: an order, an array of orders, or a page of the feed. */
static int take_orders(json_t *into, const json_t *value)
{
	const json_t *items = json_object_get(value, "items");
	const json_t *order;
	size_t i;

	if (json_is_array(value))
		items = value;
	if (items == NULL)
		return json_is_object(value) ? json_array_append(into, (json_t *)(uintptr_t)value)
					     : -EINVAL;
	if (!json_is_array(items))
		return -EINVAL;
	json_array_foreach(items, i, order)
	{
		if (!json_is_object(order) ||
		    json_array_append(into, (json_t *)(uintptr_t)order) < 0)
			return -EINVAL;
	}
	return 0;
}

/* One or more JSON values, one behind the other. */
static int read_orders(struct session *session, const char *file, const char *text, json_t *into)
{
	const char *p = text;
	json_error_t error;
	size_t line = 1;

	for (;;) {
		json_t *value;
		int r;

		for (; *p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'; p++)
			line += *p == '\n';
		if (*p == '\0')
			return 0;
		value = json_loads(p, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);
		if (value == NULL)
			return session_problem(session, PROBLEM_USAGE, NULL, "%s:%zu: no JSON: %s",
					       file, line + (size_t)error.line - 1, error.text);
		r = take_orders(into, value);
		json_decref(value);
		if (r < 0)
			return session_problem(session, PROBLEM_USAGE, NULL,
					       "%s:%zu: neither an order nor a list of orders",
					       file, line);
		for (int i = 0; i < error.position; i++)
			line += *p++ == '\n';
	}
}

/* Sends orders from `from` on, as many as fit a line; *ret_next is the first that was not sent. */
static int send_batch(struct session *session, const json_t *all, size_t from, json_t *results,
		      size_t *ret_next)
{
	json_t *batch = json_array();
	json_t *data = NULL;
	size_t bytes = 0;
	size_t next = from;
	int exit_code;

	while (next < json_array_size(all)) {
		json_t *order = json_array_get(all, next);
		size_t size = json_dumpb(order, NULL, 0, JSON_COMPACT);

		if (next > from &&
		    (bytes + size > BATCH_BYTES_MAX || next - from == MESSAGE_ROWS_MAX))
			break;
		bytes += size;
		(void)json_array_append(batch, order);
		next++;
	}
	exit_code = session_ask(session, "credit.import", json_pack("{s:o}", "orders", batch),
				&data);
	if (exit_code == 0)
		(void)json_array_extend(results, json_object_get(data, "results"));
	json_decref(data);
	*ret_next = next;
	return exit_code;
}

static const struct table_column result_columns[] = {
	{.title = "ORDER", .least = 12},
	{.title = "RESULT"},
	{.title = "DETAIL", .least = 20},
};

static void put_result(struct table *table, const json_t *row)
{
	const char *result = field_text(row, "result");

	table_row(table);
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "mRID"));
	table_cell(table, result_tone(result), "%s", result);
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "detail"));
}

static const struct listing results_listing = {
	.columns = result_columns,
	.count = sizeof(result_columns) / sizeof(result_columns[0]),
	.put = put_result,
	.name = "mRID",
	.one = "order",
	.many = "orders",
	.remark = remark_orders,
};

static int import_orders(struct session *session, const json_t *all)
{
	json_t *results = json_array();
	size_t good;
	size_t next = 0;
	int exit_code = 0;

	while (exit_code == 0 && next < json_array_size(all))
		exit_code = send_batch(session, all, next, results, &next);
	good = listing_matches(results, "result", "applied") +
	       listing_matches(results, "result", "duplicate");
	if (exit_code != 0 && json_array_size(results) > 0)
		session_warn(session, "%zu orders were delivered before that",
			     json_array_size(results));
	if (exit_code == 0 && session->manners.json) {
		json_t *data = json_pack("{s:O}", "results", results);

		exit_code = session_json(session, data);
		json_decref(data);
	} else if (exit_code == 0 && !session->manners.quiet) {
		exit_code = listing_show(session, &results_listing, results);
	}
	/* Every order has its answer above; one that was not taken must not look like success. */
	if (exit_code == 0 && good < json_array_size(results))
		exit_code = problem_exit(PROBLEM_REFUSED);
	json_decref(results);
	return exit_code;
}

int run_credit_import(struct call *call)
{
	struct session *session = call->session;
	const char *file = call_get(call, "FILE");
	json_t *all = json_array();
	char *text = NULL;
	int exit_code = session_read(session, file, ORDERS_BYTES_MAX, &text);

	if (strcmp(file, "-") == 0)
		file = "standard input";
	if (exit_code == 0)
		exit_code = read_orders(session, file, text, all);
	if (exit_code == 0 && json_array_size(all) == 0)
		exit_code = session_problem(session, PROBLEM_USAGE, NULL, "%s: no order in it",
					    file);
	if (exit_code == 0)
		exit_code = import_orders(session, all);
	free(text);
	json_decref(all);
	return exit_code;
}

/* The currency is the account's own: the daemon's view of the room says how many decimals it has. */
static int add_cash(struct call *call, const json_t *room)
{
	struct session *session = call->session;
	const char *name = call_get(call, "ROOM");
	const char *typed = call_get(call, "AMOUNT");
	const char *receipt = call_get(call, "--receipt");
	const json_t *balance = field_object(room, "balance");
	unsigned digits = field_digits(room, "balance");
	char text[AMOUNT_TEXT_MAX];
	char before[FIGURE_SIZE];
	bool dry_run = call_has(call, "--dry-run");
	json_t *data = NULL;
	int64_t minor = 0;
	int r = amount_parse(typed, digits, &minor);

	if (r == -EDOM)
		return session_problem(session, PROBLEM_USAGE, NULL,
				       "AMOUNT %s has more than the %u decimals of the currency",
				       typed, digits);
	if (r < 0 || minor == 0)
		return session_problem(session, PROBLEM_USAGE, NULL, "AMOUNT %s: %s", typed,
				       r == -ERANGE
					       ? "too large"
					       : "not an amount above zero, such as 20 or 20.50");
	amount_format(minor, -(int)digits, text);
	if (!dry_run &&
	    !session_confirm(session, "Add %s to room %s (balance %s), receipt %s?", text, name,
			     figure_money(room, "balance", before), receipt))
		return problem_exit(PROBLEM_FAILED);
	r = session_ask(session, "credit.add",
			json_pack("{s:s,s:{s:I,s:i,s:O*},s:s,s:s,s:s*,s:o*}", "room", name,
				  "amount", "value", (json_int_t)minor, "multiplier", -(int)digits,
				  "monetaryUnit", json_object_get(balance, "monetaryUnit"),
				  "receipt", receipt, "reason", call_get(call, "--reason"), "type",
				  call_get(call, "--type"), "dry_run",
				  dry_run ? json_true() : NULL),
			&data);
	if (r == 0 && session->manners.json) {
		r = session_json(session, data);
	} else if (r == 0 && !session->manners.quiet) {
		screen_say(&session->out, TONE_PLAIN, "room %s: %s %s, receipt %s; balance %s%s",
			   name, text, dry_run ? "would be added" : "added", receipt,
			   figure_money(data, "balance", before),
			   dry_run ? " (dry run: nothing was changed)" : "");
		screen_end_line(&session->out);
	}
	json_decref(data);
	return r;
}

int run_credit_add(struct call *call)
{
	json_t *room = NULL;
	int exit_code = session_ask(call->session, "room.show",
				    json_pack("{s:s}", "room", call_get(call, "ROOM")), &room);

	if (exit_code == 0)
		exit_code = add_cash(call, room);
	json_decref(room);
	return exit_code;
}
