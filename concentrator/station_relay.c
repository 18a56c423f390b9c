/* station_relay.c - from the layers' wishes to a command on the wire and back.
 *
 * The order is fixed: the intent is committed, then the command is queued. A daemon killed in between
 * finds a relay that it may have opened itself, and never takes its own cut for a stranger's (S5).
 */
#include "concentrator/station_relay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/ledger_supply.h"
#include "concentrator/platform/journal.h"
#include "concentrator/station_event.h"
#include "concentrator/station_mode.h"
#include "concentrator/station_poll.h"

static int keep_relay(struct station *station, const struct station_supply *supply)
{
	const struct ledger_relay record = {
		.supply_id = supply->record.id,
		.commanded = (int32_t)supply->relay_state.commanded,
		.layer = (int32_t)supply->verdict.layer,
		.at_s = station->now.s,
		.trusted = station->now.trusted,
		.armed = supply->relay_state.armed,
		.proven = supply->relay_state.proven,
	};
	return ledger_relay_set(station->ledger, &record);
}

static int relay_event(struct station *station, const struct station_supply *supply)
{
	json_t *cause = supply->cause[0] != '\0' ? json_string(supply->cause) : json_null();
	return station_event(station, 0, "relay",
			     json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "room",
				       supply->room->record.name, "circuit", supply->record.circuit,
				       "position",
				       relay_position_name(relay_believed(&supply->relay_state)),
				       "verified", relay_verify_name(supply->relay_state.verify),
				       "reason", layer_name(supply->verdict.layer), "mRID", cause));
}

/* For people: a valve that is open lets the water run, where an open relay cuts. */
static const char *position_word(const struct station_supply *supply, enum relay_position position)
{
	if (supply->medium != MEDIUM_WATER || position == RELAY_UNKNOWN)
		return relay_position_name(position);
	return position == RELAY_OPEN ? "shut" : "open";
}

static void announce(struct station *station, struct station_supply *supply, uint32_t events)
{
	const char *room = supply->room->record.name, *circuit = supply->record.circuit;
	bool water = supply->medium == MEDIUM_WATER;
	char subject[ALARM_SUBJECT_MAX + 1];
	station_subject(supply, subject);
	if (events & RELAY_EVENT_VERIFIED)
		journal_log(LOG_NOTICE, MESSAGE_ID_RELAY_VERIFIED, JOURNAL_FIELDS({"ROOM", room}),
			    "room %s: %s is %s (%s)", room, circuit,
			    position_word(supply, relay_believed(&supply->relay_state)),
			    relay_verify_text(supply->relay_state.verify));
	if (events & RELAY_EVENT_WRONG)
		station_alarm(station, ALARM_RELAY_WRONG, subject,
			      "does not obey: commanded %s, found %s; commanded %u times",
			      position_word(supply, supply->relay_state.commanded),
			      position_word(supply, supply->seen.position),
			      (unsigned)supply->relay_state.tries);
	if (events & RELAY_EVENT_WRONG_OVER)
		station_alarm_clear(station, ALARM_RELAY_WRONG, subject);
	if (events & RELAY_EVENT_ARMED)
		station_alarm(
			station, ALARM_ARMED_FOR_CONNECT, subject,
			"found %s, not by our command; look, then `prepay relay %s/%s connect`",
			position_word(supply, RELAY_OPEN), room, circuit);
	if (events & RELAY_EVENT_ARMED_OVER)
		station_alarm_clear(station, ALARM_ARMED_FOR_CONNECT, subject);
	if (events & RELAY_EVENT_FOUND_CLOSED)
		station_alarm(station, ALARM_RELAY_FOUND_CLOSED, subject,
			      "found %s, not by our command; %s again",
			      position_word(supply, RELAY_CLOSED), water ? "shut" : "opened");
	if (events & RELAY_EVENT_THROUGH_OPEN)
		station_alarm(station, ALARM_ENERGY_THROUGH_OPEN, subject, "%s; it is charged",
			      water ? "water flows through the shut valve: stuck or bypassed"
				    : "energy flows through the open relay: welded or bypassed");
	if (events & RELAY_EVENT_THROUGH_OPEN_OVER)
		station_alarm_clear(station, ALARM_ENERGY_THROUGH_OPEN, subject);
	if (events & RELAY_EVENT_LEFT_TO_BREAKER)
		station_alarm(station, ALARM_LEFT_TO_BREAKER, subject,
			      "the current is above what the relay may break; left to the breaker");
	if (events & RELAY_EVENT_UNPROVEN)
		station_alarm(station, ALARM_RELAY_UNPROVEN, subject,
			      "nothing tells whether the command worked: no read-back and no load");
	if (events & (RELAY_EVENT_VERIFIED | RELAY_EVENT_WRONG))
		station_alarm_clear(station, ALARM_RELAY_UNPROVEN, subject);
	if (events & RELAY_EVENT_VERIFIED)
		station_alarm_clear(station, ALARM_RELAY_REFUSED, subject);
	if (events & RELAY_EVENT_VERIFIED && relay_believed(&supply->relay_state) == RELAY_OPEN)
		station_alarm_clear(station, ALARM_RELAY_FOUND_CLOSED, subject);
}

static void command(struct station *station, struct station_supply *supply,
		    enum relay_command command)
{
	struct station_device *device = supply->relay;
	struct schedule *schedule = &station->lines[device->line].schedule;
	bool close = command == RELAY_COMMAND_CLOSE, replaced;
	const char *word = supply->medium == MEDIUM_WATER ? (close ? "open" : "shut")
							  : (close ? "close" : "open");
	uint32_t cookie;
	journal_log(LOG_NOTICE, MESSAGE_ID_RELAY_COMMANDED,
		    JOURNAL_FIELDS({"ROOM", supply->room->record.name}),
		    "room %s: %s: %s commanded (%s)", supply->room->record.name,
		    supply->record.circuit, word, layer_name(supply->verdict.layer));
	int r = schedule_command(schedule, device->index, (uint16_t)supply->record.relay.channel,
				 close, (uint32_t)supply->record.id, station->now.us, &replaced,
				 &cookie);
	if (r < 0)
		relay_plan_sent(&supply->relay_state, r, station->now.us);
	else
		station->lines[device->line].wait_us = station->now.us;
}

/* S3: a command that waits, for a line that is absent or for its turn, must not be carried out when it is
 * no longer wished. */
static void withdraw(struct station *station, struct station_supply *supply)
{
	enum supply_wish wish = supply->verdict.wish;
	struct relay_state *state = &supply->relay_state;
	if (!state->in_flight || (wish != SUPPLY_ON && wish != SUPPLY_OFF) ||
	    state->commanded == (wish == SUPPLY_ON ? RELAY_CLOSED : RELAY_OPEN))
		return;
	if (station_command_withdraw(station, supply))
		relay_plan_sent(state, -ECANCELED, station->now.us);
}

static void ask_load(struct station *station, const struct station_supply *supply)
{
	if (supply->meter == NULL || !supply->meter->scheduled)
		return;
	struct schedule *schedule = &station->lines[supply->meter->line].schedule;
	schedule_ask(schedule, supply->meter->index, SCHEDULE_ENERGY);
	schedule_ask(schedule, supply->meter->index, SCHEDULE_INSTANT);
}

/* Without read-back the load is all that proves a command: it is read when the relay has settled, not
 * when its turn comes. So it is where it has to show that a take-over moves nothing. */
static void look_for_load(struct station *station, const struct station_supply *supply)
{
	const struct relay_state *state = &supply->relay_state;
	int64_t from_us = state->commanded_us + RELAY_SETTLE_US;
	bool own = relay_plan_own(state, &supply->seen) &&
		   station->now.us - supply->seen.own_us < RELAY_PROOF_US;
	bool proof = state->verify == RELAY_VERIFY_PENDING && !state->in_flight &&
		     !supply->traits.reads_back && state->commanded_us > 0 &&
		     station->now.us >= from_us && supply->seen.load_us < from_us;
	if (own || proof)
		ask_load(station, supply);
}

void station_relay_review(struct station *station, struct station_supply *supply)
{
	supply->verdict = supply_combine(&supply->layers);
	station_mode_review(station, supply);
	if (supply->relay == NULL || station->store_failing)
		return;
	withdraw(station, supply);
	const struct relay_state before = supply->relay_state;
	struct relay_decision decision = relay_plan(&supply->relay_state, &supply->traits,
						    &supply->verdict, &supply->seen,
						    station->now.us);
	const uint32_t results = RELAY_EVENT_VERIFIED | RELAY_EVENT_WRONG | RELAY_EVENT_UNPROVEN |
				 RELAY_EVENT_ARMED | RELAY_EVENT_FOUND_CLOSED;
	if (decision.command != RELAY_COMMAND_NONE || decision.keep ||
	    (decision.events & results)) {
		int r = station_begin(station);
		if (r == 0) {
			r = keep_relay(station, supply);
			if (r == 0 && (decision.events & results))
				r = relay_event(station, supply);
			if (r < 0)
				station_rollback(station);
			else
				r = station_commit(station);
		}
		if (r < 0) {
			supply->relay_state = before;
			return;
		}
	}
	if (decision.events != 0)
		announce(station, supply, decision.events);
	if (decision.events & RELAY_EVENT_VERIFIED)
		supply->cause[0] = '\0';
	if (decision.command != RELAY_COMMAND_NONE)
		command(station, supply, decision.command);
	look_for_load(station, supply);
}

void station_relay_sent(struct station *station, struct station_supply *supply, int error)
{
	relay_plan_sent(&supply->relay_state, error, station->now.us);
	if (error == 0) {
		/* S4: believed only when read back, and by the load behind it. */
		if (supply->traits.reads_back)
			schedule_ask(&station->lines[supply->relay->line].schedule,
				     supply->relay->index, SCHEDULE_POSITION);
		ask_load(station, supply);
		if (supply->meter != NULL && supply->meter->scheduled)
			schedule_settle(&station->lines[supply->meter->line].schedule,
					supply->meter->index, station->now.us);
	}
	station_relay_review(station, supply);
}

void station_relay_read(struct station *station, struct station_supply *supply, bool coil,
			int64_t at_us)
{
	enum relay_contact contact = supply->record.normally_closed ? RELAY_NORMALLY_CLOSED
								    : RELAY_NORMALLY_OPEN;
	supply->seen.position = relay_supply_position(contact, coil);
	supply->seen.position_us = at_us;
	station_relay_review(station, supply);
	/* Not half a minute later: until it is known after a start, no cut is commanded. */
	if (relay_plan_doubts(&supply->relay_state))
		schedule_ask(&station->lines[supply->relay->line].schedule, supply->relay->index,
			     SCHEDULE_POSITION);
}

int station_relay_connect(struct station *station, struct station_supply *supply)
{
	const struct relay_state before = supply->relay_state;
	if (!relay_plan_confirm(&supply->relay_state))
		return 0;
	int r = station->store_failing ? -EIO : station_begin(station);
	if (r == 0) {
		r = keep_relay(station, supply);
		if (r < 0)
			station_rollback(station);
		else
			r = station_commit(station);
	}
	if (r < 0) {
		supply->relay_state = before;
		return r;
	}
	char subject[ALARM_SUBJECT_MAX + 1];
	station_subject(supply, subject);
	station_alarm_clear(station, ALARM_ARMED_FOR_CONNECT, subject);
	return 1;
}

/* The room is as connected as its least connected circuit that money may cut. */
enum service_status station_service(const struct station_room *room)
{
	enum service_status status = SERVICE_NO_CONTACTOR;
	for (size_t i = 0; i < room->supply_count; i++) {
		const struct station_supply *supply = room->supplies[i];
		if (!supply->traits.has_relay)
			continue;
		enum service_status own = relay_service_status(&supply->relay_state,
							       &supply->traits, &supply->verdict);
		if (status == SERVICE_NO_CONTACTOR || own == SERVICE_DISCONNECTED ||
		    (own == SERVICE_ARMED_FOR_CONNECT && status != SERVICE_DISCONNECTED) ||
		    status == SERVICE_CONNECTED)
			status = own;
	}
	return status;
}
