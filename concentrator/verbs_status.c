/* verbs_status.c - version and status: the whole building on one page. */
#include "concentrator/verbs.h"

#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_quarantine.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_credit.h"
#include "concentrator/station_relay.h"
#include "concentrator/station_state.h"

int verb_version(void *userdata, struct control_call *call)
{
	const struct station *station = verbs_station(userdata);
	control_reply(call,
		      json_pack("{s:s,s:i,s:i}", "version", station->settings.version, "protocol",
				MESSAGE_VERSION, "schema", LEDGER_SCHEMA),
		      NULL);
	return 0;
}

static json_t *rooms(const struct station *station)
{
	int connected = 0, disconnected = 0, armed = 0, low = 0, exhausted = 0, stale = 0;
	int64_t stale_us = station->config->policy.stale_s * 1000000;
	for (size_t i = 0; i < station->room_count; i++) {
		const struct station_room *room = station->rooms[i];
		enum service_status service = station_service(room);
		struct supply_policy policy = station_policy(station, room);
		enum credit_status credit = supply_credit_status(&policy, room->live_nano);
		connected += service == SERVICE_CONNECTED ||
			     service == SERVICE_ARMED_FOR_DISCONNECT;
		disconnected += service == SERVICE_DISCONNECTED;
		armed += service == SERVICE_ARMED_FOR_CONNECT;
		low += credit == CREDIT_LOW;
		exhausted += credit == CREDIT_EXHAUSTED || credit == CREDIT_NEGATIVE;
		bool old = false;
		for (size_t n = 0; n < room->supply_count; n++) {
			const struct station_supply *supply = room->supplies[n];
			old = old || (supply->meter != NULL &&
				      (supply->latest.at_us == 0 ||
				       station->now.us - supply->latest.at_us > stale_us));
		}
		stale += old;
	}
	return json_pack("{s:I,s:i,s:i,s:i,s:i,s:i,s:i}", "total", (json_int_t)station->room_count,
			 "connected", connected, "disconnected", disconnected, "armed", armed,
			 "low", low, "exhausted", exhausted, "stale", stale);
}

json_t *verbs_sensors(const struct station *station)
{
	static const char *const units[] = {"V", "A", "degC"};
	json_t *rows = json_array();
	for (size_t i = 0; i < station->config->sensor_count; i++) {
		const struct config_sensor *config = &station->config->sensors[i];
		const struct station_sensor *sensor = &station->sensors[i];
		int64_t age_s = (station->now.us - sensor->at_us) / 1000000;
		bool known = sensor->at_us != 0;
		json_array_append_new(
			rows,
			json_pack("{s:s,s:o,s:s,s:o,s:b,s:s}", "name", config->name, "value_milli",
				  known ? json_integer(sensor->value_milli) : json_null(), "unit",
				  units[config->unit], "age_s",
				  known ? json_integer(age_s) : json_null(), "stale",
				  !known || age_s > config->stale_s, "detail",
				  sensor->error != 0 ? strerror(-sensor->error) : ""));
	}
	return rows;
}

static json_t *store(struct station *station)
{
	struct ledger_stats stats;
	ledger_stats_get(station->ledger, &stats);
	return json_pack("{s:I,s:I,s:I,s:s,s:s}", "entries", (json_int_t)stats.entries,
			 "ledger_bytes", (json_int_t)stats.ledger_bytes, "commit_p99_us",
			 (json_int_t)stats.commit_p99_us, "state",
			 station->store_failing ? "failing" : "ok", "detail",
			 station->store_failing ? ledger_failure_text(station->ledger) : "");
}

static json_t *totals(struct station *station)
{
	struct ledger_totals sums = {0};
	if (station->store_failing || ledger_totals_get(station->ledger, 0, &sums) < 0)
		return json_null();
	return json_pack("{s:I,s:I,s:I,s:I,s:o,s:o}", "charged_wh", (json_int_t)sums.charged_wh,
			 "quarantined_wh", (json_int_t)sums.quarantined_wh, "charged_l",
			 (json_int_t)sums.charged_l, "quarantined_l",
			 (json_int_t)sums.quarantined_l, "balance_nano",
			 message_nano(sums.balance_nano), "cash_nano",
			 message_nano(sums.cash_nano));
}

int verb_status(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	json_t *lines = json_array();
	int64_t polls_per_s_milli = 0, open = 0;
	for (size_t i = 0; i < station->line_count; i++) {
		json_array_append_new(lines, verbs_line_row(station, i));
		polls_per_s_milli += station->lines[i].polls_per_s_milli;
	}
	if (station->store_failing || ledger_quarantines_open_count(station->ledger, &open) < 0)
		open = 0;
	const char *source = station->config->clock_trust == CONFIG_TRUST_ALWAYS
				     ? "battery-backed clock"
				     : "synchronised by the kernel";
	json_t *data = json_pack(
		"{s:s,s:s,s:I,s:{s:I,s:b,s:s},s:s,s:{s:i,s:i,s:s},s:o,s:o,s:o,s:o,s:o,s:{s:I,s:I},"
		"s:I,s:b,s:o,s:I,"
		"s:I}",
		"site", station->config->site.id, "version", station->settings.version, "uptime_s",
		(json_int_t)((station->now.us - station->started_us) / 1000000), "clock", "now_s",
		(json_int_t)station->now.s, "trusted", station->now.trusted, "source",
		station->now.trusted ? source : "none", "zone", station->config->site.zone, "money",
		"monetaryUnit", station->config->site.currency, "multiplier",
		-station->config->site.minor_digits, "account",
		station->config->site.account == CONFIG_ACCOUNT_ENERGY ? "energy" : "money",
		"rooms", rooms(station), "lines", lines, "sensors", verbs_sensors(station),
		"uplink", verbs_uplink(station), "store", store(station), "alarms", "critical",
		(json_int_t)alarms_count(&station->alarms, ALARM_CRITICAL), "warning",
		(json_int_t)alarms_count(&station->alarms, ALARM_WARNING), "quarantine_open",
		(json_int_t)open, "cuts_held", station->mass.held != MASS_CUT_NONE, "totals",
		totals(station), "polls", (json_int_t)station->polls, "polls_per_s_milli",
		(json_int_t)polls_per_s_milli);
	control_reply(call, data, NULL);
	return 0;
}
