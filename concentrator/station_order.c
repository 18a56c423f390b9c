/* station_order.c - applying what the cloud signed.
 *
 * M3  An order id is credited at most once, for ever.
 * M4  Orders, entries, receipts and the feed's cursor are one transaction; the answer follows its commit.
 * U2  An item that cannot be taken is refused, kept and reported; the items behind it are applied.
 * U3  A replay finds every id known and changes nothing.
 */
#include "concentrator/station_order.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_event.h"
#include "concentrator/ledger_order.h"
#include "concentrator/platform/journal.h"
#include "concentrator/platform/text.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_credit.h"
#include "concentrator/station_event.h"
#include "concentrator/station_load.h"
#include "concentrator/station_money.h"
#include "concentrator/station_reversal.h"

/* What became of one item; room is set where money moved. */
struct outcome {
	enum order_result result;
	char detail[ORDER_DETAIL_SIZE];
	struct station_room *room;
	int64_t entry_seq;
	int64_t amount_nano;
	bool is_split; /* a recharge, and on what it was spent */
	struct debt_split split;
	bool silent;    /* no receipt: nothing that can be answered, or answered before */
	bool emergency; /* activated: what the room was before, should it be taken back */
	bool noticed;
	struct ledger_credit credit;
};

int64_t station_local_day(const struct station *station)
{
	struct civil local = calendar_local(&station->settings.zone, station->now.s);
	return (int64_t)local.year * 10000 + local.month * 100 + local.day;
}

json_t *station_receipt(const struct station *station, const char *mrid, enum order_result result,
			const char *detail, int64_t entry_seq, const struct station_room *room,
			const struct debt_split *split)
{
	json_t *receipt = json_pack(
		"{s:s,s:s,s:s,s:o,s:o,s:o}", "mRID", mrid, "result", order_result_name(result),
		"detail", detail, "ledgerSeq",
		entry_seq != 0 ? json_integer(entry_seq) : json_null(), "room",
		room != NULL ? json_string(room->record.name) : json_null(), "balance",
		room != NULL ? station_money(station, room->live_nano) : json_null());
	if (split != NULL)
		json_object_set_new(receipt, "split",
				    json_pack("{s:o,s:o,s:o,s:o,s:o}", "share_nano",
					      message_nano(split->share_nano), "due_nano",
					      message_nano(split->due_nano), "below_nano",
					      message_nano(split->below_nano), "emergency_nano",
					      message_nano(split->emergency_nano), "balance_nano",
					      message_nano(split->balance_nano)));
	return receipt;
}

static json_t *receipt(const struct station *station, const char *mrid,
		       const struct outcome *outcome)
{
	return station_receipt(station, mrid, outcome->result, outcome->detail, outcome->entry_seq,
			       outcome->room, outcome->is_split ? &outcome->split : NULL);
}

char *station_receipt_text(json_t *receipt_taken)
{
	char *text = json_dumps(receipt_taken, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(receipt_taken);
	/* A name that cannot be said shortly: the row says the same. */
	if (text != NULL && strlen(text) > LEDGER_RECEIPT_MAX)
		text[0] = '\0';
	return text;
}

/* Keeps an attempt that proves nothing (bad signature, another order's id). The id stays free. */
static int refuse(struct station *station, const struct order_item *item, enum alarm_kind kind,
		  struct outcome *outcome)
{
	struct ledger_refused refused = {
		.payload = item->payload,
		.payload_size = item->payload_size,
		.signature = item->signature,
		.signature_size = sizeof(item->signature),
		.received_s = station->now.s,
	};
	snprintf(refused.mrid, sizeof(refused.mrid), "%s", item->mrid);
	snprintf(refused.type, sizeof(refused.type), "%s", item->type_name);
	snprintf(refused.kid, sizeof(refused.kid), "%s", item->kid);
	snprintf(refused.reason, sizeof(refused.reason), "%s", outcome->detail);
	int r = ledger_order_refuse(station->ledger, &refused);
	if (r == -EEXIST || r == -EDQUOT) {
		outcome->silent = r == -EEXIST;
		r = 0;
	}
	if (r < 0)
		return r;
	outcome->result = ORDER_REJECTED;
	if (!outcome->silent) {
		station_alarm(station, kind, item->mrid, "%s: refused and kept: %s",
			      item->type_name, outcome->detail);
		journal_log(LOG_WARNING, MESSAGE_ID_ORDER_REFUSED,
			    JOURNAL_FIELDS({"ORDER", item->mrid}), "order %s refused: %s",
			    item->mrid, outcome->detail);
	}
	return 0;
}

static int keep_order(struct station *station, const struct order_item *item,
		      const struct outcome *outcome)
{
	struct ledger_order order = {
		.payload = item->payload,
		.payload_size = item->payload_size,
		.signature = item->signature,
		.signature_size = sizeof(item->signature),
		.account_id = outcome->room != NULL ? outcome->room->record.account_id : 0,
		.amount_nano = outcome->amount_nano,
		.entry_seq = outcome->entry_seq,
		.day = station_local_day(station),
		.received_s = station->now.s,
		.received_trusted = station->now.trusted,
	};
	snprintf(order.mrid, sizeof(order.mrid), "%s", item->mrid);
	snprintf(order.type, sizeof(order.type), "%s", item->type_name);
	snprintf(order.kid, sizeof(order.kid), "%s", item->kid);
	snprintf(order.result, sizeof(order.result), "%s", order_result_name(outcome->result));
	snprintf(order.detail, sizeof(order.detail), "%s", outcome->detail);
	char *text = station_receipt_text(receipt(station, item->mrid, outcome));
	if (text == NULL)
		return -ENOMEM;
	order.receipt = text;
	int r = ledger_order_put(station->ledger, &order);
	free(text);
	return r;
}

static bool above(int64_t sum_nano, int64_t amount_nano, int64_t cap_nano)
{
	int64_t total;
	return cap_nano > 0 && (money_add(sum_nano, amount_nano, &total) < 0 || total > cap_nano);
}

/* Caps bound what a stolen key can do. NULL: within; else which one is passed. */
static int caps(struct station *station, const struct station_room *room,
		const struct order_credit *credit, const struct ledger_key *key, const char **ret)
{
	const struct config_policy *policy = &station->config->policy;
	int digits = station->config->site.minor_digits;
	int64_t day = station_local_day(station), room_sum, day_sum, order_cap, room_cap, day_cap,
		balance_cap;
	*ret = NULL;
	if (credit->amount_nano < 0)
		return 0;
	int r = ledger_orders_day_sum(station->ledger, room->record.account_id, day, &room_sum);
	if (r == 0)
		r = ledger_orders_day_sum(station->ledger, 0, day, &day_sum);
	if (r == -ERANGE) {
		*ret = "the sum of the day would not fit";
		return 0;
	}
	if (r == 0)
		r = money_from_minor(policy->order_max_minor, digits, &order_cap);
	if (r == 0)
		r = money_from_minor(policy->order_room_day_max_minor, digits, &room_cap);
	if (r == 0)
		r = money_from_minor(policy->order_day_max_minor, digits, &day_cap);
	if (r == 0)
		r = money_from_minor(policy->balance_max_minor, digits, &balance_cap);
	if (r < 0)
		return r;
	int64_t amount = credit->amount_nano;
	if (above(0, amount, order_cap) || above(0, amount, key->order_max_nano))
		*ret = "above the cap of one order";
	else if (above(room_sum, amount, room_cap) ||
		 above(room_sum, amount, key->room_day_max_nano))
		*ret = "above the cap of a room and day";
	else if (above(day_sum, amount, day_cap) || above(day_sum, amount, key->day_max_nano))
		*ret = "above the cap of the box and day";
	else if (above(room->live_nano, amount, balance_cap))
		*ret = "above the largest balance";
	return 0;
}

static int append_credit(struct station *station, const struct order_item *item,
			 const struct order_credit *credit, int64_t refers, int64_t kept_nano,
			 struct outcome *outcome)
{
	struct entry entry = {
		.kind = credit->amount_nano < 0 ? ENTRY_REVERSAL : ENTRY_RECHARGE,
		.account_id = outcome->room->record.account_id,
		.amount_nano = credit->amount_nano,
		.refers = refers,
		.flags = credit->subsidy ? ENTRY_OF_SUBSIDY : 0,
	};
	station_stamp(station, &entry);
	snprintf(entry.order, sizeof(entry.order), "%s", item->mrid);
	snprintf(entry.who, sizeof(entry.who), "key %s", item->kid);
	snprintf(entry.why, sizeof(entry.why), "%s", credit->description);
	int r = ledger_entry_append(station->ledger, &entry);
	if (r < 0)
		return r;
	outcome->entry_seq = entry.seq;
	/* Until the commit reads it again: the balance of this receipt and of those behind it counts it. */
	r = money_add(outcome->room->live_nano, entry.amount_nano, &outcome->room->live_nano);
	if (r < 0)
		return r;
	r = station_credit_split(station, outcome->room, credit, kept_nano, &entry,
				 &outcome->split);
	outcome->is_split = r == 1;
	outcome->room->live_nano -= outcome->split.share_nano + outcome->split.due_nano;
	return r < 0 ? r : 0;
}

/* A request for emergency credit moves no money: where it cannot be had it is answered, not kept for a
 * person. */
static int place_emergency(struct station *station, const struct order_item *item,
			   struct outcome *outcome)
{
	int r = 0;
	outcome->result = ORDER_APPLIED;
	if (station_emergency_offered(station, outcome->room)) {
		outcome->emergency = true;
		outcome->noticed = outcome->room->money.noticed;
		outcome->credit = outcome->room->credit;
		r = station_emergency_activate(station, outcome->room);
	} else {
		outcome->result = ORDER_REJECTED;
		snprintf(outcome->detail, sizeof(outcome->detail),
			 "emergency credit is not offered to the room now");
	}
	return r < 0 ? r : keep_order(station, item, outcome);
}

/* A genuine credit: which room it is for, and whether it may go there. */
static int place_credit(struct station *station, const struct order_item *item,
			const struct order_credit *credit, const struct ledger_key *key,
			struct outcome *outcome)
{
	const char *wrong = NULL;
	int64_t refers = 0, kept_nano = 0;
	enum alarm_kind kind = ALARM_ORDER_UNKNOWN_ROOM;
	outcome->result = ORDER_QUARANTINED;
	outcome->amount_nano = credit->amount_nano;
	outcome->room = station_room_find(station, credit->room);
	if (outcome->room == NULL) {
		wrong = "no such room";
	} else if (strcmp(outcome->room->record.tenancy, credit->tenancy) != 0) {
		wrong = "the room has another tenancy";
		outcome->room = NULL;
	} else if (station->now.trusted && credit->expires_s != 0 &&
		   station->now.s > credit->expires_s) {
		outcome->result = ORDER_EXPIRED;
		kind = ALARM_ORDER_REFUSED;
		wrong = "expired";
	} else if (credit->emergency) {
		return place_emergency(station, item, outcome);
	} else {
		int r = station_reversal_check(station, outcome->room, credit, &refers, &kept_nano,
					       &wrong);
		kind = ALARM_ORDER_REFUSED;
		if (r == 0 && wrong == NULL) {
			r = caps(station, outcome->room, credit, key, &wrong);
			kind = ALARM_ORDER_LIMIT;
		}
		if (r < 0)
			return r;
	}

	if (wrong == NULL) {
		outcome->result = ORDER_APPLIED;
		int r = station_settle_room(station, outcome->room, "recharge");
		/* Energy that cannot be charged is alarmed; it is no reason to withhold money. */
		if (r == 0 || r == -ERANGE || r == -EINVAL)
			r = append_credit(station, item, credit, refers, kept_nano, outcome);
		if (r == -ERANGE) {
			outcome->result = ORDER_QUARANTINED;
			wrong = "the balance would not fit";
		} else if (r < 0) {
			return r;
		}
		kind = ALARM_AMOUNT_OVERFLOW;
	}
	if (wrong != NULL) {
		snprintf(outcome->detail, sizeof(outcome->detail), "%s", wrong);
		station_alarm(station, kind, item->mrid,
			      "credit for room %s kept, not credited: %s", credit->room, wrong);
	}
	return keep_order(station, item, outcome);
}

struct known {
	struct outcome *outcome;
	const struct station *station;
};

static int known_row(const struct ledger_order *order, void *userdata)
{
	struct known *known = userdata;
	known->outcome->entry_seq = order->entry_seq;
	/* A duplicate says what the first time came to. */
	snprintf(known->outcome->detail, sizeof(known->outcome->detail), "%.32s%s%.80s",
		 order->result, order->detail[0] != '\0' ? ": " : "", order->detail);
	text_repair(known->outcome->detail);
	for (size_t i = 0; i < known->station->room_count; i++)
		if (known->station->rooms[i]->record.account_id == order->account_id)
			known->outcome->room = known->station->rooms[i];
	return 0;
}

static int apply_credit(struct station *station, const struct order_item *item,
			struct outcome *outcome)
{
	struct order_credit credit;
	const struct ledger_key *key = NULL;
	/* U3: what is known needs no proof again: its key may be gone when everything is replayed. */
	int r = ledger_order_check(station->ledger, item->mrid, item->type_name, item->payload,
				   item->payload_size);
	if (r == -EEXIST) {
		struct known known = {.outcome = outcome, .station = station};
		outcome->result = ORDER_DUPLICATE;
		return ledger_order_find(station->ledger, item->mrid, known_row, &known);
	}
	int verdict = order_credit_verify(item, &station->keys, station->config->site.id,
					  station->config->site.currency, &credit, &key,
					  &outcome->result, outcome->detail);
	if (verdict == -EBADMSG)
		return refuse(station, item, ALARM_ORDER_SIGNATURE, outcome);
	if (verdict < 0 && verdict != -EINVAL)
		return verdict;
	if (r == -EPROTO) {
		snprintf(outcome->detail, sizeof(outcome->detail),
			 "the id is known with other bytes");
		return refuse(station, item, ALARM_ORDER_COLLISION, outcome);
	}
	if (r < 0)
		return r;
	if (verdict == -EINVAL) {
		station_alarm(station, ALARM_ORDER_REFUSED, item->mrid,
			      "signed, but no credit for us: %s", outcome->detail);
		return keep_order(station, item, outcome);
	}
	return place_credit(station, item, &credit, key, outcome);
}

static int apply_keyset(struct station *station, const struct order_item *item,
			struct outcome *outcome, bool *ret_keys_changed)
{
	struct order_keyset *keyset = calloc(1, sizeof(*keyset));
	if (keyset == NULL)
		return -ENOMEM;
	int r = order_keyset_verify(item, &station->keys, station->config->site.minor_digits,
				    keyset, &outcome->result, outcome->detail);
	if (r == -EBADMSG) {
		r = refuse(station, item, ALARM_ORDER_SIGNATURE, outcome);
	} else if (r == -ESTALE) {
		/* U3: one that was accepted once is known, although a newer one is in force. */
		r = ledger_keyset_known(station->ledger, keyset->version);
		outcome->result = r == 1 ? ORDER_DUPLICATE : ORDER_REJECTED;
		if (r == 1)
			snprintf(outcome->detail, sizeof(outcome->detail), "version %lld is known",
				 (long long)keyset->version);
		r = r == 1 ? 0 : r;
	} else if (r == -EINVAL) {
		station_alarm(station, ALARM_ORDER_REFUSED, item->mrid,
			      "signed, but no key set: %s", outcome->detail);
		r = 0;
	} else if (r == 0) {
		r = ledger_keyset_replace(station->ledger, keyset->version, keyset->keys,
					  keyset->count, station->now.s);
		if (r == 0) {
			/* In force for the items behind it; taken back with the transaction. */
			r = station_load_keys(station);
			*ret_keys_changed = true;
		}
	}
	free(keyset);
	return r;
}

static int apply(struct station *station, const json_t *json, struct outcome *outcome,
		 char *ret_mrid, bool *ret_keys_changed)
{
	struct order_item item;
	int r = order_item_parse(json, &item, outcome->detail);
	memcpy(ret_mrid, item.mrid, sizeof(item.mrid));
	if (r == -EBADMSG) {
		outcome->result = ORDER_REJECTED;
		outcome->silent = item.mrid[0] == '\0';
		journal_log(LOG_WARNING, MESSAGE_ID_ORDER_REFUSED, NULL, "item %s of the feed: %s",
			    item.mrid[0] != '\0' ? item.mrid : "without an id", outcome->detail);
		r = 0;
	} else if (r == 0 && item.type == ORDER_CREDIT) {
		r = apply_credit(station, &item, outcome);
	} else if (r == 0 && item.type == ORDER_KEYSET) {
		r = apply_keyset(station, &item, outcome, ret_keys_changed);
	} else if (r == 0) {
		outcome->result = ORDER_UNSUPPORTED;
		snprintf(outcome->detail, sizeof(outcome->detail),
			 "%s is not built in this version", item.type_name);
	}
	order_item_clear(&item);
	return r;
}

static bool is_credit(const struct outcome *outcome)
{
	return outcome->result == ORDER_APPLIED && outcome->room != NULL;
}

static void say_applied(struct station *station, const struct outcome *outcome, const char *mrid)
{
	struct station_room *room = outcome->room;
	char amount[48];
	station_amount(station, outcome->amount_nano, amount);
	journal_log(LOG_NOTICE, MESSAGE_ID_ORDER_APPLIED,
		    JOURNAL_FIELDS({"ROOM", room->record.name}, {"ORDER", mrid}),
		    "room %s: order %s of %s applied", room->record.name, mrid, amount);
	for (size_t i = 0; i < room->supply_count; i++)
		if (relay_believed(&room->supplies[i]->relay_state) == RELAY_OPEN)
			snprintf(room->supplies[i]->cause, sizeof(room->supplies[i]->cause), "%s",
				 mrid);
}

/* Each room once, however many of its orders came. */
static void after_commit(struct station *station, const struct outcome outcomes[],
			 char (*mrids)[LEDGER_ID_MAX + 1], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_credit(&outcomes[i]))
			say_applied(station, &outcomes[i], mrids[i]);
	for (size_t i = 0; i < count; i++) {
		bool first = is_credit(&outcomes[i]);
		for (size_t n = 0; n < i && first; n++)
			first = !is_credit(&outcomes[n]) || outcomes[n].room != outcomes[i].room;
		if (!first)
			continue;
		station_review(station, outcomes[i].room);
		outcomes[i].room->told = false;
		station_room_status(station, outcomes[i].room);
	}
}

int station_deliver(struct station *station, const json_t *items, const char *cursor,
		    json_t **ret_results)
{
	size_t count = json_array_size(items);
	struct outcome *outcomes = calloc(count + 1, sizeof(*outcomes));
	char(*mrids)[LEDGER_ID_MAX + 1] = calloc(count + 1, sizeof(*mrids));
	json_t *results = json_array();
	bool keys_changed = false;
	int r = outcomes == NULL || mrids == NULL || results == NULL ? -ENOMEM : 0;
	if (r == 0)
		r = station_begin(station);
	if (r < 0)
		goto finish;

	for (size_t i = 0; i < count && r == 0; i++) {
		r = apply(station, json_array_get(items, i), &outcomes[i], mrids[i], &keys_changed);
		if (r == 0 && !outcomes[i].silent)
			r = station_event(station, 0, "receipt",
					  receipt(station, mrids[i], &outcomes[i]));
		json_array_append_new(results,
				      json_pack("{s:s,s:s,s:s}", "mRID", mrids[i], "result",
						order_result_name(outcomes[i].result), "detail",
						outcomes[i].detail));
	}
	if (r == 0 && cursor != NULL)
		r = ledger_cursor_set(station->ledger, "feed", cursor);
	if (r < 0)
		station_rollback(station);
	else
		r = station_commit(station);

	if (r < 0) {
		/* Nothing of it happened. */
		if (keys_changed)
			(void)station_load_keys(station);
		for (size_t i = 0; i < count; i++) {
			struct station_room *room = outcomes[i].room;
			if (outcomes[i].emergency) {
				room->credit = outcomes[i].credit;
				room->money.noticed = outcomes[i].noticed;
			}
			if (room != NULL)
				station_balance(station, room);
		}
		goto finish;
	}
	after_commit(station, outcomes, mrids, count);
	*ret_results = results;
	results = NULL;
finish:
	json_decref(results);
	free(outcomes);
	free(mrids);
	return r;
}
