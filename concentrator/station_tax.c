/* station_tax.c - tax on what the station charges: added in an entry of its own, or shown as included.
 *
 * M1  A tax entry follows the charges that it is on in their transaction, so no balance is ever without it.
 */
#include "concentrator/station_tax.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_tax.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_money.h"

int station_tax_load(struct station *station, struct station_room *room)
{
	return ledger_tax_rest(station->ledger, room->record.account_id, &room->tax_rest);
}

int station_tax_learn(struct station *station, const struct tariff *tariff)
{
	struct station_tax *taxes = station->taxes;
	if (tariff->tax.rate_ppm == 0)
		return 0;
	for (size_t i = 0; i < station->tax_count; i++)
		if (taxes[i].tariff_id == tariff->id)
			return 0;
	taxes = realloc(taxes, (station->tax_count + 1) * sizeof(*taxes));
	if (taxes == NULL)
		return -ENOMEM;
	station->taxes = taxes;
	taxes[station->tax_count++] = (struct station_tax){.tariff_id = tariff->id,
							   .tax = tariff->tax};
	return 0;
}

struct tariff_tax station_tax_of(const struct station *station, int64_t tariff_id)
{
	for (size_t i = station->tax_count; i > 0; i--)
		if (station->taxes[i - 1].tariff_id == tariff_id)
			return station->taxes[i - 1].tax;
	return (struct tariff_tax){0};
}

/* The local month that the middle of an interval is in, counted through. */
static int64_t month_of(const struct station *station, int64_t from_s, int64_t to_s)
{
	struct civil civil = calendar_local(&station->settings.zone, from_s + (to_s - from_s) / 2);
	return (int64_t)civil.year * 12 + civil.month;
}

int station_tax_note(struct station *station, struct station_room *room, const struct entry *entry)
{
	struct station_taxing *taxing = &room->taxing;
	struct tariff_tax tax = station_tax_of(station, entry->tariff_id);
	if (taxing->in != station->transaction)
		*taxing = (struct station_taxing){.in = station->transaction,
						  .carry = {.rest = room->tax_rest}};
	if (!tax.added || entry->amount_nano == 0)
		return 0;
	int64_t from_s = entry->from_s != 0 ? entry->from_s : entry->at_s;
	int64_t to_s = entry->to_s != 0 ? entry->to_s : entry->at_s;
	/* Each month has its own, or a statement of either would be wrong. */
	if (taxing->tariff_id != 0 &&
	    month_of(station, taxing->from_s, taxing->to_s) != month_of(station, from_s, to_s)) {
		int r = station_tax_take(station, room, entry->who);
		if (r < 0)
			return r;
	}
	if (taxing->tariff_id == 0 || from_s < taxing->from_s)
		taxing->from_s = from_s;
	if (taxing->tariff_id == 0 || to_s > taxing->to_s)
		taxing->to_s = to_s;
	taxing->tariff_id = entry->tariff_id;
	return tax_add(&taxing->carry, -entry->amount_nano, tax.rate_ppm);
}

int station_tax_take(struct station *station, struct station_room *room, const char *who)
{
	struct station_taxing *taxing = &room->taxing;
	if (taxing->in != station->transaction || taxing->tariff_id == 0)
		return 0;
	struct entry entry = {
		.kind = ENTRY_TAX,
		.account_id = room->record.account_id,
		.amount_nano = -taxing->carry.nano,
		.from_s = taxing->from_s,
		.to_s = taxing->to_s,
		.tariff_id = taxing->tariff_id,
	};
	station_stamp(station, &entry);
	snprintf(entry.who, sizeof(entry.who), "%s", who);
	snprintf(entry.why, sizeof(entry.why), "tax");
	int r = ledger_entry_append(station->ledger, &entry);
	if (r == 0)
		r = ledger_tax_add(station->ledger, room->record.account_id, entry.seq,
				   taxing->carry.rest);
	if (r < 0)
		return r;
	taxing->carry.nano = 0;
	taxing->tariff_id = 0;
	return 0;
}
