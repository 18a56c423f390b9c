/* ledger_tariff.c - tariff texts, added and never changed. */
#include "concentrator/ledger_tariff.h"

#include "concentrator/ledger_chain.h"
#include "concentrator/ledger_store.h"

#include <assert.h>
#include <string.h>

int ledger_tariff_add(struct ledger *ledger, struct ledger_tariff *tariff)
{
	size_t size = strlen(tariff->text);
	int error;

	assert(ledger->in_transaction);
	error = chain_digest((const void *const[]){tariff->text}, &size, 1, tariff->sha256);
	if (error < 0)
		return error;
	QUERY query = query_begin(
		ledger, STATEMENT_TARIFF_ADD,
		"INSERT INTO tariff(name, activation_s, text, sha256, applied_by, "
		"applied_s) VALUES (?, ?, ?, ?, ?, ?)");

	query_text(&query, tariff->name, LEDGER_NAME_MAX);
	query_integer(&query, tariff->activation_s);
	query_text(&query, tariff->text, LEDGER_TARIFF_MAX);
	query_blob(&query, tariff->sha256, sizeof(tariff->sha256));
	query_text(&query, tariff->applied_by, LEDGER_TEXT_MAX);
	query_integer(&query, tariff->applied_s);
	error = query_run(&query);
	if (error == 0)
		tariff->id = store_inserted(ledger);
	return error;
}

int ledger_tariffs_each(struct ledger *ledger, ledger_tariff_fn row, void *userdata)
{
	QUERY query = query_begin(
		ledger, STATEMENT_TARIFF_EACH,
		"SELECT id, name, activation_s, text, sha256, applied_by, applied_s "
		"FROM tariff ORDER BY activation_s, id");
	int more, stop;

	while ((more = query_row(&query)) == 1) {
		struct ledger_tariff tariff = {
			.id = row_integer(&query, 0),
			.activation_s = row_integer(&query, 2),
			.text = row_borrow_text(&query, 3),
			.applied_s = row_integer(&query, 6),
		};

		row_text(&query, 1, tariff.name, sizeof(tariff.name));
		row_hash(&query, 4, tariff.sha256);
		row_text(&query, 5, tariff.applied_by, sizeof(tariff.applied_by));
		stop = row(&tariff, userdata);
		if (stop != 0)
			return stop;
	}
	return more;
}
