/* described_value.c - how a described device puts a quantity into its registers.
 *
 * The counter is reckoned in integers, exactly; what is measured besides goes through double.
 */
#include "tests/building/described.h"

#include <math.h>
#include <string.h>

__extension__ typedef __int128 wide;

enum { UWH_PER_WH = 1000000, MILLI = 1000 };

/* num/den of the Wh that one unit of the raw value stands for, by the device's ratios. */
static void unit_of(const struct described_row *row, const struct device *device, wide *ret_num,
		    wide *ret_den)
{
	wide num = row->scale_num, den = row->scale_den;

	for (int i = 0; i < RATIO_COUNT; i++) {
		if (!row->by[i])
			continue;
		num *= i == RATIO_PULSES ? MILLI : device->ratio_milli[i];
		den *= i == RATIO_PULSES ? device->ratio_milli[i] : MILLI;
	}
	*ret_num = num;
	*ret_den = den;
}

/* The counter in whole steps of its own, where it has such. */
static int64_t stepped_uwh(const struct described_row *row, int64_t energy_uwh)
{
	int64_t step_uwh = row->step_num > 0 ? row->step_num * UWH_PER_WH / row->step_den : 1;

	return energy_uwh - energy_uwh % step_uwh;
}

static double float_counter(const struct described_row *row, const struct device *device,
			    int64_t energy_uwh)
{
	wide num, den;

	unit_of(row, device, &num, &den);
	double value = (double)((wide)stepped_uwh(row, energy_uwh) * den) / (double)num /
		       UWH_PER_WH;

	return row->words == 2 ? (double)(float)value : value;
}

static uint64_t integer_counter(const struct described_row *row, const struct device *device,
				int64_t energy_uwh)
{
	wide num, den;

	unit_of(row, device, &num, &den);
	return (uint64_t)((wide)stepped_uwh(row, energy_uwh) * den / (num * UWH_PER_WH));
}

static uint64_t float_bits(const struct described_row *row, double value)
{
	float single = (float)value;
	uint32_t narrow;
	uint64_t bits;

	if (row->words == 2) {
		memcpy(&narrow, &single, sizeof(narrow));
		return narrow;
	}
	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static uint64_t bcd(uint64_t number)
{
	uint64_t digits = 0;

	for (unsigned at = 0; at < 16; at++, number /= 10)
		digits |= number % 10 << 4 * at;
	return digits;
}

static uint64_t counter_raw(const struct described_row *row, const struct device *device,
			    const struct sample *sample)
{
	int64_t energy_uwh = row->show == SHOW_BAND ? sample->band_uwh[row->part]
						    : sample->energy_uwh;
	int64_t modulus_wh = device->model->modulus_wh;

	if (row->show == SHOW_ENERGY_PHASE)
		energy_uwh /= device->model->phases;
	if (modulus_wh > 0)
		energy_uwh %= modulus_wh * UWH_PER_WH;
	return row->encoding == ENCODE_FLOAT
		       ? float_bits(row, float_counter(row, device, energy_uwh))
		       : integer_counter(row, device, energy_uwh);
}

static int64_t sum(const int64_t values[static 3])
{
	return values[0] + values[1] + values[2];
}

/* In the thousandths of the base unit: mV, mA, mW ... */
static int64_t measured_milli(const struct described_row *row, const struct sample *sample)
{
	switch (row->show) {
	case SHOW_VOLTAGE:
		return sample->voltage_mv[row->part];
	case SHOW_CURRENT:
		return sample->current_ma[row->part];
	case SHOW_POWER:
		return sum(sample->power_mw);
	case SHOW_POWER_PHASE:
		return sample->power_mw[row->part];
	case SHOW_REACTIVE:
		return sum(sample->reactive_mvar);
	case SHOW_APPARENT:
		return sum(sample->apparent_mva);
	case SHOW_POWER_FACTOR:
		return sample->power_factor_milli;
	case SHOW_FREQUENCY:
		return sample->frequency_mhz;
	case SHOW_ZERO:
	case SHOW_ENERGY:
	case SHOW_ENERGY_PHASE:
	case SHOW_BAND:
	case SHOW_SERIAL:
	case SHOW_RATIO:
	case SHOW_RELAY:
	case SHOW_NO:
	case SHOW_FIXED:
		break;
	}
	return 0;
}

uint64_t described_raw(const struct described_row *row, const struct device *device,
		       const struct sample *sample)
{
	wide num, den;
	double value;

	if (row->show == SHOW_ENERGY || row->show == SHOW_ENERGY_PHASE || row->show == SHOW_BAND)
		return counter_raw(row, device, sample);
	if (row->show == SHOW_SERIAL)
		return row->encoding == ENCODE_BCD ? bcd(device->serial)
						   : device->serial + (uint64_t)row->offset;
	unit_of(row, device, &num, &den);
	value = (double)(row->show == SHOW_RATIO ? device->ratio_milli[row->part]
						 : measured_milli(row, sample)) /
		MILLI * (double)den / (double)num;
	return row->encoding == ENCODE_FLOAT ? float_bits(row, value) : (uint64_t)llround(value);
}

int64_t described_shown_wh(const struct device *device, int64_t energy_uwh)
{
	const struct described *described = (const struct described *)device->model;
	const struct described_row *row = described->rows;
	wide num, den;

	while (row < described->rows + described->n_rows && !row->money)
		row++;
	if (row == described->rows + described->n_rows)
		return 0;
	unit_of(row, device, &num, &den);
	if (row->encoding == ENCODE_FLOAT)
		return llround(float_counter(row, device, energy_uwh) * (double)num / (double)den);
	return (int64_t)((wide)integer_counter(row, device, energy_uwh) * num / den);
}
