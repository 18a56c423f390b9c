/* station_payment.c - a quarantined order is decided by a person: credited to a room, or given back.
 *
 * M3  Only a quarantined order is decided, and only once: the ledger's trigger refuses any other change. The
 *     entry has the order's id like every recharge, so that a replay of it finds it known.
 * M4  The entry, the order's result and the second receipt are one transaction.
 */
#include "concentrator/station_payment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_order.h"
#include "concentrator/platform/text.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_change.h"
#include "concentrator/station_event.h"
#include "concentrator/station_money.h"
#include "concentrator/station_order.h"
#include "concentrator/station_reversal.h"

static int read_row(const struct ledger_order *order, void *userdata)
{
	struct station_payment *payment = userdata;
	snprintf(payment->item.mrid, sizeof(payment->item.mrid), "%s", order->mrid);
	snprintf(payment->item.type_name, sizeof(payment->item.type_name), "%s", order->type);
	snprintf(payment->item.kid, sizeof(payment->item.kid), "%s", order->kid);
	snprintf(payment->result, sizeof(payment->result), "%s", order->result);
	snprintf(payment->detail, sizeof(payment->detail), "%s", order->detail);
	payment->item.payload = malloc(order->payload_size + 1);
	if (payment->item.payload == NULL)
		return -ENOMEM;
	memcpy(payment->item.payload, order->payload, order->payload_size);
	payment->item.payload_size = order->payload_size;
	return 0;
}

int station_payment_read(struct station *station, const char *mrid, struct station_payment *ret)
{
	char detail[ORDER_DETAIL_SIZE];
	*ret = (struct station_payment){0};
	int r = ledger_order_find(station->ledger, mrid, read_row, ret);
	if (r < 0)
		return r;
	if (strcmp(ret->result, "quarantined") != 0)
		return -EPERM;
	r = order_credit_parse(&ret->item, station->config->site.id, station->config->site.currency,
			       &ret->credit, detail);
	if (r == -EINVAL)
		snprintf(ret->detail, sizeof(ret->detail), "%s", detail);
	return r;
}

void station_payment_clear(struct station_payment *payment)
{
	order_item_clear(&payment->item);
}

/* The decision in the order's row, and the receipt that says it. */
static int resolve(struct station *station, const struct station_payment *payment,
		   enum order_result result, const char *who, const char *why,
		   const struct station_room *room, int64_t entry_seq,
		   const struct debt_split *split)
{
	char detail[LEDGER_TEXT_MAX + 1];
	snprintf(detail, sizeof(detail), "%.32s: %.80s", who, why);
	text_repair(detail);
	json_t *receipt = station_receipt(station, payment->item.mrid, result, detail, entry_seq,
					  room, split);
	char *text = station_receipt_text(json_incref(receipt));
	int r = text == NULL ? -ENOMEM
			     : ledger_order_resolve(station->ledger, payment->item.mrid,
						    order_result_name(result), detail, text,
						    room == NULL ? 0 : room->record.account_id,
						    entry_seq);
	free(text);
	if (r == 0)
		return station_event(station, 0, "receipt", receipt);
	json_decref(receipt);
	return r;
}

int station_payment_accept(struct station *station, const struct station_change *change,
			   struct station_room *room, struct station_payment *payment)
{
	const struct order_credit *credit = &payment->credit;
	struct entry entry = {
		.kind = credit->amount_nano < 0 ? ENTRY_REVERSAL : ENTRY_RECHARGE,
		.amount_nano = credit->amount_nano,
		.flags = credit->subsidy ? ENTRY_OF_SUBSIDY : 0,
	};
	const char *wrong;
	int64_t kept_nano;
	int r = station_reversal_check(station, room, credit, &entry.refers, &kept_nano, &wrong);
	if (r == 0 && wrong != NULL) {
		snprintf(payment->detail, sizeof(payment->detail), "%s", wrong);
		return -EPERM;
	}
	if (r == 0)
		r = station_settle_room(station, room, "recharge");
	/* Energy that cannot be charged is alarmed; it is no reason to withhold money. */
	if (r == -ERANGE || r == -EINVAL)
		r = 0;
	snprintf(entry.order, sizeof(entry.order), "%s", payment->item.mrid);
	if (r == 0)
		r = station_change_append(station, change, room, &entry);
	if (r == 0)
		r = money_add(room->live_nano, entry.amount_nano, &room->live_nano);
	struct debt_split split = {0};
	if (r == 0)
		r = station_credit_split(station, room, credit, kept_nano, &entry, &split);
	room->live_nano -= split.share_nano + split.due_nano;
	return r < 0 ? r
		     : resolve(station, payment, ORDER_APPLIED, change->who, change->why, room,
			       entry.seq, r == 1 ? &split : NULL);
}

int station_payment_reject(struct station *station, const struct station_payment *payment,
			   const char *who, const char *why)
{
	return resolve(station, payment, ORDER_REJECTED, who, why, NULL, 0, NULL);
}
