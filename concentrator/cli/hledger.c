/* hledger.c - the entries as a plain-text journal that hledger and ledger read.
 *
 * What a room has paid ahead is a liability: a recharge raises it, a charge turns it into income. Energy,
 * in kWh, and water, in m3, are moved beside it, from the meters to what became of them, so all balance. Each transaction
 * asserts the balance that the ledger has for the room just after the entry: the reader of the journal
 * proves M1 once more. Dates never go back, since a journal's reader sorts by them; a time that did is told
 * in a comment.
 */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "concentrator/cli/amount.h"
#include "concentrator/cli/day.h"
#include "concentrator/cli/figure.h"

#define NAME_SIZE 64

struct journal {
	struct session *session;
	FILE *file;
	char commodity[16];
	bool partial;
	bool begun;
	char date[16];   /* of the transaction written last */
	json_t *started; /* accounts that were seen: keys */
	json_t *before;  /* of a part: the last entry of each room, as it was before it was begun */
};

static const char *counter_account(const char *kind, const char *credit)
{
	static const struct {
		const char *kind;
		const char *account;
	} rows[] = {
		{"opening", "equity:opening"},       {"recharge", "assets:recharges"},
		{"reversal", "assets:recharges"},    {"cash", "assets:cash"},
		{"charge", "income:energy"},         {"adjustment", "expenses:adjustments"},
		{"rounding", "expenses:rounding"},   {"closing", "equity:closing"},
		{"write-off", "expenses:write_off"}, {"standing", "income:standing"},
		{"minimum", "income:minimum"},       {"allowance", "expenses:allowances"},
		{"tax", "liabilities:tax"},          {"debt", "assets:debts"},
	};

	/* Credit that nobody paid for is the house's cost, until what is left of it ends. */
	if (*credit != '\0' && strcmp(kind, "opening") != 0 && strcmp(kind, "closing") != 0)
		return strcmp(credit, "allowance") == 0 ? "expenses:allowances"
							: "expenses:subsidies";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].kind, kind) == 0)
			return rows[i].account;
	return "expenses:other";
}

/* A name as part of an account: no separators, no two blanks, nothing that begins something else. */
static const char *plain(const char *text, char buf[static NAME_SIZE])
{
	size_t n = 0;

	for (; *text != '\0' && n < NAME_SIZE - 1; text++) {
		unsigned char c = (unsigned char)*text;
		bool odd = c <= ' ' || strchr(":;()[]{}*!=@\"'|#%&~^", c) != NULL;

		buf[n++] = odd ? '_' : *text;
	}
	buf[n] = '\0';
	return buf;
}

/* Text of people, as a comment that cannot be read as a date or a tag. */
static void comment(const struct journal *journal, const char *what, const char *text)
{
	if (*text == '\0')
		return;
	(void)fprintf(journal->file, "    ; %s ", what);
	for (; *text != '\0'; text++) {
		char c = (unsigned char)*text < 0x20 || strchr(":[]", *text) != NULL ? '_' : *text;

		(void)fputc(c, journal->file);
	}
	(void)fputc('\n', journal->file);
}

static void post_money(const struct journal *journal, const char *account, int64_t nano,
		       const int64_t *balance_nano)
{
	char amount[AMOUNT_TEXT_MAX], balance[AMOUNT_TEXT_MAX];

	amount_format(nano, -AMOUNT_DIGITS_MAX, amount);
	(void)fprintf(journal->file, "    %s  %s %s", account, amount, journal->commodity);
	if (balance_nano != NULL) {
		amount_format(*balance_nano, -AMOUNT_DIGITS_MAX, balance);
		(void)fprintf(journal->file, " = %s %s", balance, journal->commodity);
	}
	(void)fputc('\n', journal->file);
}

static void open_transaction(struct journal *journal, int64_t at_s, const char *text)
{
	char date[16] = "1970-01-01", exact[FIGURE_SIZE];
	time_t at = at_s;
	struct tm tm;

	if (localtime_r(&at, &tm) != NULL)
		(void)strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	if (strcmp(date, journal->date) > 0)
		(void)snprintf(journal->date, sizeof(journal->date), "%s", date);
	(void)fprintf(journal->file, "\n%s %s\n", journal->date, text);
	if (strcmp(date, journal->date) < 0)
		comment(journal, "the clock said", figure_time(at_s, exact));
}

/* What the account had before the first entry that is exported. */
static void carry_forward(struct journal *journal, const json_t *row, const char *liability)
{
	int64_t amount, balance, before, owed;

	if (!field_nano(row, "amount_nano", &amount) ||
	    !field_nano(row, "balance_nano", &balance) ||
	    __builtin_sub_overflow(balance, amount, &before) || before == 0 ||
	    __builtin_sub_overflow(0, before, &owed))
		return;
	open_transaction(journal, field_count(row, "at_s"), "* carried forward");
	post_money(journal, liability, owed, &owed);
	post_money(journal, "equity:carried_forward", before, NULL);
}

/* quantity: Wh, or litres. */
static void post_used(const struct journal *journal, const json_t *row, const char *room,
		      int64_t quantity)
{
	char circuit[NAME_SIZE], used[AMOUNT_TEXT_MAX];
	const char *kind = field_text(row, "kind");
	/* A digit in a commodity wants quotes. */
	const char *unit = field_water(row) ? "\"m3\"" : "kWh";

	amount_format(quantity, -3, used);
	(void)fprintf(journal->file, "    meters:%s:%s  -%s %s\n", room,
		      plain(field_text(row, "circuit"), circuit), used, unit);
	(void)fprintf(journal->file, "    %s:%s  %s %s\n", field_water(row) ? "water" : "energy",
		      kind, used, unit);
}

static int write_entry(struct journal *journal, const json_t *row)
{
	char name[NAME_SIZE], liability[2 * NAME_SIZE], key[24], text[2 * NAME_SIZE];
	const char *kind = field_text(row, "kind");
	int64_t nano, balance, owed, balance_owed, tax, used;

	if (!field_nano(row, "amount_nano", &nano) || !field_nano(row, "balance_nano", &balance) ||
	    __builtin_sub_overflow(0, nano, &owed) ||
	    __builtin_sub_overflow(0, balance, &balance_owed))
		return session_problem(journal->session, PROBLEM_FAILED, NULL,
				       "entry %" PRId64 ": its amounts cannot be written",
				       field_count(row, "seq"));
	(void)plain(field_text(row, "room"), name);
	(void)snprintf(key, sizeof(key), "%" PRId64, field_count(row, "account"));
	/* A room's name may come again with another account. */
	(void)snprintf(liability, sizeof(liability), "liabilities:rooms:%s:%s", name, key);
	if (journal->partial && json_object_get(journal->started, key) == NULL)
		carry_forward(journal, row, liability);
	(void)json_object_set_new(journal->started, key, json_true());

	(void)snprintf(text, sizeof(text), "* (%" PRId64 ") %s %s", field_count(row, "seq"), kind,
		       name);
	open_transaction(journal, field_count(row, "at_s"), text);
	comment(journal, "tariff", field_text(row, "tariff"));
	comment(journal, "order", field_text(row, "order"));
	comment(journal, "by", field_text(row, "who"));
	comment(journal, "why", field_text(row, "why"));
	post_money(journal, liability, owed, &balance_owed);
	if (field_nano(row, "tax_nano", &tax) && tax != 0 && strcmp(kind, "tax") != 0) {
		post_money(journal, counter_account("tax", ""), tax, NULL);
		nano -= tax;
	}
	if (strcmp(kind, "charge") == 0 && field_water(row))
		post_money(journal, "income:water", nano, NULL);
	else
		post_money(journal, counter_account(kind, field_text(row, "credit")), nano, NULL);
	if (field_used(row, "energy_wh", &used) && used != 0)
		post_used(journal, row, name, used);
	return 0;
}

static void begin(struct journal *journal, const json_t *data)
{
	int64_t numeric = field_count(data, "monetaryUnit");
	const char *letters = amount_currency(numeric);

	journal->begun = true;
	if (field_true(data, "energy"))
		(void)snprintf(journal->commodity, sizeof(journal->commodity), "CREDIT");
	else if (letters != NULL)
		(void)snprintf(journal->commodity, sizeof(journal->commodity), "%s", letters);
	else
		(void)snprintf(journal->commodity, sizeof(journal->commodity), "\"%" PRId64 "\"",
			       numeric);
	(void)fprintf(journal->file, "; the ledger of %s\n", field_text(data, "site"));
}

static int write_page(const json_t *data, void *userdata)
{
	struct journal *journal = userdata;
	const json_t *row;
	size_t i;
	int exit_code = 0;

	if (!journal->begun)
		begin(journal, data);
	json_array_foreach(field_rows(data, "rows"), i, row)
	{
		if (exit_code == 0)
			exit_code = write_entry(journal, row);
	}
	if (exit_code == 0 && ferror(journal->file))
		exit_code = session_problem(journal->session, PROBLEM_FAILED, NULL,
					    "the journal cannot be written");
	return exit_code;
}

/* The last entry of each room in use: what one has that comes no more in the part that is written. */
static int read_before(struct journal *journal)
{
	json_t *rooms = NULL;
	const json_t *room;
	size_t i;
	int exit_code = session_ask(journal->session, "room.list", NULL, &rooms);

	json_array_foreach(field_rows(rooms, "rows"), i, room)
	{
		json_t *tail = NULL;

		if (exit_code == 0)
			exit_code = session_ask(
				journal->session, "ledger.tail",
				json_pack("{s:s,s:i}", "room", field_text(room, "room"), "n", 1),
				&tail);
		(void)json_array_extend(journal->before,
					json_object_get(tail, "rows") /* NULL is none */);
		json_decref(tail);
	}
	json_decref(rooms);
	return exit_code;
}

/* Rooms without an entry in the part have a balance all the same. */
static void carry_rest(struct journal *journal, int64_t since_s)
{
	const json_t *row;
	size_t i;

	json_array_foreach(journal->before, i, row)
	{
		char name[NAME_SIZE], liability[2 * NAME_SIZE], key[24];
		int64_t balance, owed;

		(void)snprintf(key, sizeof(key), "%" PRId64, field_count(row, "account"));
		if (field_count(row, "account") == 0 ||
		    json_object_get(journal->started, key) != NULL ||
		    !field_nano(row, "balance_nano", &balance) || balance == 0 ||
		    __builtin_sub_overflow(0, balance, &owed))
			continue;
		(void)json_object_set_new(journal->started, key, json_true());
		(void)snprintf(liability, sizeof(liability), "liabilities:rooms:%s:%s",
			       plain(field_text(row, "room"), name), key);
		/* Behind the others, whose dates have gone on. */
		if (journal->date[0] == '\0')
			open_transaction(journal, since_s, "* carried forward");
		else
			(void)fprintf(journal->file, "\n%s * carried forward\n", journal->date);
		post_money(journal, liability, owed, &owed);
		post_money(journal, "equity:carried_forward", balance, NULL);
	}
}

int run_ledger_export(struct call *call)
{
	struct session *session = call->session;
	struct journal journal = {.session = session,
				  .file = session->out.file,
				  .partial = call_has(call, "--since"),
				  .started = json_object(),
				  .before = json_array()};
	json_t *args = json_object();
	json_t *data = NULL;
	int exit_code = day_option(call, "--since", args, "since_s");

	if (exit_code != 0) {
		json_decref(args);
	} else if (session->manners.json) {
		exit_code = session_ask(session, "ledger.export", args, &data);
		if (exit_code == 0)
			exit_code = session_json(session, data);
		json_decref(data);
	} else {
		int64_t since_s = field_count(args, "since_s");

		if (journal.partial)
			exit_code = read_before(&journal);
		if (exit_code == 0)
			exit_code = session_each(session, "ledger.export", args, write_page,
						 &journal);
		else
			json_decref(args);
		if (exit_code == 0 && journal.partial)
			carry_rest(&journal, since_s);
	}
	json_decref(journal.before);
	json_decref(journal.started);
	return exit_code;
}
