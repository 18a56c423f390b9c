/* schedule_period.c - see schedule.h: how soon each span of a device is wanted again, and how soon where money or
 * a limit of power is near.
 */
#include "concentrator/rules/schedule_period.h"

#include <assert.h>

enum schedule_span schedule_shows_load(const struct schedule_traits *traits)
{
	if (traits->cost_us[SCHEDULE_LOAD] > 0)
		return SCHEDULE_LOAD;
	return traits->cost_us[SCHEDULE_INSTANT] > 0 ? SCHEDULE_INSTANT : SCHEDULE_ENERGY;
}

enum schedule_span schedule_load_span(const struct schedule *schedule, uint16_t device)
{
	return schedule_shows_load(&schedule->device[device].traits);
}

/* What is left for one read, where all of a span takes several. */
static int64_t of_round(const struct schedule_device *device, enum schedule_span span, int64_t us)
{
	uint8_t reads = device->traits.round[span];

	return reads > 1 ? us / reads : us;
}

/* How soon a room near a limit wants this span again; 0: it is not near any. */
static int64_t hurry_us(const struct schedule_device *device, enum schedule_span span)
{
	bool shows_load = span == schedule_shows_load(&device->traits);
	int64_t money_us = span == SCHEDULE_ENERGY ? device->money_us : 0;
	int64_t load_us = shows_load ? device->load_us : 0;

	if (money_us == 0 || load_us == 0)
		return of_round(device, span, money_us + load_us);
	return of_round(device, span, money_us < load_us ? money_us : load_us);
}

/* The share of the line that all hurried reads want, in parts per million. */
static int64_t hurried_ppm(const struct schedule *schedule)
{
	int64_t total_ppm = 0;

	for (size_t i = 0; i < schedule->devices; i++) {
		const struct schedule_device *device = &schedule->device[i];

		if (device->state != SCHEDULE_ALIVE)
			continue;
		for (enum schedule_span span = SCHEDULE_ENERGY; span <= SCHEDULE_INSTANT; span++) {
			int64_t within_us = hurry_us(device, span);

			if (within_us > 0)
				total_ppm += (device->traits.cost_us[span] +
					      device->traits.between_us) *
					     1000000 / within_us;
		}
	}
	return total_ppm;
}

/* How soon all of a span is wanted again where nothing is near. */
static int64_t usual_us(const struct schedule *schedule, const struct schedule_device *device,
			enum schedule_span span)
{
	const int64_t *period_us = schedule->policy.period_us;

	if (span == schedule_shows_load(&device->traits) &&
	    period_us[SCHEDULE_LOAD] < period_us[span])
		return period_us[SCHEDULE_LOAD];
	return period_us[span];
}

int64_t schedule_period_us(const struct schedule *schedule, const struct schedule_device *device,
			   enum schedule_span span, bool *ret_hurried)
{
	int64_t period_us = of_round(device, span, usual_us(schedule, device, span));
	int64_t within_us = hurry_us(device, span), wanted_ppm;

	*ret_hurried = false;
	if (within_us == 0)
		return period_us;
	wanted_ppm = hurried_ppm(schedule);
	if (wanted_ppm > SCHEDULE_HURRY_PERCENT * 10000)
		within_us = within_us * wanted_ppm / (SCHEDULE_HURRY_PERCENT * 10000);
	*ret_hurried = within_us < period_us;
	return within_us < period_us ? within_us : period_us;
}

static void hasten(struct schedule *schedule, struct schedule_device *device,
		   enum schedule_span span, int64_t now_us)
{
	bool hurried;
	int64_t due_us = now_us + schedule_period_us(schedule, device, span, &hurried);

	/* From the last read on, not from now: asked again and again it must not be put off. */
	if (hurried && device->read_us[span] != 0)
		due_us += device->read_us[span] - now_us;
	if (hurried && due_us < device->due_us[span])
		device->due_us[span] = due_us;
	device->hurried = (uint8_t)((device->hurried & ~(1U << span)) |
				    (hurried ? 1U << span : 0U));
}

void schedule_urgent(struct schedule *schedule, uint16_t device, int64_t within_us, int64_t now_us)
{
	struct schedule_device *one = &schedule->device[device];

	assert(device < schedule->devices);
	if (one->money_us == within_us)
		return;
	one->money_us = within_us;
	hasten(schedule, one, SCHEDULE_ENERGY, now_us);
}

void schedule_watch(struct schedule *schedule, uint16_t device, int64_t within_us, int64_t now_us)
{
	struct schedule_device *one = &schedule->device[device];

	assert(device < schedule->devices);
	if (one->load_us == within_us)
		return;
	one->load_us = within_us;
	hasten(schedule, one, schedule_load_span(schedule, device), now_us);
}
