/* ledger_dated.c - dated events, added and never changed.
 *
 * M9  The table's unique keys refuse a second event of one rule and day.
 */
#include "concentrator/ledger_dated.h"

#include "concentrator/ledger_store.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/rules/calendar.h"

static const char *const words[DATED_RULES] = {
	[DATED_STANDING] = "standing charge of",
	[DATED_MINIMUM] = "minimum charge to",
	[DATED_EXPIRY] = "allowance left on",
	[DATED_ALLOWANCE] = "allowance of",
};

int ledger_dated_add(struct ledger *ledger, const struct ledger_dated *dated)
{
	assert(ledger->in_transaction);
	QUERY query = query_begin(ledger, STATEMENT_DATED_ADD,
				  "INSERT INTO dated(account_id, rule, day, opened_s, entry_seq, "
				  "by) VALUES (?, ?, ?, ?, ?, ?)");

	query_integer(&query, dated->account_id);
	query_integer(&query, dated->rule);
	query_integer(&query, dated->day);
	query_integer(&query, dated->opened_s);
	query_reference(&query, dated->entry_seq);
	query_text(&query, dated->by, LEDGER_TEXT_MAX);
	return query_run(&query);
}

int ledger_dated_last(struct ledger *ledger, int64_t account_id, int32_t rule, int64_t opened_s,
		      int64_t *ret_day)
{
	/* The sign keeps SQLite from asking, with each value, whether the index of rule 1 would do: it
	 * would prepare the statement anew for each. */
	QUERY query = query_begin(ledger, STATEMENT_DATED_LAST,
				  "SELECT day FROM dated WHERE account_id = ? AND rule = +?2 AND "
				  "(opened_s = ?3 OR ?3 = -9223372036854775807 - 1) "
				  "ORDER BY day DESC LIMIT 1");
	int row;

	query_integer(&query, account_id);
	query_integer(&query, rule);
	query_integer(&query, opened_s);
	row = query_row(&query);
	if (row <= 0)
		return row < 0 ? row : -ENOENT;
	*ret_day = row_integer(&query, 0);
	return 0;
}

void ledger_dated_why(enum dated_rule rule, int64_t day, char ret[static ENTRY_TEXT_MAX + 1])
{
	struct civil date = calendar_date(day);

	(void)snprintf(ret, ENTRY_TEXT_MAX + 1, "%s %04d-%02d-%02d", words[rule], (int)date.year,
		       (int)date.month, (int)date.day);
}

bool ledger_dated_read_why(const char *why, enum dated_rule *ret_rule, int64_t *ret_day)
{
	char again[ENTRY_TEXT_MAX + 1];
	int year, month, date;

	for (enum dated_rule rule = DATED_STANDING; rule < DATED_RULES; rule++) {
		size_t length = strlen(words[rule]);
		int64_t day;

		if (strncmp(why, words[rule], length) != 0 ||
		    sscanf(why + length, " %4d-%2d-%2d", &year, &month, &date) != 3 || year < 1 ||
		    month < 1 || month > 12 || date < 1 || date > 31)
			continue;
		day = calendar_day_number(year, month, date);
		ledger_dated_why(rule, day, again);
		if (strcmp(again, why) != 0)
			continue;
		*ret_rule = rule;
		*ret_day = day;
		return true;
	}
	return false;
}
