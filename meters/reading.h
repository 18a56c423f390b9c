/* reading.h - what one answer of a meter said, as a value.
 *
 * Produced by decoding, consumed by the rules; crosses every layer and knows none of them. Integers
 * with the unit in the name: a float register has been rounded once, here, on the cumulative value.
 *
 * Unknown is not zero: ask reading_has() before looking at a value.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

enum quantity {
	QUANTITY_ENERGY_IMPORT_WH, /* the money register: cumulative, floor of integers, nearest of floats */
	QUANTITY_ENERGY_EXPORT_WH,
	QUANTITY_ENERGY_BAND_1_WH, /* the meter's own tariff-band registers, cumulative */
	QUANTITY_ENERGY_BAND_2_WH, /* numbered as the meter numbers its rates */
	QUANTITY_ENERGY_BAND_3_WH,
	QUANTITY_ENERGY_BAND_4_WH,
	QUANTITY_VOLUME_L, /* the money register of a water meter; likewise */
	QUANTITY_POWER_W,  /* active, all phases; negative is export */
	QUANTITY_REACTIVE_VAR,
	QUANTITY_VOLTAGE_L1_MV,
	QUANTITY_VOLTAGE_L2_MV,
	QUANTITY_VOLTAGE_L3_MV,
	QUANTITY_CURRENT_L1_MA,
	QUANTITY_CURRENT_L2_MA,
	QUANTITY_CURRENT_L3_MA,
	QUANTITY_POWER_FACTOR_PPM, /* 1,000,000 is 1 */
	QUANTITY_FREQUENCY_MHZ,    /* millihertz */
	QUANTITY_RELAY_CLOSED,     /* 1 closed, 0 open */
	QUANTITY_SERIAL_NUMBER,
	QUANTITY_CT_RATIO_MILLI,        /* current transformer, or its turns; thousandths */
	QUANTITY_PT_RATIO_MILLI,        /* voltage transformer; thousandths */
	QUANTITY_PULSES_PER_UNIT_MILLI, /* of a pulse counter: pulses per kWh or m3; thousandths */
	QUANTITY_CT_PHASE_SHIFT,        /* of a clamp, in the meter's own steps */
	QUANTITY_CT_RATIO_L2_MILLI,     /* of the other two clamps of three */
	QUANTITY_CT_RATIO_L3_MILLI,
	QUANTITY_CT_PHASE_SHIFT_L2,
	QUANTITY_CT_PHASE_SHIFT_L3,
	QUANTITY_PULSE_WEIGHT_MILLI, /* litres per pulse; thousandths */
	QUANTITY_VOLUME_OFFSET_L,    /* added to what was counted */
	QUANTITY_OWN_PREPAID, /* 1: the meter decides about supply by itself, 0: it leaves that to us */
	QUANTITY_LINK_LOSS_MOVES, /* 1: a silent line moves the relay, 0: it stays as it is */
	QUANTITY_SAFE_CLOSED,     /* where it moves then: 1 closed, 0 open */
	QUANTITY_POWER_ON_MOVES,  /* 1: when its own power comes back the relay may be elsewhere */
	QUANTITY_COUNT
};
static_assert(QUANTITY_COUNT <= 64, "struct reading has a bit for each");

struct reading {
	uint64_t valid; /* bit per quantity */
	int64_t value[QUANTITY_COUNT];
	int64_t at_us; /* CLOCK_BOOTTIME when the answer was complete */
};

static inline bool reading_has(const struct reading *reading, enum quantity quantity)
{
	return (reading->valid & (UINT64_C(1) << quantity)) != 0;
}

static inline void reading_set(struct reading *reading, enum quantity quantity, int64_t value)
{
	reading->valid |= UINT64_C(1) << quantity;
	reading->value[quantity] = value;
}
