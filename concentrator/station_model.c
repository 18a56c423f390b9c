/* station_model.c - is what answers at an address the model that it was commissioned as?
 *
 * Models of one maker differ by where their registers lie, and a register of one is something else in
 * another: a current, a voltage, the energy of one phase. A device that refuses a read which its model
 * answers is told; so is a meter from which no register comes though it answers.
 *
 * M6  While a device refuses a read of its model no register of it moves money: it may be something else.
 *     What is read seldom (a serial number) is told alone; a meter may well lack it.
 */
#include "concentrator/station_model.h"

#include <errno.h>

#include "concentrator/station_event.h"

#define REFUSALS 3 /* of one read in a row */

/* Modbus Application Protocol V1.1b3, 7: of these three the device has no such function or register.
 * The others say that it cannot now. */
#define ILLEGAL_VALUE 3

static struct station_reads *reads_of(struct station_device *device, const struct station_job *slot)
{
	if (slot->once)
		return &device->once;
	return slot->job.span < SCHEDULE_READS ? &device->reads[slot->job.span] : NULL;
}

static bool refuses(const struct station_reads *reads)
{
	for (size_t i = 0; i < reads->count; i++)
		if (reads->at[i].refused >= REFUSALS)
			return true;
	return false;
}

static bool refuses_any(const struct station_device *device)
{
	bool any = refuses(&device->once);
	for (int kind = 0; kind < SCHEDULE_READS; kind++)
		any = any || refuses(&device->reads[kind]);
	return any;
}

static void tell(struct station *station, const struct station_device *device,
		 const struct station_job *slot)
{
	char subject[ALARM_SUBJECT_MAX + 1];
	station_device_subject(station, device, subject);
	station_alarm(station, ALARM_METER_MODEL, subject,
		      "refuses what a %s answers (%s, function %u, register 0x%04X): is it one?",
		      device->model->name, device->model->spans[slot->span].name,
		      (unsigned)slot->request.function, (unsigned)slot->request.address);
}

void station_model_result(struct station *station, struct station_device *device,
			  const struct station_job *slot, int error, uint8_t exception)
{
	struct station_reads *reads = reads_of(device, slot);
	if (reads == NULL || (error != 0 && (error != -EREMOTEIO || exception > ILLEGAL_VALUE)))
		return;
	for (size_t i = 0; i < reads->count; i++) {
		if (reads->at[i].span != slot->span || reads->at[i].channel != slot->channel)
			continue;
		bool refused = reads->at[i].refused >= REFUSALS;
		if (error == 0)
			reads->at[i].refused = 0;
		else if (!refused)
			reads->at[i].refused++;
		if (reads->at[i].refused >= REFUSALS && !refused) {
			tell(station, device, slot);
		} else if (refused && error == 0 && !refuses_any(device)) {
			char subject[ALARM_SUBJECT_MAX + 1];
			station_device_subject(station, device, subject);
			station_alarm_clear(station, ALARM_METER_MODEL, subject);
		}
		return;
	}
}

bool station_model_doubted(const struct station_device *device)
{
	for (int kind = 0; kind < SCHEDULE_READS; kind++)
		for (size_t i = 0; i < device->reads[kind].count; i++)
			if (device->reads[kind].at[i].refused > 0)
				return true;
	return false;
}

/* A reading that is set aside, a silent meter, a silent line and a refusal have alarms of their own. */
static bool lacks_register(const struct station *station, const struct station_supply *supply)
{
	const struct station_device *device = supply->meter;
	return device != NULL && device->scheduled && supply->life.id == 0 &&
	       !supply->guard.quarantined && !refuses_any(device) &&
	       station->lines[device->line].state == LINE_OK &&
	       schedule_state(&station->lines[device->line].schedule, device->index,
			      station->now.us) == SCHEDULE_ALIVE;
}

void station_model_review(struct station *station, struct station_supply *supply)
{
	char subject[ALARM_SUBJECT_MAX + 1];
	int64_t stale_us = station->config->policy.stale_s * 1000000;
	if (!lacks_register(station, supply)) {
		if (supply->lacking_told) {
			station_subject(supply, subject);
			station_alarm_clear(station, ALARM_METER_MODEL, subject);
		}
		supply->lacking_us = 0;
		supply->lacking_told = false;
		return;
	}
	if (supply->lacking_us == 0)
		supply->lacking_us = station->now.us;
	if (supply->lacking_told || station->now.us - supply->lacking_us < stale_us)
		return;
	supply->lacking_told = true;
	station_subject(supply, subject);
	station_alarm(station, ALARM_METER_MODEL, subject,
		      "answers, but not with a register that could be charged by: is it a %s?",
		      supply->meter->model->name);
}
