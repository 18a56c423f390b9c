/* load.c - see load.h. */
#include "concentrator/rules/load.h"

#define GROWN_PART 8   /* more than this part of it ... */
#define GROWN_MA   200 /* ... and this much more is not the same load */

static bool has_current(const struct reading *reading)
{
	return reading_has(reading, QUANTITY_CURRENT_L1_MA) ||
	       reading_has(reading, QUANTITY_CURRENT_L2_MA) ||
	       reading_has(reading, QUANTITY_CURRENT_L3_MA);
}

/* The load of this reading in percent of the breaker's rating; -1: the reading does not say. The power of
 * three phases does not say how much one of them carries. */
static int64_t percent_of_limit(const struct guard_limits *limits, const struct reading *reading,
				const struct reading *latest)
{
	int64_t most = -1;

	for (int q = QUANTITY_CURRENT_L1_MA; q <= QUANTITY_CURRENT_L3_MA; q++)
		if (reading_has(reading, (enum quantity)q) && reading->value[q] / 10 > most)
			most = reading->value[q] / 10;
	if (most >= 0)
		return most / limits->breaker_a;
	if (has_current(latest) || !reading_has(reading, QUANTITY_POWER_W))
		return -1;
	most = reading->value[QUANTITY_POWER_W] * 100 /
	       (limits->breaker_a * limits->nominal_voltage_v * limits->phases);
	return most < 0 ? 0 : most;
}

/* A current may have a sign; it flows either way. */
static int64_t sum_ma(const struct reading *reading)
{
	int64_t sum = 0;

	for (int q = QUANTITY_CURRENT_L1_MA; q <= QUANTITY_CURRENT_L3_MA; q++)
		if (reading_has(reading, (enum quantity)q))
			sum += reading->value[q] < 0 ? -reading->value[q] : reading->value[q];
	return sum;
}

static enum load_event count(struct load *load, int64_t percent, int64_t at_us)
{
	if (percent <= 100) {
		bool over = load->above >= LOAD_READINGS;

		load->above = 0;
		return over ? LOAD_EVENT_OVER : LOAD_EVENT_NONE;
	}
	if (load->above >= LOAD_READINGS ||
	    (load->above > 0 && at_us - load->above_us < LOAD_APART_US))
		return LOAD_EVENT_NONE;
	load->above_us = at_us;
	return ++load->above == LOAD_READINGS ? LOAD_EVENT_OVERLOAD : LOAD_EVENT_NONE;
}

enum load_event load_step(struct load *load, const struct guard_limits *limits,
			  const struct reading *reading, const struct reading *latest)
{
	int64_t percent = percent_of_limit(limits, reading, latest);

	load->phases_ma = sum_ma(latest);
	if (reading_has(reading, QUANTITY_POWER_W)) {
		load->power_w = reading->value[QUANTITY_POWER_W];
		load->power_ma = load->phases_ma;
	}
	if (percent < 0)
		return LOAD_EVENT_NONE;
	load->near = percent >= LOAD_NEAR_PERCENT;
	return count(load, percent, reading->at_us);
}

int64_t load_within_us(const struct load *load)
{
	if (load->above > 0 && load->above < LOAD_READINGS)
		return LOAD_APART_US;
	return load->near ? LOAD_WATCH_US : 0;
}

int64_t load_power_w(const struct load *load, const struct guard_limits *limits)
{
	int64_t volt_amperes = load->phases_ma * limits->nominal_voltage_v / 1000;

	if (load->phases_ma <= load->power_ma + load->power_ma / GROWN_PART + GROWN_MA ||
	    volt_amperes <= load->power_w)
		return load->power_w;
	return volt_amperes;
}
