/* station_mode.c - what switches a supply beside us.
 *
 * A meter in prepaid mode of its own trips and closes by its own balance; a board may have a safe state
 * that it takes when the line falls silent, or when its power comes back. Both are read with what a
 * device is (station_identity.c), and both are told: whoever switches beside us takes a decision that is
 * ours. Where a command of ours overrides the meter, relay_plan.h gives it. A mode of no known meaning is
 * told too: nothing proves that such a meter leaves the decision to us.
 *
 * S5 (part)  What a device says of its mode closes nothing that is open.
 */
#include "concentrator/station_mode.h"

#include "concentrator/station_event.h"
#include "concentrator/station_relay.h"
#include "meters/decode.h"

/* A meter that can be taken over is given this long before people are told. */
#define TAKE_OVER_US INT64_C(30000000)

static enum station_says says(const struct reading *reading, enum quantity quantity)
{
	if (!reading_has(reading, quantity))
		return SAYS_NOTHING;
	return reading->value[quantity] != 0 ? SAYS_YES : SAYS_NO;
}

static void keep(enum station_says *says_now, const struct reading *reading, enum quantity quantity)
{
	enum station_says now = says(reading, quantity);
	if (now != SAYS_NOTHING)
		*says_now = now;
}

/* Has the answer to this span the mode in it? */
static bool holds_mode(const struct model *model, unsigned span)
{
	for (unsigned i = 0; i < model->rows_count; i++)
		if (model->rows[i].span == span && model->rows[i].quantity == QUANTITY_OWN_PREPAID)
			return true;
	return false;
}

static void take(struct station_supply *supply, const struct reading *reading, bool has_mode,
		 bool of_relay)
{
	struct station_mode *mode = &supply->mode;
	enum station_says own = says(reading, QUANTITY_OWN_PREPAID);
	if (own == SAYS_NOTHING && has_mode)
		own = SAYS_OTHER;
	keep(&mode->loss, reading, QUANTITY_LINK_LOSS_MOVES);
	keep(&mode->safe, reading, QUANTITY_SAFE_CLOSED);
	keep(&mode->power_on, reading, QUANTITY_POWER_ON_MOVES);
	if (own == SAYS_NOTHING)
		return;
	if (own == SAYS_YES && mode->own != SAYS_YES)
		mode->own_us = reading->at_us;
	mode->own = own;
	mode->of_relay = of_relay;
	supply->seen.own_us = of_relay && own == SAYS_YES ? mode->own_us : 0;
}

void station_mode_read(struct station *station, struct station_device *device, unsigned span,
		       const struct line_request *request, const struct line_result *result)
{
	for (size_t i = 0; i < station->supply_count; i++) {
		struct station_supply *supply = station->supplies[i];
		struct reading reading = {.at_us = result->done_us};
		struct meter_request own;
		bool of_relay = supply->relay == device;
		unsigned channel = (unsigned)(of_relay ? supply->record.relay.channel
						       : supply->record.point.channel);
		if ((!of_relay && supply->meter != device) ||
		    model_span_request(device->model, span, channel, &own) < 0 ||
		    own.address != request->address ||
		    meter_decode(device->model, span, channel, result->values, result->count,
				 &reading) < 0)
			continue;
		take(supply, &reading, holds_mode(device->model, span), of_relay);
		station_relay_review(station, supply);
	}
}

void station_mode_forget(struct station *station, const struct station_device *device)
{
	for (size_t i = 0; i < station->supply_count; i++) {
		struct station_supply *supply = station->supplies[i];
		struct station_mode *mode = &supply->mode;
		if (supply->relay == device)
			mode->loss = mode->safe = mode->power_on = SAYS_NOTHING;
		if (mode->own == SAYS_NOTHING ||
		    (mode->of_relay ? supply->relay : supply->meter) != device)
			continue;
		mode->own = SAYS_NOTHING;
		supply->seen.own_us = 0;
	}
}

/* What stands about a meter of its own logic. */
enum own_alarm { OWN_UNTOLD, OWN_NONE, OWN_METER, OWN_RELAY, OWN_OTHER };

static enum own_alarm own_alarm(const struct station *station, const struct station_supply *supply)
{
	const struct station_mode *mode = &supply->mode;
	if (mode->own == SAYS_NOTHING)
		return (enum own_alarm)mode->told_own;
	if (mode->own == SAYS_NO)
		return OWN_NONE;
	if (mode->own == SAYS_OTHER)
		return OWN_OTHER;
	if (!mode->of_relay)
		return OWN_METER;
	if (!relay_plan_own(&supply->relay_state, &supply->seen))
		return OWN_NONE;
	return station->now.us - mode->own_us >= TAKE_OVER_US ? OWN_RELAY
							      : (enum own_alarm)mode->told_own;
}

/* Called often, acts on a change. What is not known now leaves the alarm as it was. */
static void review_own(struct station *station, struct station_supply *supply)
{
	char subject[ALARM_SUBJECT_MAX + 1];
	enum own_alarm wanted = own_alarm(station, supply);
	if (wanted == supply->mode.told_own)
		return;
	supply->mode.told_own = (uint8_t)wanted;
	station_subject(supply, subject);
	switch (wanted) {
	case OWN_UNTOLD:
		break;
	case OWN_NONE:
		station_alarm_clear(station, ALARM_OWN_LOGIC, subject);
		break;
	case OWN_METER:
		station_alarm(
			station, ALARM_OWN_LOGIC, subject,
			"prepaid mode: the meter switches by itself; set it to metering mode");
		break;
	case OWN_RELAY:
		station_alarm(station, ALARM_OWN_LOGIC, subject,
			      "prepaid mode: the meter switches by itself, its relay is not relied "
			      "on; `prepay relay %s/%s on` takes it over",
			      supply->room->record.name, supply->record.circuit);
		break;
	case OWN_OTHER:
		station_alarm(station, ALARM_OWN_LOGIC, subject,
			      "unknown mode: the meter may switch by itself; set it to metering "
			      "mode");
		break;
	}
}

/* Where a silent line brings the supply; "moves" where the device does not say. */
static const char *safe_word(const struct station_supply *supply)
{
	enum relay_contact contact = supply->record.normally_closed ? RELAY_NORMALLY_CLOSED
								    : RELAY_NORMALLY_OPEN;
	if (supply->mode.safe == SAYS_NOTHING)
		return "moves";
	return relay_supply_position(contact, supply->mode.safe == SAYS_YES) == RELAY_CLOSED
		       ? "closes"
		       : "opens";
}

static void review_safe(struct station *station, struct station_supply *supply)
{
	char subject[ALARM_SUBJECT_MAX + 1];
	struct station_mode *mode = &supply->mode;
	bool loss = mode->loss == SAYS_YES, power_on = mode->power_on == SAYS_YES;
	uint8_t wanted = (uint8_t)(1 + mode->loss * 9 + mode->safe * 3 + mode->power_on);
	/* Told when all of it is read, not by and by. */
	if ((mode->loss == SAYS_NOTHING && mode->power_on == SAYS_NOTHING) ||
	    wanted == mode->told_safe || supply->relay == NULL || supply->relay->identity.pending)
		return;
	mode->told_safe = wanted;
	station_subject(supply, subject);
	if (loss || power_on)
		station_alarm(station, ALARM_SAFE_STATE, subject,
			      "the board %s%s%s%s: set it to keep its relays as they are",
			      loss ? safe_word(supply) : "",
			      loss ? " this supply when the line falls silent" : "",
			      loss && power_on ? ", and " : "",
			      power_on ? "may move it when its power comes back" : "");
	else
		station_alarm_clear(station, ALARM_SAFE_STATE, subject);
}

void station_mode_review(struct station *station, struct station_supply *supply)
{
	review_own(station, supply);
	review_safe(station, supply);
}
