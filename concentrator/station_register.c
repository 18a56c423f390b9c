/* station_register.c - what people decide about a register: accept, reject, exchange.
 *
 * M2  Whatever is decided, every Wh of the old life is charged, set aside or written off, and a new life
 *     begins where its own register does.
 * M6  The only ways, beside the register's own return, by which a quarantine ends. A new baseline is
 *     declared by a person, who is named in the entry.
 *
 * A register that fell has no energy on the way down: its life ends at the last good register, and a new
 * one begins at what the meter shows.
 */
#include "concentrator/station_bands.h"
#include "concentrator/station_register.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_quarantine.h"
#include "concentrator/rules/settle.h"
#include "concentrator/station_change.h"
#include "concentrator/station_event.h"
#include "concentrator/station_identity.h"
#include "concentrator/station_money.h"
#include "concentrator/station_unread.h"

__attribute__((format(printf, 2, 3))) static int refuse(struct station_decision *decision,
							const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(decision->refusal, sizeof(decision->refusal), format, args);
	va_end(args);
	return -EPERM;
}

/* M2: is there a tenant who used what lies behind the last good register, or part of it? */
static int refuse_charge(const struct station_supply *supply, struct station_decision *decision)
{
	const char *name = supply->room->record.name;
	if (supply->room->record.vacant)
		return refuse(
			decision,
			"room %s is vacant: nobody is there to pay. `--as aside` sets it aside, "
			"`prepay quarantine reject` writes it off",
			name);
	return refuse(decision,
		      "the meter was not read with the beginning of room %s's tenancy, %s: what it "
		      "counted since its last good reading may be of before. `--as aside` sets it "
		      "aside, `prepay quarantine reject` writes it off; `prepay adjust` takes what "
		      "the tenant agrees to",
		      name, supply->room->record.tenancy);
}

/* Prices the way from the last good register to mark, or sets it aside; then the register goes on
 * from there. Everything before is settled. */
static int take(struct station *station, const struct station_change *change,
		struct station_supply *supply, const struct mark *mark, enum entry_kind kind,
		struct station_decision *decision)
{
	int64_t before_nano, after_nano;
	int r = ledger_balance_nano(station->ledger, supply->record.account_id, &before_nano);
	if (r < 0)
		return r;
	const struct mark from = supply->settled;
	decision->from_wh = from.wh;
	decision->to_wh = mark->wh;
	decision->energy_wh = mark->wh - from.wh;
	decision->baseline_wh = mark->wh;
	if (decision->energy_wh == 0) {
		guard_rebase(&supply->guard, mark);
		settle_idle(&supply->settled, mark);
		return 0;
	}
	decision->kind = kind == ENTRY_CHARGE && (supply->unread || supply->room->record.vacant)
				 ? ENTRY_HOUSE
				 : kind;
	if (kind == ENTRY_CHARGE) {
		guard_rebase(&supply->guard, mark);
		r = station_change_settle(station, supply->room, change->why);
	} else {
		struct entry entry = {
			.kind = kind,
			.point_id = supply->record.point_id,
			.life_id = supply->life.id,
			.energy_wh = decision->energy_wh,
			.from_wh = from.wh,
			.to_wh = mark->wh,
			.from_s = from.dated ? from.at_s : from.since_s,
			.to_s = mark->dated ? mark->at_s : 0,
		};
		r = station_change_append(station, change, supply->room, &entry);
		guard_rebase(&supply->guard, mark);
		supply->settled = *mark;
		supply->life.settled_wh = mark->wh;
		supply->life.settled_s = mark->at_s;
		supply->unread = false;
	}
	if (r == 0)
		r = ledger_balance_nano(station->ledger, supply->record.account_id, &after_nano);
	if (r == 0)
		decision->amount_nano = after_nano - before_nano;
	return r;
}

/* The life ends where it is settled, and another begins at mark. */
static int renew(struct station *station, struct station_supply *supply, const struct mark *mark,
		 const char *serial, struct station_decision *decision)
{
	struct ledger_life life = {
		.point_id = supply->record.point_id,
		.medium = supply->medium,
		.first_wh = mark->wh,
		.started_s = mark->dated            ? mark->at_s
			     : station->now.trusted ? station->now.s
						    : 0,
	};
	snprintf(life.serial, sizeof(life.serial), "%s", serial);
	int r = ledger_life_end(station->ledger, supply->life.id, station->now.s);
	if (r == 0)
		r = ledger_life_begin(station->ledger, &life);
	if (r < 0)
		return r;
	supply->life = life;
	guard_rebase(&supply->guard, mark);
	supply->settled = *mark;
	supply->rate = (struct station_rate){0};
	station_bands_forget(supply);
	decision->life_ended = true;
	decision->baseline_wh = mark->wh;
	supply->unread = false;
	return 0;
}

static int end_quarantine(struct station *station, const struct station_change *change,
			  struct station_supply *supply, enum ledger_quarantine_state state)
{
	if (supply->quarantine_id == 0)
		return 0;
	int r = ledger_quarantine_close(station->ledger, supply->quarantine_id, state, change->who,
					station->now.s);
	if (r == 0)
		r = station_event(
			station, 1, "quarantine",
			json_pack("{s:s,s:s,s:s,s:s,s:s}", "room", supply->room->record.name,
				  "circuit", supply->record.circuit, "medium",
				  medium_name(supply->medium), "reason", change->why, "state",
				  state == LEDGER_QUARANTINE_ACCEPTED ? "accepted" : "rejected"));
	supply->quarantine_id = 0;
	/* Whoever decided has looked: the ratios as they are now count from here on. */
	return r < 0 ? r : station_identity_bind_ratios(station, supply);
}

/* What the meter shows, when it was read lately. */
static bool present(const struct station *station, const struct station_supply *supply,
		    struct mark *ret)
{
	enum quantity shown = guard_register(supply->medium);
	int64_t at_us = supply->value_us[shown];
	int64_t age_us = station->now.us - at_us;
	if (at_us == 0 || age_us > station->config->policy.stale_s * 1000000 ||
	    !reading_has(&supply->latest, shown))
		return false;
	*ret = (struct mark){.wh = supply->latest.value[shown],
			     .at_us = at_us,
			     .at_s = station->now.s - age_us / 1000000,
			     .this_boot = true,
			     .dated = station->now.trusted,
			     .since_s = ledger_floor_s(station->ledger)};
	return true;
}

int station_register_accept(struct station *station, const struct station_change *change,
			    struct station_supply *supply, const struct ledger_quarantine *record,
			    enum entry_kind kind, bool rolled_over, struct station_decision *ret)
{
	*ret = (struct station_decision){0};
	int64_t modulus = supply->limits.modulus_wh, offset = supply->life.offset_wh;
	const char *unit = medium_unit(supply->medium);
	int64_t wh = record->reading_wh;
	if (strcmp(record->reason, guard_reason_name(GUARD_SERIAL)) == 0)
		return refuse(ret, "another meter answers there: `prepay meter exchange` says so");
	if (strcmp(record->reason, guard_reason_name(GUARD_RATIO)) == 0 &&
	    model_needs_ratios(supply->meter->model))
		return refuse(ret, "the ratio multiplies the whole register: `prepay meter "
				   "exchange` says where it stood and where it begins");
	if (kind == ENTRY_CHARGE && (supply->unread || supply->room->record.vacant))
		return refuse_charge(supply, ret);
	struct mark shown;
	if (present(station, supply, &shown) && shown.wh < wh)
		return refuse(ret,
			      "the meter shows %" PRId64 " %s now, less than the %" PRId64
			      " %s in question: a reading that was wrong is `prepay quarantine "
			      "reject`, a register that was reset or exchanged `prepay meter "
			      "exchange`",
			      shown.wh, unit, wh, unit);
	if (rolled_over && modulus == 0)
		return refuse(ret, "a register of %s does not roll over",
			      supply->meter->model->name);
	if (rolled_over)
		offset += modulus;
	if (__builtin_add_overflow(wh, offset, &wh))
		return -ERANGE;
	int r = station_change_settle(station, supply->room, "before a decision");
	if (r < 0)
		return r;
	if (wh < supply->guard.accepted.wh)
		return refuse(ret,
			      "%" PRId64 " %s lies below the last good register, %" PRId64
			      " %s: a register that was reset or exchanged is `prepay meter "
			      "exchange`, a reading that was wrong `prepay quarantine reject`%s",
			      wh, unit, supply->guard.accepted.wh, unit,
			      modulus == 0 ? "" : ", one that passed its end needs --rolled-over");
	if (rolled_over) {
		r = ledger_life_unwrap(station->ledger, supply->life.id, offset);
		if (r < 0)
			return r;
		supply->life.offset_wh = offset;
	}
	/* What was used since then is charged as usual, from the moment of the reading on. */
	struct mark mark = {.wh = wh,
			    .at_s = record->opened_s,
			    .dated = record->opened_trusted,
			    .since_s = supply->settled.dated ? supply->settled.at_s
							     : supply->settled.since_s};
	if (mark.dated && supply->settled.dated && mark.at_s < supply->settled.at_s)
		mark.at_s = supply->settled.at_s;
	bool unread = supply->unread;
	r = take(station, change, supply, &mark, kind, ret);
	/* The tenancy may have begun behind that reading. */
	if (r == 0 && unread)
		r = station_unread_again(station, supply);
	return r < 0 ? r : end_quarantine(station, change, supply, LEDGER_QUARANTINE_ACCEPTED);
}

int station_register_reject(struct station *station, const struct station_change *change,
			    struct station_supply *supply, const struct ledger_quarantine *record,
			    struct station_decision *ret)
{
	struct mark mark;
	*ret = (struct station_decision){0};
	if (strcmp(record->reason, guard_reason_name(GUARD_SERIAL)) == 0)
		return refuse(ret, "another meter answers there: `prepay meter exchange` says so");
	if (strcmp(record->reason, guard_reason_name(GUARD_RATIO)) == 0 &&
	    model_needs_ratios(supply->meter->model))
		return refuse(ret, "the ratio multiplies the whole register: `prepay meter "
				   "exchange` says where it stood and where it begins");
	if (!present(station, supply, &mark))
		return refuse(ret, "the meter was not read lately, so what it shows is not known");
	int r = station_change_settle(station, supply->room, "before a decision");
	if (r < 0)
		return r;
	int64_t shown = mark.wh;
	if (__builtin_add_overflow(shown, supply->life.offset_wh, &mark.wh))
		return -ERANGE;
	if (mark.wh >= supply->guard.accepted.wh) {
		r = take(station, change, supply, &mark, ENTRY_WRITE_OFF, ret);
	} else {
		ret->from_wh = ret->to_wh = supply->settled.wh;
		mark.wh = shown;
		char serial[LEDGER_ID_MAX + 1];
		memcpy(serial, supply->life.serial, sizeof(serial));
		r = renew(station, supply, &mark, serial, ret);
	}
	return r < 0 ? r : end_quarantine(station, change, supply, LEDGER_QUARANTINE_REJECTED);
}

/* What the breaker, or the pipe, lets through since the last good register, however long ago that was. */
static int64_t possible_wh(const struct station *station, const struct station_supply *supply)
{
	const struct mark *accepted = &supply->guard.accepted;
	int64_t elapsed_us = guard_elapsed_us(accepted, &station->now);
	if (accepted->dated && station->now.trusted && station->now.s > accepted->at_s &&
	    station->now.s - accepted->at_s < INT64_MAX / 2000000)
		elapsed_us = (station->now.s - accepted->at_s) * 1000000;
	return guard_limit_wh(&supply->limits, elapsed_us);
}

int station_register_exchange(struct station *station, const struct station_change *change,
			      struct station_supply *supply, int64_t final_wh, int64_t initial_wh,
			      const char *serial, struct station_decision *ret)
{
	const char *unit = medium_unit(supply->medium);
	*ret = (struct station_decision){0};
	int64_t modulus = supply->limits.modulus_wh;
	if (modulus > 0 && (final_wh >= modulus || initial_wh >= modulus))
		return refuse(ret, "a register of %s ends at %" PRId64 " %s",
			      supply->meter->model->name, modulus, unit);
	int r = station_change_settle(station, supply->room, "before an exchange");
	if (r < 0)
		return r;
	/* The new meter's energy was used since the old one was last believed. */
	struct mark first = supply->guard.accepted,
		    last = {.wh = supply->settled.wh,
			    .at_us = station->now.us,
			    .at_s = station->now.s,
			    .this_boot = true,
			    .dated = station->now.trusted,
			    .since_s = ledger_floor_s(station->ledger)};
	first.wh = initial_wh;
	if (final_wh >= 0 && __builtin_add_overflow(final_wh, supply->life.offset_wh, &last.wh))
		return -ERANGE;
	int64_t possible = possible_wh(station, supply), step;
	if (last.wh < supply->guard.accepted.wh)
		return refuse(ret,
			      "the final register lies below the last one believed, %" PRId64
			      " %s: what is charged stays charged; `prepay adjust` gives it back",
			      supply->guard.accepted.wh - supply->life.offset_wh, unit);
	if (__builtin_sub_overflow(last.wh, supply->guard.accepted.wh, &step) || step > possible)
		return refuse(ret,
			      "the final register lies %" PRId64
			      " %s above the last one believed; the %s lets no more than %" PRId64
			      " %s through since then",
			      step, unit, supply->medium == MEDIUM_WATER ? "pipe" : "breaker",
			      possible, unit);
	bool unread = supply->unread;
	r = take(station, change, supply, &last, ENTRY_CHARGE, ret);
	if (r == 0)
		r = renew(station, supply, &first, serial, ret);
	/* What the new meter counted already belongs to the same time. */
	if (r == 0 && unread)
		r = station_unread_again(station, supply);
	return r < 0 ? r : end_quarantine(station, change, supply, LEDGER_QUARANTINE_REJECTED);
}

void station_register_decided(struct station *station, struct station_supply *supply)
{
	char subject[ALARM_SUBJECT_MAX + 1];
	station_subject(supply, subject);
	station_alarm_clear(station, ALARM_REGISTER_QUARANTINED, subject);
	station_alarm_clear(station, ALARM_QUARANTINE_OLD, subject);
	station_identity_check(station, supply);
	station_balance(station, supply->room);
	station_review(station, supply->room);
}
