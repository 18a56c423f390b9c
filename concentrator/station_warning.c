/* station_warning.c - warns a room of levels of its money and of the days it lasts, each once, through restarts. */
#include "concentrator/station_warning.h"

#include <stdio.h>

#include "concentrator/platform/journal.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_event.h"

#define DAYS_SHIFT 16 /* of ledger_credit.warned: money below, days above */

static struct warning_levels money_levels(const struct station *station)
{
	const struct config_levels *config = &station->config->policy.warn_minor;
	struct warning_levels levels = {.count = config->count};
	for (size_t i = 0; i < config->count; i++)
		if (money_from_minor(config->at[i], station->config->site.minor_digits,
				     &levels.at[i]) < 0)
			levels.count = 0;
	return levels;
}

static struct warning_levels day_levels(const struct station *station)
{
	const struct config_levels *config = &station->config->policy.warn_days;
	struct warning_levels levels = {.count = config->count};
	for (size_t i = 0; i < config->count; i++)
		levels.at[i] = config->at[i];
	return levels;
}

/* at_nano or days: the level crossed; the other is unknown. */
static int tell(struct station *station, const struct station_room *room, const int64_t *at_nano,
		const int64_t *days)
{
	char balance[48];
	station_amount(station, room->live_nano, balance);
	int r = station_event(
		station, 0, "notice",
		json_pack("{s:s,s:s,s:o,s:o,s:o,s:o}", "room", room->record.name, "level",
			  "warning", "balance", station_money(station, room->live_nano), "at",
			  at_nano == NULL ? json_null() : station_money(station, *at_nano), "days",
			  days == NULL ? json_null() : json_integer(*days), "earliest_s",
			  json_null()));
	if (r < 0)
		return r;
	if (at_nano != NULL)
		journal_log(LOG_NOTICE, MESSAGE_ID_ROOM_WARNED,
			    JOURNAL_FIELDS({"ROOM", room->record.name}),
			    "room %s: balance %s has reached a warning level", room->record.name,
			    balance);
	else
		journal_log(LOG_NOTICE, MESSAGE_ID_ROOM_WARNED,
			    JOURNAL_FIELDS({"ROOM", room->record.name}),
			    "room %s: balance %s lasts %lld days at the most", room->record.name,
			    balance, (long long)*days);
	return 0;
}

void station_warn(struct station *station, struct station_room *room)
{
	const struct warning_levels money = money_levels(station), days = day_levels(station);
	const struct ledger_credit before = room->credit;
	uint32_t told_money = room->credit.warned & ((UINT32_C(1) << DAYS_SHIFT) - 1);
	uint32_t told_days = room->credit.warned >> DAYS_SHIFT;
	int64_t left = station_days_left(station, room);
	if (!room->money.evaluated || room->record.vacant || (money.count == 0 && days.count == 0))
		return;
	if (room->recharged) {
		(void)warning_rearm(&told_money, &money, room->best_nano);
		/* What cannot be told may be long. */
		(void)warning_rearm(&told_days, &days, left < 0 ? INT64_MAX : left);
	}
	size_t by_money = warning_step(&told_money, &money, room->best_nano);
	size_t by_days = left < 0 ? 0 : warning_step(&told_days, &days, left);
	room->credit.account_id = room->record.account_id;
	room->credit.warned = told_money | told_days << DAYS_SHIFT;
	if (room->credit.warned != before.warned) {
		int r = station_begin(station);
		if (r == 0) {
			r = ledger_credit_set(station->ledger, &room->credit);
			if (r == 0 && by_money > 0)
				r = tell(station, room, &money.at[by_money - 1], NULL);
			if (r == 0 && by_days > 0)
				r = tell(station, room, NULL, &days.at[by_days - 1]);
			if (r < 0)
				station_rollback(station);
			else
				r = station_commit(station);
		}
		if (r < 0) {
			room->credit = before;
			return;
		}
	}
	room->recharged = false;
}
