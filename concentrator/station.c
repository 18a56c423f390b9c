#include "concentrator/station.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/platform/journal.h"
#include "concentrator/rules/money.h"
#include "concentrator/rules/settle.h"
#include "concentrator/station_boundary.h"
#include "concentrator/station_checkpoint.h"
#include "concentrator/station_cuts.h"
#include "concentrator/station_dated.h"
#include "concentrator/station_debt.h"
#include "concentrator/station_epoch.h"
#include "concentrator/station_event.h"
#include "concentrator/station_freeze.h"
#include "concentrator/station_hold.h"
#include "concentrator/station_link.h"
#include "concentrator/station_load.h"
#include "concentrator/station_model.h"
#include "concentrator/station_money.h"
#include "concentrator/station_poll.h"
#include "concentrator/station_profile.h"
#include "concentrator/station_protect.h"
#include "concentrator/station_silence.h"
#include "concentrator/station_snapshot.h"
#include "concentrator/station_state.h"
#include "concentrator/station_tariff.h"
#include "concentrator/survey.h"
#include "concentrator/verbs_meter.h"

#define SECOND_US      INT64_C(1000000)
#define STORE_RETRY_US INT64_C(10000000)
#define CLOCK_ALARM_US INT64_C(60000000)
#define TRUST_STEP_MAX_S                                                                           \
	60 /* a trusted clock that moves further against the boot clock was stepped */

static int read_policy(struct station *station)
{
	const struct config_policy *policy = &station->config->policy;
	int digits = station->config->site.minor_digits;
	station->policy = (struct supply_policy){
		.notice_us = policy->notice_s * SECOND_US,
		.hold_max_us = policy->hold_max_s * SECOND_US,
		.hold_then = policy->hold_then == CONFIG_THEN_CUT ? SUPPLY_THEN_CUT
								  : SUPPLY_THEN_KEEP,
		.cloud_away_us = policy->cloud_away_s * SECOND_US,
	};
	if (money_from_minor(policy->cutoff_minor, digits, &station->policy.cutoff_nano) < 0 ||
	    money_from_minor(policy->restore_min_minor, digits, &station->policy.restore_min_nano) <
		    0 ||
	    money_from_minor(policy->low_minor, digits, &station->policy.low_nano) < 0 ||
	    money_from_minor(policy->hold_max_minor, digits, &station->policy.hold_max_nano) < 0)
		return -ERANGE;
	return 0;
}

/* S7: another version than the one that ran last is a change after which cuts are held. */
static int note_version(struct station *station)
{
	char last[64];
	int r = ledger_cursor_get(station->ledger, "version", last, sizeof(last));
	if (r < 0 && r != -ENODATA)
		return r;
	if (r == 0 && strcmp(last, station->settings.version) == 0)
		return 0;
	if (r == 0)
		mass_cut_change(&station->mass, station->now.us);
	r = station_begin(station);
	if (r < 0)
		return r;
	r = ledger_cursor_set(station->ledger, "version", station->settings.version);
	if (r < 0) {
		station_rollback(station);
		return r;
	}
	return station_commit(station);
}

/* Alarms live in memory; what the ledger says stands is raised again, for people to find. */
static void raise_standing(struct station *station)
{
	for (size_t i = 0; i < station->room_count; i++) {
		const struct station_room *room = station->rooms[i];
		if (room->money.hold != SUPPLY_HOLD_NONE)
			station_alarm(station, ALARM_CUT_HELD, room->record.name,
				      "the cut is held (%s), since before the start",
				      supply_hold_name(room->money.hold));
		if (room->money.hold_spent)
			station_alarm(station, ALARM_HOLD_SPENT, room->record.name,
				      "the hold's limit was used up before the start");
	}
	for (size_t i = 0; i < station->supply_count; i++) {
		const struct station_supply *supply = station->supplies[i];
		char subject[ALARM_SUBJECT_MAX + 1];
		station_subject(supply, subject);
		if (supply->relay_state.armed)
			station_alarm(station, ALARM_ARMED_FOR_CONNECT, subject,
				      "found open, not by our command; look, then `prepay relay "
				      "%s/%s connect`",
				      supply->room->record.name, supply->record.circuit);
		if (supply->quarantine_id != 0)
			station_alarm(station, ALARM_REGISTER_QUARANTINED, subject,
				      "a register is in quarantine since before the start: not "
				      "charged, the last good one stays");
	}
}

int station_open(struct station **ret, const struct station_settings *settings,
		 const struct instant *now, char ret_error[static STATION_ERROR_SIZE])
{
	snprintf(ret_error, STATION_ERROR_SIZE, "out of memory");
	struct station *station = calloc(1, sizeof(*station));
	if (station == NULL)
		return -ENOMEM;
	station->settings = *settings;
	station->config = settings->config;
	station->ledger = settings->ledger;
	station->now = *now;
	station->started_us = now->us;
	station->was_trusted = now->trusted;
	station->keys.roots = settings->roots;
	snprintf(station->link.state, sizeof(station->link.state), "%s",
		 station->config->cloud.url[0] == '\0' ? "off" : "connecting");

	int r = -ENOMEM;
	station->lines = calloc(station->config->line_count + 1, sizeof(*station->lines));
	if (station->lines == NULL)
		goto fail;
	station->line_count = station->config->line_count;
	struct schedule_policy schedule = schedule_policy_default();
	schedule.close_stagger_us = station->config->policy.close_stagger_ms * 1000;
	if (settings->read_period_us > 0) {
		schedule.continuous = false;
		for (int kind = 0; kind < SCHEDULE_READS; kind++)
			schedule.period_us[kind] = settings->read_period_us;
	}
	for (size_t i = 0; i < station->line_count; i++) {
		struct station_line *line = &station->lines[i];
		line->config = &station->config->lines[i];
		line->state = LINE_ABSENT;
		line->measured_us = now->us;
		schedule_init(&line->schedule, &schedule, settings->seed + (uint32_t)i, now->us);
	}
	r = read_policy(station);
	if (r == 0)
		r = note_version(station);
	if (r == 0)
		r = station_load(station);
	if (r == 0)
		r = station_link_load(station);
	if (r == 0)
		r = station_cuts_load(station);
	if (r == 0)
		r = station_checkpoint_load(station);
	if (r == 0)
		r = station_epoch_load(station);
	if (r < 0) {
		snprintf(ret_error, STATION_ERROR_SIZE, "%s",
			 station->error[0] != '\0'        ? station->error
			 : ledger_failed(station->ledger) ? ledger_failure_text(station->ledger)
							  : strerror(-r));
		goto fail;
	}
	raise_standing(station);
	station_snapshot_told(station);
	ret_error[0] = '\0';
	*ret = station;
	return 0;
fail:
	station_close(station);
	return r;
}

struct station *station_close(struct station *station)
{
	if (station == NULL)
		return NULL;
	for (size_t i = 0; i < STATION_CALLS_WAITING; i++) {
		if (station->asked[i].call != NULL)
			control_fail(station->asked[i].call, PROBLEM_DEGRADED,
				     "prepayd is stopping");
		if (station->fetches[i].call != NULL)
			control_fail(station->fetches[i].call, PROBLEM_DEGRADED,
				     "prepayd is stopping");
		if (station->reading[i] != NULL)
			control_fail(station->reading[i], PROBLEM_DEGRADED, "prepayd is stopping");
	}
	station_unload(station);
	free(station->profile.rows);
	for (size_t i = 0; i < station->line_count; i++)
		station->lines[i].survey = survey_close(station->lines[i].survey);
	free(station->lines);
	free(station->taxes);
	free(station);
	return NULL;
}

void station_sensor_sample(struct station *station, size_t sensor, int64_t value_milli,
			   int64_t at_us, int error)
{
	if (sensor < CONFIG_SENSORS_MAX)
		station->sensors[sensor] = (struct station_sensor){
			.value_milli = value_milli,
			.at_us = at_us,
			.error = error,
			.lived = station->sensors[sensor].lived ||
				 (error == 0 && station_incomer_lives(value_milli))};
}

/* The store came back: everything that depends on it is derived again. */
static void try_store(struct station *station)
{
	struct ledger_failure failure;
	station->store_retry_us = station->now.us + STORE_RETRY_US;
	int r = ledger_reopen(station->ledger, &failure);
	if (r == 0)
		r = station_load(station);
	if (r < 0)
		return;
	station->store_failing = false;
	journal_log(LOG_NOTICE, MESSAGE_ID_STORE_RECOVERED, NULL,
		    "the ledger can be written again; balances are derived anew");
	station_alarm_clear(station, ALARM_STORE_FAILING, "ledger");
	station_snapshot_told(station);
}

static void check_clock(struct station *station)
{
	if (!station->now.trusted) {
		if (station->was_trusted || station->now.us - station->started_us > CLOCK_ALARM_US)
			station_alarm(station, ALARM_CLOCK_UNTRUSTED, "clock",
				      "the time is not known for sure: nobody is cut for money, "
				      "energy is priced when it is");
	} else {
		station_alarm_clear(station, ALARM_CLOCK_UNTRUSTED, "clock");
		int64_t base_s = station->now.s - station->now.us / SECOND_US;
		int64_t moved = base_s - station->clock_base_s;
		if (station->clock_base_set && (moved > TRUST_STEP_MAX_S ||
						moved < -TRUST_STEP_MAX_S || !station->was_trusted))
			mass_cut_change(&station->mass, station->now.us);
		station->clock_base_s = base_s;
		station->clock_base_set = true;
	}
	station->was_trusted = station->now.trusted;
}

static void check_sensors(struct station *station)
{
	for (size_t i = 0; i < station->config->sensor_count; i++) {
		const struct config_sensor *config = &station->config->sensors[i];
		const struct station_sensor *sensor = &station->sensors[i];
		int64_t since = sensor->at_us != 0 ? sensor->at_us : station->started_us;
		if (station->now.us - since > config->stale_s * SECOND_US)
			station_alarm(station, ALARM_SENSOR_STALE, config->name,
				      "no value for %lld s (%s)",
				      (long long)((station->now.us - since) / SECOND_US),
				      sensor->error != 0 ? strerror(-sensor->error) : "silent");
		else
			station_alarm_clear(station, ALARM_SENSOR_STALE, config->name);
	}
}

/* Silence that lasts rises in severity; so does a quarantine. */
static void check_ages(struct station *station)
{
	for (size_t i = 0; i < station->device_count; i++) {
		struct station_device *device = station->devices[i];
		struct schedule *schedule = &station->lines[device->line].schedule;
		if (!device->scheduled || !station_device_used(station, device) ||
		    !schedule_alarms(schedule, device->index) ||
		    schedule_state(schedule, device->index, station->now.us) != SCHEDULE_DEAD)
			continue;
		char subject[ALARM_SUBJECT_MAX + 1];
		station_device_subject(station, device, subject);
		station_alarm(
			station, ALARM_METER_DEAD, subject, "%s has not answered since %lld s",
			device->model->name,
			(long long)((station->now.us - schedule->device[device->index].silent_us) /
				    SECOND_US));
	}
	for (size_t i = 0; i < station->supply_count; i++) {
		struct station_supply *supply = station->supplies[i];
		station_model_review(station, supply);
		if (supply->quarantine_id == 0 || !station->now.trusted ||
		    station->now.s - supply->quarantine_opened_s <
			    station->config->policy.suspect_age_s)
			continue;
		char subject[ALARM_SUBJECT_MAX + 1];
		station_subject(supply, subject);
		station_alarm(
			station, ALARM_QUARANTINE_OLD, subject,
			"a register has been in quarantine since %lld s; a person must decide",
			(long long)(station->now.s - supply->quarantine_opened_s));
	}
}

static void check_store(struct station *station)
{
	struct ledger_stats stats;
	ledger_stats_get(station->ledger, &stats);
	if (stats.commit_p99_us > COMMIT_SLOW_US)
		station_alarm(station, ALARM_COMMIT_SLOW, "ledger",
			      "commits take up to %lld ms: a dying card?",
			      (long long)(stats.commit_p99_us / 1000));
	else
		station_alarm_clear(station, ALARM_COMMIT_SLOW, "ledger");
}

static void expire_reads(struct station *station)
{
	for (size_t i = 0; i < STATION_CALLS_WAITING; i++) {
		struct station_read *read = &station->asked[i];
		if (read->call != NULL && station->now.us >= read->until_us) {
			if (read->error == 0)
				read->error = -ETIMEDOUT;
			station_read_done(station, read);
		}
	}
}

/* A notice that has run since the last tick is acted on now, not within a second. Returns when the next one
 * will have. */
static int64_t review_notices(struct station *station)
{
	int64_t next_us = INT64_MAX;
	for (size_t i = 0; i < station->room_count; i++) {
		struct station_room *room = station->rooms[i];
		int64_t due_us = room->answer.earliest_us;
		if (due_us > station->ticked_us && due_us <= station->now.us)
			station_review(station, room);
		if (room->answer.earliest_us > station->now.us &&
		    room->answer.earliest_us < next_us)
			next_us = room->answer.earliest_us;
	}
	station->ticked_us = station->now.us;
	return next_us;
}

int64_t station_tick(struct station *station, const struct instant *now)
{
	station->now = *now;
	station_store_check(station);
	if (station->store_failing && now->us >= station->store_retry_us)
		try_store(station);
	if (now->us >= station->second_us) {
		station->second_us = now->us + SECOND_US;
		check_clock(station);
		station_tariff_check(station);
		station_boundary_check(station);
		station_protect_check(station);
		if (!station->store_failing)
			station_holds_check(station);
		if (!station->store_failing)
			station_debts_run(station);
		if (!station->store_failing)
			station_settle_due(station);
		station_freeze_check(station);
		if (!station->store_failing)
			station_dated_run(station);
		for (size_t i = 0; i < station->room_count; i++)
			station_review(station, station->rooms[i]);
		check_sensors(station);
		station_silence(station);
		check_ages(station);
		check_store(station);
		station_link_check(station);
		station_cuts_keep(station);
		station_checkpoint_check(station);
		station_snapshot_check(station);
		station_profile_check(station);
		station_alarms_tell(station);
	}
	expire_reads(station);
	station_outbox_serve(station);

	int64_t next_us = review_notices(station);
	if (next_us > station->second_us)
		next_us = station->second_us;
	for (size_t i = 0; i < station->line_count; i++) {
		struct station_line *line = &station->lines[i];
		if (line->survey != NULL)
			survey_tick(line->survey, now->us);
		station_feed(station, i);
		if (line->state == LINE_OK && !(line->jobs[0].used && line->jobs[1].used) &&
		    line->wait_us < next_us)
			next_us = line->wait_us;
	}
	for (size_t i = 0; i < STATION_CALLS_WAITING; i++) {
		if (station->asked[i].call != NULL && station->asked[i].until_us < next_us)
			next_us = station->asked[i].until_us;
		if (station->fetches[i].call != NULL && station->fetches[i].until_us < next_us)
			next_us = station->fetches[i].until_us;
	}
	return next_us;
}
