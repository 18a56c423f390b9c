/* verbs_credit.c - orders and cash: what came, what became of it, and bringing it by hand. */
#include "concentrator/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_order.h"
#include "concentrator/platform/journal.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_change.h"
#include "concentrator/station_debt.h"
#include "concentrator/station_event.h"
#include "concentrator/station_load.h"
#include "concentrator/station_money.h"
#include "concentrator/station_order.h"
#include "concentrator/station_payment.h"
#include "concentrator/station_state.h"

#define PAGE_ORDERS 96

struct orders {
	const struct station *station;
	json_t *rows;
	int64_t last;
	bool whole;
};

static int order_row(const struct ledger_order *order, void *userdata)
{
	struct orders *orders = userdata;
	const struct station *station = orders->station;
	const char *room = "";
	for (size_t i = 0; i < station->room_count; i++)
		if (station->rooms[i]->record.account_id == order->account_id)
			room = station->rooms[i]->record.name;
	json_t *row = json_pack(
		"{s:s,s:s,s:s,s:o,s:o,s:s,s:s,s:I,s:o}", "mRID", order->mrid, "room", room, "type",
		order->type, "amount", station_money(station, order->amount_nano), "amount_nano",
		message_nano(order->amount_nano), "result", order->result, "detail", order->detail,
		"received_s", (json_int_t)order->received_s, "seq",
		order->entry_seq == 0 ? json_null() : json_integer(order->entry_seq));
	if (orders->whole) {
		json_object_set_new(row, "kid", json_string(order->kid));
		json_t *payload = json_stringn_nocheck(order->payload, order->payload_size);
		json_object_set_new(row, "payload", payload == NULL ? json_null() : payload);
		json_t *receipt = order->receipt == NULL ? NULL
							 : json_loads(order->receipt, 0, NULL);
		json_object_set_new(row, "receipt", receipt == NULL ? json_null() : receipt);
	}
	orders->last = order->id;
	json_array_append_new(orders->rows, row);
	return 0;
}

int verb_credit_list(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct orders orders = {.station = station};
	int64_t before = verbs_cursor(call), account = 0;
	if (message_arg_string(call->args, "room") != NULL) {
		struct station_room *room = verbs_room(station, call);
		if (room == NULL)
			return 0;
		account = room->record.account_id;
	}
	if (before < 0)
		return -EINVAL;
	orders.rows = json_array();
	int r = ledger_orders_tail(station->ledger, account, before, PAGE_ORDERS, order_row,
				   &orders);
	if (r < 0) {
		json_decref(orders.rows);
		return r;
	}
	verbs_page(call, orders.rows,
		   json_array_size(orders.rows) < PAGE_ORDERS ? -1 : orders.last);
	return 0;
}

int verb_credit_show(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct orders orders = {.station = station, .rows = json_array(), .whole = true};
	const char *mrid = message_arg_string(call->args, "mRID");
	int r = ledger_order_find(station->ledger, mrid, order_row, &orders);
	if (r == 0)
		control_reply(call, json_incref(json_array_get(orders.rows, 0)), NULL);
	else if (r == -ENOENT)
		control_fail(call, PROBLEM_NOT_FOUND, "no order %s has come to this box", mrid);
	json_decref(orders.rows);
	return r == -ENOENT ? 0 : r;
}

int verb_credit_import(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	json_t *results;
	if (!verbs_rows_fit(call, "orders"))
		return 0;
	int r = station->store_failing
			? -EIO
			: station_deliver(station, json_object_get(call->args, "orders"), NULL,
					  &results);
	if (r < 0)
		return r;
	control_reply(call, json_pack("{s:o}", "results", results), NULL);
	return 0;
}

/* The order that a person decides about; false: the call is answered. */
static bool quarantined(struct station *station, struct control_call *call,
			struct station_payment *payment, int *ret_error)
{
	const char *mrid = message_arg_string(call->args, "mRID");
	int r = station_payment_read(station, mrid, payment);
	*ret_error = 0;
	if (r == -ENOENT)
		control_fail(call, PROBLEM_NOT_FOUND, "no order %s has come to this box", mrid);
	else if (r == -EPERM)
		control_fail(call, PROBLEM_CONFLICT,
			     "order %s is not in quarantine: it is %s already", mrid,
			     payment->result);
	else if (r == -EINVAL)
		control_fail(call, PROBLEM_REFUSED, "order %s is no credit for this box: %s", mrid,
			     payment->detail);
	else
		*ret_error = r;
	return r == 0;
}

static void answer_decision(struct station *station, struct control_call *call,
			    const struct station_payment *payment, enum order_result result,
			    const struct station_room *room, bool dry_run)
{
	int64_t amount = payment->credit.amount_nano;
	control_reply(
		call,
		json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:b}", "mRID", payment->item.mrid, "result",
			  order_result_name(result), "amount", station_money(station, amount),
			  "amount_nano", message_nano(amount), "room",
			  room == NULL ? json_null() : json_string(room->record.name), "balance",
			  room == NULL ? json_null() : station_money(station, room->live_nano),
			  "balance_nano",
			  room == NULL ? json_null() : message_nano(room->live_nano), "dry_run",
			  dry_run),
		NULL);
}

/* Which room it may be credited to: the one that a person names, else its own while the tenancy is the one
 * that paid. NULL: the call is answered. */
static struct station_room *payee(struct station *station, struct control_call *call,
				  const struct order_credit *credit)
{
	const char *named = message_arg_string(call->args, "room");
	struct station_room *room = station_room_find(station,
						      named == NULL ? credit->room : named);
	if (room == NULL)
		control_fail(call, PROBLEM_NOT_FOUND, "there is no room %s",
			     named == NULL ? credit->room : named);
	else if (named == NULL && strcmp(room->record.tenancy, credit->tenancy) != 0) {
		control_fail(call, PROBLEM_REFUSED,
			     "room %s has another tenancy than the one that paid (%s): name the "
			     "room that gets it",
			     credit->room, credit->tenancy);
		room = NULL;
	}
	return room;
}

int verb_credit_accept(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct station_payment payment;
	struct station_change change = {.who = call->peer.user,
					.why = message_arg_string(call->args, "reason"),
					.dry_run = message_arg_bool(call->args, "dry_run", false)};
	int r;
	struct station_room *room = quarantined(station, call, &payment, &r)
					    ? payee(station, call, &payment.credit)
					    : NULL;
	if (room == NULL)
		goto finish;
	r = station_change_begin(station, &change, room, NULL);
	if (r < 0)
		goto finish;
	r = station_payment_accept(station, &change, room, &payment);
	int64_t after_nano = room->live_nano;
	r = station_change_end(station, &change, r);
	if (r == -EPERM || r == -ERANGE) {
		control_fail(call, PROBLEM_REFUSED, "%s",
			     r == -EPERM ? payment.detail : "the balance would not fit");
		r = 0;
	} else if (r == 0) {
		if (!change.dry_run) {
			journal_log(LOG_NOTICE, MESSAGE_ID_ORDER_APPLIED,
				    JOURNAL_FIELDS({"ROOM", room->record.name},
						   {"ORDER", payment.item.mrid}),
				    "room %s: order %s credited by %s: %s", room->record.name,
				    payment.item.mrid, change.who, change.why);
			station_balance(station, room);
			station_review(station, room);
		}
		/* A dry run has taken it back. */
		struct station_room as_after = *room;
		as_after.live_nano = after_nano;
		answer_decision(station, call, &payment, ORDER_APPLIED, &as_after, change.dry_run);
	}
finish:
	station_payment_clear(&payment);
	return r;
}

int verb_credit_reject(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	const char *why = message_arg_string(call->args, "reason");
	bool dry_run = message_arg_bool(call->args, "dry_run", false);
	struct station_payment payment;
	int r;
	if (!quarantined(station, call, &payment, &r))
		goto finish;
	if (!dry_run) {
		r = station->store_failing ? -EIO : station_begin(station);
		if (r < 0)
			goto finish;
		r = station_payment_reject(station, &payment, call->peer.user, why);
		if (r < 0)
			station_rollback(station);
		else
			r = station_commit(station);
		if (r < 0)
			goto finish;
		journal_log(LOG_NOTICE, MESSAGE_ID_ORDER_REFUSED,
			    JOURNAL_FIELDS({"ORDER", payment.item.mrid}),
			    "order %s is given back, by %s: %s", payment.item.mrid, call->peer.user,
			    why);
	}
	answer_decision(station, call, &payment, ORDER_REJECTED, NULL, dry_run);
finish:
	station_payment_clear(&payment);
	return r;
}

/* Settlement, entry, receipt number. A subsidy is no cash: its receipt is an order's id of its own. */
static int add_by_hand(struct station *station, const struct station_change *change,
		       struct station_room *room, int64_t amount_nano, const char *receipt,
		       bool subsidy, int64_t uid, struct debt_split *split)
{
	struct entry entry = {.kind = subsidy ? ENTRY_RECHARGE : ENTRY_CASH,
			      .amount_nano = amount_nano,
			      .flags = subsidy ? ENTRY_OF_SUBSIDY : 0};
	struct ledger_cash cash = {.account_id = room->record.account_id,
				   .amount_nano = amount_nano,
				   .day = station_local_day(station),
				   .at_s = station->now.s,
				   .uid = uid};
	/* The caller has seen that it fits. */
	size_t prefix = strlen(subsidy ? "subsidy:" : "cash:");
	memcpy(entry.order, subsidy ? "subsidy:" : "cash:", prefix);
	snprintf(entry.order + prefix, sizeof(entry.order) - prefix, "%s", receipt);
	snprintf(cash.receipt, sizeof(cash.receipt), "%s", receipt);
	snprintf(cash.who, sizeof(cash.who), "%s", change->who);
	int r = station_settle_room(station, room, subsidy ? "subsidy" : "cash");
	/* Energy that cannot be charged is alarmed; it is no reason to withhold money. */
	if (r == 0 || r == -ERANGE || r == -EINVAL)
		r = station_change_append(station, change, room, &entry);
	if (r == 0)
		r = money_add(room->live_nano, amount_nano, &room->live_nano);
	if (r < 0 || subsidy)
		return r;
	cash.entry_seq = entry.seq;
	r = ledger_cash_put(station->ledger, &cash);
	if (r == 0)
		r = station_debts_take(station, room, &entry, split);
	room->live_nano -= split->share_nano + split->due_nano;
	return r;
}

/* What local credit may be; false: the call is answered, or *ret_error is the ledger's. */
static bool within(struct station *station, struct control_call *call,
		   const struct station_room *room, int64_t amount_nano, bool subsidy,
		   int *ret_error)
{
	const struct config_policy *policy = &station->config->policy;
	int digits = station->config->site.minor_digits;
	int64_t taken = 0, day_cap, balance_cap, order_cap, total;
	char text[48];
	int r = station->store_failing ? -EIO : 0;
	if (r == 0 && !subsidy)
		r = ledger_cash_day_sum(station->ledger, station_local_day(station), &taken);
	if (r == 0)
		r = money_from_minor(policy->cash_day_max_minor, digits, &day_cap);
	if (r == 0)
		r = money_from_minor(policy->balance_max_minor, digits, &balance_cap);
	if (r == 0)
		r = money_from_minor(policy->order_max_minor, digits, &order_cap);
	*ret_error = r;
	if (r < 0)
		return false;
	if (!subsidy && (money_add(taken, amount_nano, &total) < 0 || total > day_cap)) {
		station_amount(station, day_cap - taken, text);
		control_fail(call, PROBLEM_REFUSED,
			     "above the day's limit for cash; %s is left today", text);
	} else if (amount_nano > order_cap) {
		station_amount(station, order_cap, text);
		control_fail(call, PROBLEM_REFUSED,
			     "above the largest recharge, %s ([policy] order_max_minor)", text);
	} else if (balance_cap > 0 &&
		   (money_add(room->live_nano, amount_nano, &total) < 0 || total > balance_cap)) {
		station_amount(station, balance_cap, text);
		control_fail(call, PROBLEM_REFUSED,
			     "above the largest balance, %s ([policy] balance_max_minor)", text);
	} else {
		return true;
	}
	return false;
}

int verb_credit_add(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	const char *receipt = message_arg_string(call->args, "receipt");
	const char *type = message_arg_string(call->args, "type");
	bool subsidy = type != NULL && strcmp(type, "subsidy") == 0;
	size_t longest = LEDGER_ID_MAX - strlen(subsidy ? "subsidy:" : "cash:");
	struct station_change change = {.who = call->peer.user,
					.why = message_arg_string(call->args, "reason"),
					.dry_run = message_arg_bool(call->args, "dry_run", false)};
	int64_t amount;
	int unit, r;
	if (!station->config->policy.cash) {
		control_fail(call, PROBLEM_REFUSED,
			     "local cash is not allowed here; [policy] cash = yes would allow it");
		return 0;
	}
	if (type != NULL && !subsidy && strcmp(type, "paid") != 0) {
		control_fail(call, PROBLEM_USAGE, "type is paid or subsidy");
		return 0;
	}
	if (strlen(receipt) > longest) {
		control_fail(call, PROBLEM_USAGE, "a receipt number has at most %zu characters",
			     longest);
		return 0;
	}
	if (message_parse_money(json_object_get(call->args, "amount"), &amount, &unit) < 0 ||
	    amount <= 0 || unit != station->config->site.currency) {
		control_fail(call, PROBLEM_USAGE, "amount is not a positive amount of currency %d",
			     station->config->site.currency);
		return 0;
	}
	struct station_room *room = verbs_room(station, call);
	if (room == NULL)
		return 0;
	if (!within(station, call, room, amount, subsidy, &r))
		return r;
	r = station_change_begin(station, &change, room, NULL);
	if (r < 0)
		return r;
	struct debt_split split = {0};
	r = add_by_hand(station, &change, room, amount, receipt, subsidy, (int64_t)call->peer.uid,
			&split);
	int64_t after_nano = room->live_nano;
	r = station_change_end(station, &change, r);
	if (r == -EEXIST || r == -ERANGE) {
		if (r == -EEXIST)
			control_fail(call, PROBLEM_CONFLICT, "receipt %s was used before", receipt);
		else
			control_fail(call, PROBLEM_REFUSED, "the balance would not fit");
		return 0;
	}
	if (r < 0)
		return r;
	if (!change.dry_run) {
		char text[48];
		station_amount(station, amount, text);
		journal_log(LOG_NOTICE, MESSAGE_ID_CASH_ADDED,
			    JOURNAL_FIELDS({"ROOM", room->record.name}),
			    "room %s: %s %s, receipt %s, by %s", room->record.name,
			    subsidy ? "subsidy" : "cash", text, receipt, call->peer.user);
		station_balance(station, room);
		station_review(station, room);
	}
	control_reply(call,
		      json_pack("{s:s,s:o,s:o,s:o,s:b}", "room", room->record.name, "balance",
				station_money(station, after_nano), "balance_nano",
				message_nano(after_nano), "debts_nano",
				message_nano(split.share_nano + split.due_nano), "dry_run",
				change.dry_run),
		      NULL);
	return 0;
}
