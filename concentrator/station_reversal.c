/* station_reversal.c - an order that takes credit back: which one, and how much is left of it.
 *
 * M3  A reversal names an applied credit of the same room; all that name it take back no more than that. What the
 *     credit paid of debts goes back with it.
 */
#include "concentrator/station_reversal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_order.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_debt.h"

struct reversed {
	int64_t account_id;
	int64_t amount_nano;
	int64_t entry_seq;
	bool applied;
};

static int reversed_row(const struct ledger_order *order, void *userdata)
{
	struct reversed *reversed = userdata;
	reversed->account_id = order->account_id;
	reversed->amount_nano = order->amount_nano;
	reversed->entry_seq = order->entry_seq;
	reversed->applied = strcmp(order->result, "applied") == 0;
	return 0;
}

struct taken_back {
	int64_t refers;
	int64_t sum_nano; /* negative */
	int error;
};

static int taken_back_row(const struct entry *entry, int64_t balance_nano, void *userdata)
{
	struct taken_back *back = userdata;
	(void)balance_nano;
	if (entry->seq <= back->refers)
		return 1; /* newest first: what is older names nothing newer */
	if (entry->kind == ENTRY_REVERSAL && entry->refers == back->refers)
		back->error = money_add(back->sum_nano, entry->amount_nano, &back->sum_nano);
	return back->error;
}

/* The reversed order is from before a restore, and has no entry here: the orders themselves are asked. */
struct named_back {
	struct station *station;
	const char *reverses;
	int64_t sum_nano; /* negative */
	int error;
};

static int named_back_row(const struct ledger_order *order, void *userdata)
{
	struct named_back *back = userdata;
	const struct config_site *site = &back->station->config->site;
	char detail[ORDER_DETAIL_SIZE];
	struct order_credit credit;
	struct order_item item = {.payload_size = order->payload_size};
	if (order->payload_size == 0 || strcmp(order->result, "applied") != 0)
		return 0;
	item.payload = malloc(order->payload_size);
	if (item.payload == NULL)
		return -ENOMEM;
	memcpy(item.payload, order->payload, order->payload_size);
	snprintf(item.mrid, sizeof(item.mrid), "%s", order->mrid);
	int r = order_credit_parse(&item, site->id, site->currency, &credit, detail);
	order_item_clear(&item);
	if (r == 0 && strcmp(credit.reverses, back->reverses) == 0)
		back->error = money_add(back->sum_nano, credit.amount_nano, &back->sum_nano);
	return r == -ENOMEM ? r : back->error;
}

/* Of what was credited, how much is taken back with this one: a negative sum. */
static int sum_taken_back(struct station *station, const struct station_room *room,
			  const struct order_credit *credit, int64_t refers, int64_t *ret_nano)
{
	if (refers == 0) {
		struct named_back named = {.station = station,
					   .reverses = credit->reverses,
					   .sum_nano = credit->amount_nano};
		int r = ledger_orders_tail(station->ledger, room->record.account_id, 0, INT_MAX,
					   named_back_row, &named);
		*ret_nano = named.sum_nano;
		return r < 0 ? r : named.error;
	}
	struct taken_back back = {.refers = refers, .sum_nano = credit->amount_nano};
	int r = ledger_entries_tail(station->ledger, room->record.account_id, 0, INT_MAX,
				    taken_back_row, &back);
	*ret_nano = back.sum_nano;
	return r < 0 ? r : back.error;
}

int station_reversal_check(struct station *station, const struct station_room *room,
			   const struct order_credit *credit, int64_t *ret_refers,
			   int64_t *ret_kept_nano, const char **ret_wrong)
{
	struct reversed reversed = {0};
	*ret_wrong = NULL;
	*ret_refers = 0;
	*ret_kept_nano = 0;
	if (credit->reverses[0] == '\0')
		return 0;
	int r = ledger_order_find(station->ledger, credit->reverses, reversed_row, &reversed);
	if (r == -ENOENT || (r == 0 && !reversed.applied)) {
		*ret_wrong = "reverses an order that was not applied";
		return 0;
	}
	if (r < 0)
		return r;
	*ret_refers = reversed.entry_seq;
	if (reversed.account_id != room->record.account_id) {
		*ret_wrong = "reverses an order of another room";
		return 0;
	}
	int64_t sum_nano;
	r = sum_taken_back(station, room, credit, reversed.entry_seq, &sum_nano);
	if (r < 0 && r != -ERANGE)
		return r;
	/* A credit is positive and what is taken back negative: the sum cannot overflow. */
	if (r == -ERANGE || reversed.amount_nano <= 0 || reversed.amount_nano + sum_nano < 0)
		*ret_wrong = "takes back more than was credited";
	else
		*ret_kept_nano = reversed.amount_nano + sum_nano;
	return 0;
}

int station_credit_split(struct station *station, struct station_room *room,
			 const struct order_credit *credit, int64_t kept_nano,
			 const struct entry *entry, struct debt_split *ret)
{
	int r;
	*ret = (struct debt_split){0};
	if (entry->amount_nano < 0 && credit->reverses[0] == '\0')
		return 0;
	if (entry->amount_nano < 0) {
		r = station_debts_give_back(station, room, credit->reverses, kept_nano, entry, ret);
		return r < 0 ? r : ret->share_nano != 0 || ret->due_nano != 0;
	}
	if (credit->subsidy)
		return 0;
	r = station_debts_take(station, room, entry, ret);
	return r < 0 ? r : 1;
}
