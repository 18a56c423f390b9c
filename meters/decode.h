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
 * or too large for 64 bits is absent; so is a negative band register (energy_band_1 and on): what tells bands
 * apart refuses no total. For any other cumulative row (energy, volume) and for a witness the same
 * is -ERANGE, as is a negative cumulative value and a witness out of its bounds; ret is then unchanged
 * and meter_implausible() names the row.
 *
 * -EINVAL: no such span or channel. -EBADMSG: n is not the span's count. */
__attribute__((warn_unused_result)) int meter_decode(const struct model *model, unsigned span,
						     unsigned channel, const uint16_t *regs,
						     size_t n, struct reading *ret);

/* What the ratio span of one device said, in thousandths; 0: not known. */
struct meter_ratios {
	int64_t milli[RATIO_COUNT];
};

/* Takes over the ratios that a ratio span's reading has. One that is not above zero is not known. */
void meter_ratios_learn(struct meter_ratios *ratios, const struct reading *reading);

/* As meter_decode(), for a device whose ratios are known. A row that is multiplied by a ratio which is
 * not known is absent, never taken as if the ratio were 1; so is one that counts only while a ratio is
 * 1, where it is not. ratios NULL: none is known, as in meter_decode().
 *
 * ret_culprit may be NULL; with -ERANGE it is the row's name, as meter_implausible() says it. */
__attribute__((warn_unused_result)) int
meter_decode_scaled(const struct model *model, unsigned span, unsigned channel,
		    const uint16_t *regs, size_t n, const struct meter_ratios *ratios,
		    struct reading *ret, const char **ret_culprit);

/* As meter_decode_scaled(), of a part of the span: n registers, the first of them lies first behind the
 * span's. Values that are not all in it are left alone. -EBADMSG: more than the span has. */
__attribute__((warn_unused_result)) int meter_decode_part(const struct model *model, unsigned span,
							  unsigned channel, unsigned first,
							  const uint16_t *regs, size_t n,
							  const struct meter_ratios *ratios,
							  struct reading *ret);

/* The model's modulus_wh, width_wh or resolution_wh for a device of these ratios: wh as often as the
 * money register is multiplied. -ENODATA: a ratio is not known. -ERANGE: past 64 bits. */
__attribute__((warn_unused_result)) int meter_energy_scaled(const struct model *model,
							    const struct meter_ratios *ratios,
							    int64_t wh, int64_t *ret);

/* The name of the row for which meter_decode() says -ERANGE; NULL where it does not. */
const char *meter_implausible(const struct model *model, unsigned span, unsigned channel,
			      const uint16_t *regs, size_t n);
