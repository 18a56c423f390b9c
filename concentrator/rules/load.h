/* load.h - what a circuit draws, and whether that is more than its breaker may carry.
 *
 * Pure. An overload is what two readings in a row show, since one may be an inrush, or noise. Two readings are
 * two measurements: meters refresh their registers once a second or so, and what is read again sooner may be
 * the same measurement. So the second counts LOAD_APART_US behind the first, and is asked for then.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "concentrator/rules/guard.h"
#include "meters/reading.h"

#define LOAD_NEAR_PERCENT 80 /* of the breaker's rating: from here on it is looked at often */
#define LOAD_WATCH_US     INT64_C(1500000)
#define LOAD_APART_US     INT64_C(1000000)
#define LOAD_READINGS     2

/* Of one circuit. Zero-initialised: nothing seen. */
struct load {
	bool near;
	uint8_t above;     /* readings in a row above the rating, at most LOAD_READINGS */
	int64_t above_us;  /* when the last that counted was taken */
	int64_t power_w;   /* as read last */
	int64_t power_ma;  /* the current at that time, all phases together */
	int64_t phases_ma; /* the current as read last, all phases together */
};

enum load_event { LOAD_EVENT_NONE, LOAD_EVENT_OVERLOAD, LOAD_EVENT_OVER };

/* A reading of the circuit: its largest current against the breaker, or where there is none its power. One
 * that shows neither changes nothing. latest: the newest value of each quantity, this reading's among them. */
enum load_event load_step(struct load *load, const struct guard_limits *limits,
			  const struct reading *reading, const struct reading *latest);

/* How soon the load is to be read again; 0: when its turn comes. */
int64_t load_within_us(const struct load *load);

/* The power of the circuit. Where it is read more seldom than the current, a current that has grown since
 * counts as power at the nominal voltage: for a forecast of what it costs, which may come early. */
int64_t load_power_w(const struct load *load, const struct guard_limits *limits);
