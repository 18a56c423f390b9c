/* station_reversal.c - an order that takes credit back: which one, and how much is left of it.
 *
 * M3  A reversal names an applied credit of the same room; all that name it take back no more than that.
 */
#include "concentrator/station_state.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_order.h"
#include "concentrator/rules/money.h"

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

int station_reversal_check(struct station *station, const struct station_room *room,
			   const struct order_credit *credit, int64_t *ret_refers,
			   const char **ret_wrong)
{
	struct reversed reversed = {0};
	*ret_wrong = NULL;
	*ret_refers = 0;
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
	struct taken_back back = {.refers = reversed.entry_seq, .sum_nano = credit->amount_nano};
	r = ledger_entries_tail(station->ledger, room->record.account_id, 0, INT_MAX,
				taken_back_row, &back);
	if (r < 0 && r != -ERANGE)
		return r;
	/* A credit is positive and what is taken back negative: the sum cannot overflow. */
	if (back.error < 0 || reversed.amount_nano <= 0 || reversed.amount_nano + back.sum_nano < 0)
		*ret_wrong = "takes back more than was credited";
	return 0;
}
