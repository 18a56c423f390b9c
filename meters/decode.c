/* decode.c - registers in, whole numbers out, exactly.
 *
 * A value of any type is mantissa x 2^exponent x numerator / denominator with a sign; only the last
 * step rounds. Products fit 128 bits: mantissa < 2^64, |numerator| <= 10^12, and a positive exponent
 * is limited before it is applied.
 */
#include "meters/decode.h"

#include <errno.h>
#include <string.h>

#include "meters/fraction.h"
#include "meters/quantity.h"

#define SHIFT_LEFT_MAX  22   /* 64 + 40 + 22 bits, and one more to round */
#define RATIO_ONE       1000 /* ratios are in thousandths */
#define SHIFT_RIGHT_MAX 127  /* nothing is left of any product */

__extension__ typedef unsigned __int128 wide;

/* (-1)^negative x mantissa x 2^exponent */
struct number {
	bool negative;
	bool nearest; /* floats round to the nearest, integers are floored */
	uint64_t mantissa;
	int exponent;
};

static uint64_t row_raw(const struct model_row *row, const uint16_t *regs)
{
	unsigned n = model_type_elements(row->type);
	uint64_t raw = 0;

	for (unsigned i = 0; i < n; i++)
		raw = raw << 16 | regs[row->order == MODEL_MSW_FIRST ? i : n - 1 - i];
	return raw;
}

static bool row_says_absent(const struct model_row *row, uint64_t raw)
{
	for (unsigned i = 0; i < row->absent_count; i++)
		if (raw == row->absent[i])
			return true;
	return false;
}

static struct number number_signed(int64_t value)
{
	return (struct number){
		.negative = value < 0,
		.mantissa = value < 0 ? 0 - (uint64_t)value : (uint64_t)value,
	};
}

static int number_decimal(uint64_t raw, unsigned digits, struct number *ret)
{
	uint64_t value = 0;

	for (unsigned i = digits; i-- > 0;) {
		uint64_t digit = raw >> (4 * i) & 0xF;

		if (digit > 9)
			return -ERANGE;
		value = value * 10 + digit;
	}
	*ret = (struct number){.mantissa = value};
	return 0;
}

/* IEEE 754: the implied leading 1 is there unless the exponent field is 0 (subnormal); a field of all
 * ones is infinity or not a number. */
static int number_float(uint64_t raw, int mantissa_bits, int exponent_bits, struct number *ret)
{
	uint64_t fraction = raw & ((UINT64_C(1) << mantissa_bits) - 1);
	int ones = (1 << exponent_bits) - 1;
	int field = (int)(raw >> mantissa_bits) & ones;
	int bias = ones / 2;

	if (field == ones)
		return -ERANGE;
	*ret = (struct number){
		.negative = (raw >> (mantissa_bits + exponent_bits) & 1) != 0,
		.nearest = true,
		.mantissa = field == 0 ? fraction : fraction | UINT64_C(1) << mantissa_bits,
		.exponent = (field == 0 ? 1 : field) - bias - mantissa_bits,
	};
	return 0;
}

static int row_number(const struct model_row *row, uint64_t raw, struct number *ret)
{
	switch (row->type) {
	case MODEL_BIT:
	case MODEL_U16:
	case MODEL_U32:
	case MODEL_U64:
		*ret = (struct number){.mantissa = raw};
		return 0;
	case MODEL_S16:
		*ret = number_signed((int16_t)(uint16_t)raw);
		return 0;
	case MODEL_S32:
		*ret = number_signed((int32_t)(uint32_t)raw);
		return 0;
	case MODEL_S64:
		*ret = number_signed((int64_t)raw);
		return 0;
	case MODEL_FLOAT32:
		return number_float(raw, 23, 8, ret);
	case MODEL_FLOAT64:
		return number_float(raw, 52, 11, ret);
	case MODEL_BCD16:
	case MODEL_BCD32:
	case MODEL_BCD48:
	case MODEL_BCD64:
		return number_decimal(raw, 4 * model_type_elements(row->type), ret);
	}
	return -ERANGE;
}

/* The one place that rounds. Nested floors of whole divisors are one floor, so shifting before
 * dividing loses nothing; halves are rounded as floor((floor(2x) + 1) / 2), away from zero. */
static int number_scale(const struct number *number, int64_t numerator, int64_t denominator,
			int64_t *ret)
{
	bool negative = number->negative != (numerator < 0);
	wide product = (wide)number->mantissa * (uint64_t)(numerator < 0 ? -numerator : numerator);
	wide divisor = (uint64_t)denominator;
	wide value;

	if (product == 0) {
		*ret = 0;
		return 0;
	}
	if (number->nearest)
		product *= 2;
	if (number->exponent > SHIFT_LEFT_MAX)
		return -ERANGE;
	if (number->exponent >= 0)
		product <<= number->exponent;
	else if (-number->exponent > SHIFT_RIGHT_MAX)
		product = 0;
	else
		product >>= -number->exponent;

	if (number->nearest)
		value = (product / divisor + 1) / 2;
	else if (negative)
		value = (product + divisor - 1) / divisor;
	else
		value = product / divisor;
	if (value > INT64_MAX)
		return -ERANGE;
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return 0;
}

static int64_t ratio_milli(const struct meter_ratios *ratios, unsigned ratio)
{
	return ratios == NULL ? 0 : ratios->milli[ratio];
}

/* The row's scale with its ratios in it. -ENODATA: a ratio is not known, or not 1 where it must be. */
static int row_scale(const struct model_row *row, const struct meter_ratios *ratios,
		     struct fraction *ret)
{
	struct fraction scale = {.numerator = row->numerator, .denominator = row->denominator};

	for (unsigned ratio = 0; ratio < RATIO_COUNT; ratio++) {
		int64_t milli = ratio_milli(ratios, ratio);

		if ((row->alone >> ratio & 1) != 0 && milli != RATIO_ONE)
			return -ENODATA;
		if ((row->times >> ratio & 1) == 0)
			continue;
		if (milli <= 0)
			return -ENODATA;
		if (ratio == RATIO_PULSES ? !fraction_divide(&scale, milli, &scale) ||
						    !fraction_multiply(&scale, RATIO_ONE, &scale)
					  : !fraction_divide(&scale, RATIO_ONE, &scale) ||
						    !fraction_multiply(&scale, milli, &scale))
			return -ERANGE;
	}
	*ret = scale;
	return 0;
}

static bool is_one_of(uint64_t raw, const uint64_t values[static MODEL_STATE_MAX], uint8_t count)
{
	for (unsigned i = 0; i < count; i++)
		if (raw == values[i])
			return true;
	return false;
}

static int row_value(const struct model_row *row, const uint16_t *regs,
		     const struct fraction *scale, int64_t *ret)
{
	uint64_t raw = row_raw(row, regs);
	struct number number;
	int r;

	if (row_says_absent(row, raw))
		return -ENODATA;
	raw &= row->mask;
	if (quantity_is_state(row->quantity)) {
		*ret = is_one_of(raw, row->closed, row->closed_count);
		return *ret || is_one_of(raw, row->open, row->open_count) ? 0 : -ENODATA;
	}
	r = row_number(row, raw, &number);
	if (r < 0)
		return r;
	return number_scale(&number, scale->numerator, scale->denominator, ret);
}

/* n registers of a span, from the one that lies first behind its beginning. */
struct window {
	const uint16_t *regs;
	size_t first;
	size_t n;
};

/* -ERANGE with the row at fault, or 0. What is in result then is for the caller to keep or drop. */
static int span_decode(const struct model *model, unsigned span, unsigned channel,
		       const struct window *window, const struct meter_ratios *ratios,
		       struct reading *result, const struct model_row **fault)
{
	unsigned place = (channel - 1) % model->spans[span].channels;

	for (unsigned i = 0; i < model->rows_count; i++) {
		const struct model_row *row = &model->rows[i];
		unsigned offset = row->offset + place * row->stride;
		bool band = quantity_is_band(row->quantity);
		bool cumulative = quantity_is_cumulative(row->quantity) && !band;
		struct fraction scale;
		int64_t value = 0;
		int r;

		if (row->span != span || offset < window->first ||
		    offset + model_type_elements(row->type) > window->first + window->n)
			continue;
		r = row_scale(row, ratios, &scale);
		if (r == -ENODATA)
			continue;
		if (r == 0)
			r = row_value(row, window->regs + (offset - window->first), &scale, &value);
		if ((r < 0 && (cumulative || row->witness)) ||
		    (r == 0 && cumulative && value < 0) ||
		    (r == 0 && row->witness && (value < row->least || value > row->most))) {
			*fault = row;
			return -ERANGE;
		}
		if (r == 0 && !(band && value < 0))
			reading_set(result, row->quantity, value);
	}
	return 0;
}

static int span_check(const struct model *model, unsigned span, unsigned channel, size_t n)
{
	if (span >= model->spans_count || channel < 1 || channel > model->channels)
		return -EINVAL;
	return n == model->spans[span].count ? 0 : -EBADMSG;
}

int meter_decode_scaled(const struct model *model, unsigned span, unsigned channel,
			const uint16_t *regs, size_t n, const struct meter_ratios *ratios,
			struct reading *ret, const char **ret_culprit)
{
	struct reading result = *ret;
	const struct model_row *fault;
	int r = span_check(model, span, channel, n);

	if (r < 0)
		return r;
	r = span_decode(model, span, channel, &(struct window){regs, 0, n}, ratios, &result,
			&fault);
	if (r < 0) {
		if (ret_culprit != NULL)
			*ret_culprit = fault->name;
		return r;
	}
	*ret = result;
	return 0;
}

int meter_decode_part(const struct model *model, unsigned span, unsigned channel, unsigned first,
		      const uint16_t *regs, size_t n, const struct meter_ratios *ratios,
		      struct reading *ret)
{
	struct reading result = *ret;
	const struct model_row *fault;
	int r;

	if (span >= model->spans_count || channel < 1 || channel > model->channels)
		return -EINVAL;
	if (first + n > model->spans[span].count)
		return -EBADMSG;
	r = span_decode(model, span, channel, &(struct window){regs, first, n}, ratios, &result,
			&fault);
	if (r == 0)
		*ret = result;
	return r;
}

int meter_decode(const struct model *model, unsigned span, unsigned channel, const uint16_t *regs,
		 size_t n, struct reading *ret)
{
	return meter_decode_scaled(model, span, channel, regs, n, NULL, ret, NULL);
}

void meter_ratios_learn(struct meter_ratios *ratios, const struct reading *reading)
{
	static const enum quantity quantities[RATIO_COUNT] = {
		[RATIO_CT] = QUANTITY_CT_RATIO_MILLI,
		[RATIO_PT] = QUANTITY_PT_RATIO_MILLI,
		[RATIO_PULSES] = QUANTITY_PULSES_PER_UNIT_MILLI,
	};

	for (unsigned i = 0; i < RATIO_COUNT; i++)
		if (reading_has(reading, quantities[i])) {
			int64_t milli = reading->value[quantities[i]];

			ratios->milli[i] = milli > 0 ? milli : 0;
		}
}

int meter_energy_scaled(const struct model *model, const struct meter_ratios *ratios, int64_t wh,
			int64_t *ret)
{
	for (unsigned i = 0; i < model->rows_count; i++) {
		const struct model_row *row = &model->rows[i];
		struct model_row once = {.times = row->times, .numerator = 1, .denominator = 1};
		struct number number = {.mantissa = (uint64_t)wh};
		struct fraction scale;
		int r;

		if (row->quantity !=
		    (model->kind == MODEL_WATER ? QUANTITY_VOLUME_L : QUANTITY_ENERGY_IMPORT_WH))
			continue;
		r = row_scale(&once, ratios, &scale);
		return r < 0 ? r : number_scale(&number, scale.numerator, scale.denominator, ret);
	}
	return -ENODATA;
}

const char *meter_implausible(const struct model *model, unsigned span, unsigned channel,
			      const uint16_t *regs, size_t n)
{
	struct reading result = {0};
	const struct model_row *fault;

	if (span_check(model, span, channel, n) < 0 ||
	    span_decode(model, span, channel, &(struct window){regs, 0, n}, NULL, &result,
			&fault) == 0)
		return NULL;
	return fault->name;
}
