/* decode.h - from the registers of an answer to a reading.
 *
 * Pure; allocates nothing and uses no floating point: a float register is taken apart as bits and
 * rounded once, exactly. Words are put in order here, never by a library (T12).
 *
 * Integers are floored, floats go to the nearest (half away from zero), both on the cumulative value.
 * T1e  A span whose witness is implausible is refused whole.
 * T2   A value the meter does not have is absent or refused, never zero.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "meters/model.h"
#include "meters/reading.h"

/* Adds what the answer to model_span_request(model, span, channel) says about that channel to ret;
 * what ret holds otherwise, and at_us, is left alone. regs are n registers as host integers; for coil
 * and discrete spans n elements of 0 or 1.
 *
 * A row whose raw value is one of the model's error values, not a number, infinite, not decimal (BCD)
 * or too large for 64 bits is absent. For a cumulative row (energy, volume) and for a witness the same
 * is -ERANGE, as is a negative cumulative value and a witness out of its bounds; ret is then unchanged
 * and meter_implausible() names the row.
 *
 * -EINVAL: no such span or channel. -EBADMSG: n is not the span's count. */
__attribute__((warn_unused_result)) int meter_decode(const struct model *model, unsigned span,
						     unsigned channel, const uint16_t *regs,
						     size_t n, struct reading *ret);

/* The name of the row for which meter_decode() says -ERANGE; NULL where it does not. */
const char *meter_implausible(const struct model *model, unsigned span, unsigned channel,
			      const uint16_t *regs, size_t n);
