/* station_poll.c - keeps the lines busy and takes their answers apart. */
#include "concentrator/station_poll.h"

#include <errno.h>
#include <string.h>

#include "concentrator/platform/journal.h"
#include "concentrator/station_event.h"
#include "concentrator/station_figures.h"
#include "concentrator/station_identity.h"
#include "concentrator/station_load.h"
#include "concentrator/station_load_read.h"
#include "concentrator/station_merge.h"
#include "concentrator/station_meter.h"
#include "concentrator/station_mode.h"
#include "concentrator/station_model.h"
#include "concentrator/station_money.h"
#include "concentrator/station_relay.h"
#include "concentrator/station_request.h"
#include "concentrator/station_silence.h"
#include "concentrator/survey.h"
#include "concentrator/verbs_meter.h"
#include "meters/decode.h"

#define RATE_WINDOW_US      INT64_C(10000000)
#define TURNAROUND_GUESS_US INT64_C(20000) /* of a slave not learnt yet, for costs only */

struct wire station_wire(const struct config_line *config)
{
	int parity = config->parity == CONFIG_PARITY_NONE ? 0 : 1;
	return (struct wire){.baud = config->baud, .bits_per_char = 9 + parity + config->stop_bits};
}

static void fill_request(const struct station_device *device, const struct meter_request *from,
			 struct line_request *ret)
{
	*ret = (struct line_request){.slave = device->address,
				     .function = from->function,
				     .address = from->address,
				     .count = from->count};
	if (from->function >= FUNCTION_WRITE_COIL)
		for (size_t i = 0; i < from->count && i < REQUEST_VALUE_MAX; i++)
			ret->values[i] = from->value[i];
}

static int64_t cost_us(const struct station *station, const struct station_device *device,
		       const struct meter_request *request)
{
	struct line_request line_request;
	fill_request(device, request, &line_request);
	struct wire wire = station_wire(station->lines[device->line].config);
	return exchange_limit_us(&wire, &line_request, TURNAROUND_GUESS_US);
}

int64_t station_cost_us(const struct station *station, const struct station_device *device,
			unsigned span, unsigned channel)
{
	struct meter_request request;
	return model_span_request(device->model, span, channel, &request) < 0
		       ? 0
		       : cost_us(station, device, &request);
}

int64_t station_load_cost_us(const struct station *station, const struct station_device *device,
			     unsigned channel)
{
	struct meter_request request;
	return read_load_request(device->model, &device->load, channel, &request) < 0
		       ? 0
		       : cost_us(station, device, &request);
}

static struct station_device *device_of(const struct station *station, size_t line, uint16_t index)
{
	for (size_t i = 0; i < station->device_count; i++) {
		struct station_device *device = station->devices[i];
		if (device->line == line && device->scheduled && device->index == index)
			return device;
	}
	return NULL;
}

static struct station_supply *supply_of_cookie(const struct station *station, uint32_t cookie)
{
	for (size_t i = 0; i < station->supply_count; i++)
		if ((uint32_t)station->supplies[i]->record.id == cookie)
			return station->supplies[i];
	return NULL;
}

/* A scan or a test asks devices of the schedule, too. */
static void note_survey(struct station *station, size_t line, const struct line_request *request)
{
	for (size_t i = 0; i < station->device_count; i++)
		if (station->devices[i]->line == line &&
		    station->devices[i]->address == request->slave)
			station_request_sent(station->devices[i], request);
}

/* The request of the job in the slot, which may become one of another kind. false: it cannot be sent (any more). */
static bool build(struct station *station, size_t line, struct station_job *slot,
		  struct line_request *ret)
{
	const struct schedule_job *job = &slot->job;
	struct station_device *device = device_of(station, line, job->device);
	struct meter_request request;
	if (device == NULL)
		return false;
	slot->model = device->model;
	slot->once = slot->merged = slot->mute = false;
	if (job->span == SCHEDULE_RELAY) {
		struct station_supply *supply = supply_of_cookie(station, job->cookie);
		if (supply == NULL || supply->relay != device)
			return false;
		bool coil = relay_coil(supply->record.normally_closed ? RELAY_NORMALLY_CLOSED
								      : RELAY_NORMALLY_OPEN,
				       job->close ? RELAY_CLOSED : RELAY_OPEN);
		if (model_relay_request(device->model, job->channel, coil, &request) < 0 ||
		    !model_may_write(device->model, &request))
			return false;
	} else if (!station_request_read(station, device, slot, &request)) {
		return false;
	}
	fill_request(device, &request, ret);
	return true;
}

bool station_may_write(const struct station *station, size_t line,
		       const struct line_request *request)
{
	bool single = request->function == FUNCTION_WRITE_COIL ||
		      request->function == FUNCTION_WRITE_REGISTER;
	struct meter_request write = {.function = request->function,
				      .address = request->address,
				      .count = single ? 1 : request->count};
	if (write.count > REQUEST_VALUE_MAX)
		return false;
	for (size_t i = 0; i < write.count; i++)
		write.value[i] = request->values[i];
	for (size_t i = 0; i < station->device_count; i++) {
		const struct station_device *device = station->devices[i];
		if (device->line == line && device->address == request->slave &&
		    station_device_used(station, device))
			return model_may_write(device->model, &write);
	}
	return false;
}

static struct station_job *free_slot(struct station_line *line)
{
	for (size_t i = 0; i < 2; i++)
		if (!line->jobs[i].used)
			return &line->jobs[i];
	return NULL;
}

static struct station_job *slot_of(struct station_line *line, uint64_t tag)
{
	for (size_t i = 0; i < 2; i++)
		if (line->jobs[i].used && line->jobs[i].tag == tag)
			return &line->jobs[i];
	return NULL;
}

/* A job that cannot be carried out ends as one that the line could not send. */
static void abandon(struct station *station, size_t index, const struct schedule_job *job)
{
	struct station_line *line = &station->lines[index];
	(void)schedule_result(&line->schedule, job, -ECANCELED, 0, 0, station->now.us);
	if (job->span == SCHEDULE_RELAY) {
		struct station_supply *supply = supply_of_cookie(station, job->cookie);
		if (supply != NULL)
			station_relay_sent(station, supply, -ECANCELED);
	}
}

/* Takes the job back that the line has ready, to be given out again. */
static void take_back(struct station *station, size_t index)
{
	struct station_line *line = &station->lines[index];
	struct line_job ready;
	if (station->settings.ports.recall(station->settings.userdata, index, &ready) < 0)
		return;
	struct station_job *slot = slot_of(line, ready.tag);
	if (slot == NULL)
		return;
	if (slot->survey)
		survey_put_back(line->survey);
	else
		schedule_put_back(&line->schedule, &slot->job, station->now.us);
	slot->used = false;
}

/* Gives the slot to the line's scan or test, where it is its turn. */
static bool feed_survey(struct station *station, size_t index, struct station_job *slot, bool idle)
{
	struct station_line *line = &station->lines[index];
	struct line_job out = {0};
	/* Its requests are reads by construction; the last door is held shut all the same (B3). */
	if (line->survey == NULL || !survey_next(line->survey, idle, station->now.us, &out) ||
	    !frame_is_read(&out.request))
		return false;
	out.tag = ++line->next_tag;
	if (station->settings.ports.submit(station->settings.userdata, index, &out) < 0) {
		survey_put_back(line->survey);
		return false;
	}
	*slot = (struct station_job){
		.used = true, .tag = out.tag, .survey = true, .request = out.request};
	note_survey(station, index, &out.request);
	return true;
}

bool station_command_withdraw(struct station *station, const struct station_supply *supply)
{
	size_t index = supply->relay->line;
	struct station_line *line = &station->lines[index];
	for (size_t i = 0; i < 2; i++)
		if (line->jobs[i].used && line->jobs[i].job.span == SCHEDULE_RELAY &&
		    line->jobs[i].job.cookie == (uint32_t)supply->record.id)
			take_back(station, index);
	return schedule_withdraw(&line->schedule, supply->relay->index,
				 (uint16_t)supply->record.relay.channel);
}

void station_commands_review(struct station *station)
{
	for (size_t i = 0; i < station->line_count; i++) {
		struct station_line *line = &station->lines[i];
		for (size_t n = 0; n < 2; n++) {
			const struct schedule_job *job = &line->jobs[n].job;
			if (!line->jobs[n].used || line->jobs[n].survey ||
			    job->span != SCHEDULE_RELAY)
				continue;
			const struct station_supply *supply = supply_of_cookie(station,
									       job->cookie);
			/* Given out again it is looked at anew, and abandoned. */
			if (supply == NULL || supply->relay != device_of(station, i, job->device))
				take_back(station, i);
		}
	}
}

void station_feed(struct station *station, size_t index)
{
	struct station_line *line = &station->lines[index];
	if (line->state != LINE_OK)
		return;

	/* B3: a relay command overtakes the read that is ready but not sent. */
	if (schedule_relay_waits(&line->schedule, station->now.us))
		take_back(station, index);

	if (line->survey != NULL &&
	    survey_pauses(line->survey, line->jobs[0].used || line->jobs[1].used,
			  schedule_relay_waits(&line->schedule, station->now.us), station->now.us,
			  &line->wait_us))
		return;

	struct station_job *slot;
	while ((slot = free_slot(line)) != NULL) {
		struct schedule_job job;
		struct line_job out = {0};
		if (!schedule_relay_waits(&line->schedule, station->now.us) &&
		    !schedule_boundary_runs(&line->schedule, station->now.us) &&
		    feed_survey(station, index, slot, false))
			continue;
		if (!schedule_next(&line->schedule, station->now.us, &job, &line->wait_us)) {
			if (feed_survey(station, index, slot, true))
				continue;
			return;
		}
		line->wait_us = station->now.us;
		slot->job = job;
		if (!build(station, index, slot, &out.request)) {
			abandon(station, index, &slot->job);
			continue;
		}
		out.tag = ++line->next_tag;
		out.turnaround_us = schedule_turnaround_us(&line->schedule, slot->job.device);
		int r = station->settings.ports.submit(station->settings.userdata, index, &out);
		if (r == -EPERM) {
			abandon(station, index, &slot->job);
			continue;
		}
		if (r < 0) {
			schedule_put_back(&line->schedule, &slot->job, station->now.us);
			line->wait_us = station->now.us + 100000;
			return;
		}
		slot->used = true;
		slot->survey = false;
		slot->tag = out.tag;
		slot->request = out.request;
	}
}

/* Does this channel's value come with that request? */
static bool covered(const struct model *model, unsigned span, unsigned channel,
		    const struct line_request *request)
{
	struct meter_request own;
	return model_span_request(model, span, channel, &own) == 0 &&
	       own.address == request->address;
}

/* Was this answer the one that holds the register's witness, apart from the register? */
static void note_witness(struct station_supply *supply, unsigned span, int error, int64_t at_us)
{
	const struct model *model = supply->meter->model;
	int energy = model_span_of(model, MODEL_ROLE_ENERGY, 0);
	if (energy < 0 || span == (unsigned)energy || model->spans[energy].witness != (int)span)
		return;
	supply->witness_bad = error == -ERANGE;
	if (error == 0)
		supply->witness_us = at_us;
}

static void spread(struct station *station, struct station_device *device,
		   const struct station_job *slot, const struct line_result *result)
{
	if (slot->job.span == SCHEDULE_LOAD && !slot->once) {
		station_load_read_spread(station, device, slot, result);
		return;
	}
	/* Until it is known which meter answers, its register moves no money. */
	bool energy = slot->job.span == SCHEDULE_ENERGY && !slot->once &&
		      !device->identity.pending && !station_model_doubted(device);
	for (size_t i = 0; i < station->supply_count; i++) {
		struct station_supply *supply = station->supplies[i];
		struct reading reading = {.at_us = result->done_us};
		unsigned channel = (unsigned)supply->record.point.channel;
		if (supply->meter == device && slot->job.span != SCHEDULE_POSITION &&
		    covered(device->model, slot->span, channel, &slot->request)) {
			const char *culprit = NULL;
			int r = meter_decode_scaled(device->model, slot->span, channel,
						    result->values, result->count, &supply->ratios,
						    &reading, &culprit);
			note_witness(supply, slot->span, r, result->done_us);
			if (r == -ERANGE)
				station_implausible(station, supply, culprit);
			else if (r == 0)
				station_reading(station, supply, &reading, energy);
		}
		channel = (unsigned)supply->record.relay.channel;
		if (supply->relay == device &&
		    (int)slot->span == model_relay_readback_span(device->model) &&
		    covered(device->model, slot->span, channel, &slot->request)) {
			reading = (struct reading){.at_us = result->done_us};
			if (meter_decode(device->model, slot->span, channel, result->values,
					 result->count, &reading) == 0 &&
			    reading_has(&reading, QUANTITY_RELAY_CLOSED))
				station_relay_read(station, supply,
						   reading.value[QUANTITY_RELAY_CLOSED] != 0,
						   reading.at_us);
		}
	}
}

static bool speaks_of_modes(const struct station_job *slot)
{
	enum model_role role = slot->model->spans[slot->span].role;
	return slot->once && (role == MODEL_ROLE_MODE || role == MODEL_ROLE_SAFE);
}

/* The rooms that hang on a device, for people. */
static void device_rooms(const struct station *station, const struct station_device *device,
			 char *ret, size_t size)
{
	size_t used = 0;
	ret[0] = '\0';
	for (size_t i = 0; i < station->supply_count; i++) {
		const struct station_supply *supply = station->supplies[i];
		if (supply->meter != device && supply->relay != device)
			continue;
		const char *name = supply->room->record.name;
		if (used + strlen(name) + sizeof("room , ...") > size) {
			snprintf(ret + used, size - used, ", ...");
			return;
		}
		used += (size_t)snprintf(ret + used, size - used, "%s%s",
					 used == 0 ? "room " : ", ", name);
	}
}

static void announce(struct station *station, size_t index, struct station_device *device,
		     uint32_t events, int error)
{
	struct station_line *line = &station->lines[index];
	char subject[ALARM_SUBJECT_MAX + 1], rooms[80];
	if (events & (SCHEDULE_EVENT_FAULT | SCHEDULE_EVENT_FAULT_OVER))
		station_silence(station);
	if (device == NULL || !station_device_used(station, device))
		return;
	device_rooms(station, device, rooms, sizeof(rooms));
	station_device_subject(station, device, subject);
	if ((events & SCHEDULE_EVENT_SILENT) && schedule_alarms(&line->schedule, device->index))
		station_alarm(station, ALARM_METER_SILENT, subject,
			      "%s: silent after %d polls (%s); supply held", rooms,
			      SCHEDULE_SILENT_POLLS, error == -ETIMEDOUT ? "no answer" : "garbled");
	if (events & SCHEDULE_EVENT_REVIVED) {
		station_alarm_clear(station, ALARM_METER_SILENT, subject);
		station_alarm_clear(station, ALARM_METER_DEAD, subject);
	}
}

static void measure(struct station *station, struct station_line *line,
		    const struct station_job *slot, const struct line_result *result)
{
	struct wire wire = station_wire(line->config);
	if (result->error == 0 || result->error == -EREMOTEIO)
		line->limit_us += exchange_limit_us(
			&wire, &slot->request,
			result->turnaround_us > 0 ? result->turnaround_us : 0);
	int64_t window = station->now.us - line->measured_us;
	if (window < RATE_WINDOW_US)
		return;
	line->polls_per_s_milli = (line->schedule.polls - line->measured_polls) * 1000000000 /
				  window;
	line->share_ppm = line->limit_us * 1000000 / window;
	line->measured_us = station->now.us;
	line->measured_polls = line->schedule.polls;
	line->limit_us = 0;
}

static const struct meter_ratios *ratios_of(const struct station *station,
					    const struct station_device *device, unsigned channel)
{
	for (size_t i = 0; i < station->supply_count; i++)
		if (station->supplies[i]->meter == device &&
		    (unsigned)station->supplies[i]->record.point.channel == channel)
			return &station->supplies[i]->ratios;
	return NULL;
}

/* meter.read: this answer may be what a caller waits for. */
static void answer_readers(struct station *station, struct station_device *device,
			   const struct station_job *slot, const struct line_result *result)
{
	for (size_t i = 0; i < STATION_CALLS_WAITING; i++) {
		struct station_read *read = &station->asked[i];
		if (read->call == NULL || read->device != device || slot->once ||
		    slot->job.span == SCHEDULE_RELAY || !(read->wanted & (1U << slot->job.span)))
			continue;
		read->error = result->error;
		if (result->error == 0) {
			/* Its channels take turns: asked again until it is this one's. */
			if (!covered(device->model, slot->span, read->channel, &slot->request)) {
				schedule_ask(&station->lines[device->line].schedule, device->index,
					     slot->job.span);
				continue;
			}
			read->result = *result;
			if (meter_decode_scaled(device->model, slot->span, read->channel,
						result->values, result->count,
						ratios_of(station, device, read->channel),
						&read->reading, NULL) == -ERANGE)
				read->error = -ERANGE;
			read->wanted = (uint8_t)(read->wanted & ~(1U << slot->job.span));
		} else if (result->error != -EBUSY) {
			read->wanted = 0;
		}
		if (read->wanted == 0)
			station_read_done(station, read);
	}
}

static bool was_asked(const struct line_result *result)
{
	return result->sent_us != 0 && result->error != -ENODEV;
}

void station_result(struct station *station, size_t index, const struct line_result *result,
		    const struct instant *now)
{
	station->now = *now;
	struct station_line *line = &station->lines[index];
	struct station_job *found = slot_of(line, result->tag);
	if (found == NULL)
		return;
	struct station_job slot = *found;
	found->used = false;
	if (slot.survey) {
		note_survey(station, index, &slot.request);
		/* Addresses where nobody is say nothing of how well the line goes. */
		tally_stray(&line->tally, result->stray, now->us);
		survey_end(line->survey, result, now->us);
		station_feed(station, index);
		return;
	}
	if (line->survey != NULL && result->sent_us != 0)
		survey_metered(line->survey, result->done_us - result->sent_us);

	struct station_device *device = device_of(station, index, slot.job.device);
	if (result->sent_us == 0 && result->error == -EBUSY) {
		/* That slave failed last: another one first (T1b). */
		schedule_put_back(&line->schedule, &slot.job, now->us);
		station_feed(station, index);
		return;
	}
	if (device != NULL && result->sent_us != 0)
		station_request_sent(device, &slot.request);
	bool was_away = device != NULL &&
			schedule_state(&line->schedule, device->index, now->us) != SCHEDULE_ALIVE;
	uint32_t events = schedule_result(
		&line->schedule, &slot.job, result->error,
		result->sent_us == 0 ? 0 : result->done_us - result->sent_us,
		result->turnaround_us > 0 ? result->turnaround_us : 0, now->us);
	/* A meter is exchanged with the power off: which one is it now? */
	if (was_away && (events & SCHEDULE_EVENT_REVIVED)) {
		station_identity_forget(station, device);
		station_load_read_again(station, device);
	}
	if (device != NULL && device->model == slot.model && !slot.mute)
		station_load_read_ended(station, device, &slot, result->error);
	if ((slot.once || slot.mute) && device != NULL && device->model == slot.model)
		schedule_ask(&line->schedule, device->index, slot.job.span);
	/* The wire first: the next job leaves before this answer is thought about, unless it is one that
	 * may ask for a command. */
	station_feed(station, index);
	measure(station, line, &slot, result);
	station_count(station, index, device, result);
	if (result->error == 0)
		station->polls++;
	announce(station, index, device, events, result->error);
	/* Another meter has taken its place since it was asked: not this one's answer. */
	if (device == NULL || device->model != slot.model)
		return;
	if (slot.mute) {
		station_feed(station, index);
		return;
	}

	struct station_job part;
	struct line_result answer;
	bool both = station_merge_result(station, device, &slot, result->error);
	if (both) {
		station_merge_part(&slot, result, slot.other, &part, &answer);
		answer_readers(station, device, &part, &answer);
		station_model_result(station, device, &part, 0, 0);
		spread(station, device, &part, &answer);
	}
	station_merge_part(&slot, result, slot.job.span, &part, &answer);
	answer_readers(station, device, &part, &answer);
	/* A refusal to read over a hole, or a part, says nothing of the model. */
	bool whole = !slot.merged && (slot.job.span != SCHEDULE_LOAD || slot.once);
	if (whole || both)
		station_model_result(station, device, &part, result->error, result->exception);
	if (slot.job.span == SCHEDULE_RELAY) {
		struct station_supply *supply = supply_of_cookie(station, slot.job.cookie);
		if (result->error == -EREMOTEIO && supply != NULL) {
			char subject[ALARM_SUBJECT_MAX + 1];
			station_subject(supply, subject);
			station_alarm(station, ALARM_RELAY_REFUSED, subject,
				      "the device refused the command (exception %u)",
				      result->exception);
		}
		if (supply != NULL)
			station_relay_sent(station, supply, result->error);
	} else if (result->error == 0 && speaks_of_modes(&slot)) {
		station_mode_read(station, device, slot.span, &slot.request, result);
	} else if (result->error == 0) {
		spread(station, device, &part, &answer);
	}
	/* All at the boundary have been read: settled before any is read again. */
	if (slot.job.boundary && !station->store_failing &&
	    !schedule_boundary_runs(&line->schedule, station->now.us))
		station_settle_due(station);
	if (slot.once && was_asked(result))
		station_identity_result(station, device, slot.span, slot.channel, result->error);
	station_feed(station, index);
}

void station_line_state(struct station *station, size_t index, enum line_state state, int error,
			const struct instant *now)
{
	station->now = *now;
	struct station_line *line = &station->lines[index];
	if (line->state == state && line->state_error == error)
		return;
	line->state = state;
	line->state_error = error;
	if (state != LINE_OK && line->survey != NULL)
		survey_fail(line->survey, "the adapter of the line went away", now->us);
	if (state == LINE_OK) {
		for (size_t i = 0; i < station->device_count; i++)
			if (station->devices[i]->line == index)
				station_identity_forget(station, station->devices[i]);
		station_alarm_clear(station, ALARM_ADAPTER_ABSENT, line->config->name);
		station_feed(station, index);
		return;
	}
	station_alarm(station, ALARM_ADAPTER_ABSENT, line->config->name,
		      "%s: %s; metering goes on when it is back", line->config->port,
		      state == LINE_LOCKED  ? "another program holds the port"
		      : state == LINE_FAULT ? strerror(-error)
					    : "the adapter is not there");
}
