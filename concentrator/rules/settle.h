/* settle.h - from accepted registers to entries and balances.
 *
 * A point has two marks: the register last settled (the ledger's last entry about it) and the
 * register last accepted (guard.h). The energy between them is priced whenever a decision or a
 * screen wants the live balance, and becomes entries when a settlement is due.
 *
 * M1  The live balance is the settled balance minus the priced step since.
 * M2  The entries of a step cover from the settled to the accepted mark without gap or overlap.
 * M7  Under an untrusted clock no settlement falls due by itself: the register itself keeps the
 *     energy. When the time is known again marks of the same boot are dated exactly (settle_date);
 *     a step whose times stay unknown is priced at the cheapest price in the gap and marked
 *     ENTRY_UNTIMED. The gap begins no earlier than what was known when the settled mark was read
 *     (mark.since_s).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "concentrator/rules/calendar.h"
#include "concentrator/rules/entry.h"
#include "concentrator/rules/guard.h"
#include "concentrator/rules/instant.h"
#include "concentrator/rules/tariff_price.h"

enum settle_due {
	SETTLE_NOT_DUE,
	SETTLE_AT_BOUNDARY, /* a price could change since the settled mark */
	SETTLE_AT_MIDNIGHT, /* a local midnight has passed since the settled mark */
	SETTLE_AT_PERIOD,   /* settle_s have passed while energy flowed */
};

/* Is a settlement of this point due? Only with energy between the marks and both of them dated. A
 * boundary makes it due once it has passed and the accepted mark counts as taken at it or lies behind
 * it: so a reading from just before is settled before the next one, which may come too late to count
 * as taken there, replaces it. A settled mark that counts as taken at the boundary has it behind it. */
enum settle_due settle_due(const struct mark *settled, const struct mark *accepted,
			   const struct tariff_book *book, const struct offset_table *zone,
			   int64_t settle_s, const struct instant *now);

/* To be called after every accepted reading: with no energy since the settled mark the settled mark
 * takes the time of the accepted one, so that idle hours are never part of a step split by time. */
void settle_idle(struct mark *settled, const struct mark *accepted);

/* Dates a mark of this boot that was read before the clock was trusted. Does nothing to a mark that
 * is dated, is of another boot, or while now is not trusted. */
void settle_date(struct mark *mark, const struct instant *now);

/* A settlement being written; its fields are private. */
struct settlement {
	struct tariff_pricing pricing;
	struct tariff_use house; /* what nobody pays for moves no account's use */
	enum bands_verdict verdict;
	enum entry_kind kind;
	int64_t from_wh;
};

/* Begins to price the energy between the marks into entries of the given kind (ENTRY_CHARGE;
 * ENTRY_HOUSE where nobody pays: amounts are 0). use is where the account stands in its blocks; it
 * moves with each entry of ENTRY_CHARGE, so hand in a copy and keep that when the entries are
 * committed. now bounds unknown times. bands is what the meter's own band registers moved between the marks
 * (NULL: not known); verdict says what is to be thought of them. settlement stays where it is, and borrows
 * book, zone, use and the bands' names.
 * -EINVAL: accepted lies below settled. -ERANGE: the difference does not fit. */
__attribute__((warn_unused_result)) int
settle_begin(struct settlement *settlement, const struct mark *settled, const struct mark *accepted,
	     const struct tariff_book *book, const struct offset_table *zone,
	     struct tariff_use *use, enum entry_kind kind, const struct instant *now,
	     const struct bands_step *bands);

/* The next entry: 1, and *ret; or 0 when there is no more (no energy: no entries). Fills format,
 * kind, energy, registers, interval, price, amount (negative or 0), tariff and flags; account,
 * point, life, at and who are the caller's. Move the settled mark to the accepted one when they are
 * committed. -ERANGE: an amount does not fit. */
__attribute__((warn_unused_result)) int settle_next(struct settlement *settlement,
						    struct entry *ret);

/* Where the points of one account are priced one after another: what their steps cost together as
 * they will be charged, and at the least they can cost whatever the time of use (S1). Both not
 * negative: subtract them from the settled balance for the live balance, and for the balance most
 * favourable to the tenant. Zero-initialised but for the two uses and
 * rests: the account's. */
struct settle_cost {
	struct tariff_use use;
	struct tariff_use least_use;
	int64_t tax_rest;       /* as tax_carry.rest: the account's, moves with cost_nano ... */
	int64_t least_tax_rest; /* ... and with least_nano */
	int64_t cost_nano;      /* with the tax that is added */
	int64_t least_nano;
};

/* Adds the step between two marks; bands as in settle_begin(). Errors as settle_begin() and settle_next(); then cost is as it
 * was. */
__attribute__((warn_unused_result)) int
settle_cost_add(struct settle_cost *cost, const struct mark *settled, const struct mark *accepted,
		const struct tariff_book *book, const struct offset_table *zone,
		const struct instant *now, const struct bands_step *bands);
