/* quantity.c - one table of names and units. */
#include "meters/quantity.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#define UNITS_MAX 3

struct unit {
	const char *name;
	int64_t factor;
};

struct dimension {
	const char *list;
	struct unit units[UNITS_MAX];
};

static const struct dimension energy = {"Wh, kWh, MWh",
					{{"Wh", 1}, {"kWh", 1000}, {"MWh", 1000000}}};
static const struct dimension volume = {"L, m3", {{"L", 1}, {"m3", 1000}}};
static const struct dimension power = {"W, kW", {{"W", 1}, {"kW", 1000}}};
static const struct dimension reactive = {"var, kvar", {{"var", 1}, {"kvar", 1000}}};
static const struct dimension voltage = {"mV, V, kV", {{"mV", 1}, {"V", 1000}, {"kV", 1000000}}};
static const struct dimension current = {"mA, A", {{"mA", 1}, {"A", 1000}}};
static const struct dimension factor = {"one, percent", {{"one", 1000000}, {"percent", 10000}}};
static const struct dimension frequency = {"mHz, Hz", {{"mHz", 1}, {"Hz", 1000}}};
static const struct dimension count = {"one", {{"one", 1}}};
static const struct dimension ratio = {"one", {{"one", 1000}}};

static const struct {
	const char *name; /* in model files */
	const char *full; /* with the unit */
	const struct dimension *dimension;
} quantities[QUANTITY_COUNT] = {
	[QUANTITY_ENERGY_IMPORT_WH] = {"energy_import", "energy_import_wh", &energy},
	[QUANTITY_ENERGY_EXPORT_WH] = {"energy_export", "energy_export_wh", &energy},
	[QUANTITY_ENERGY_BAND_1_WH] = {"energy_band_1", "energy_band_1_wh", &energy},
	[QUANTITY_ENERGY_BAND_2_WH] = {"energy_band_2", "energy_band_2_wh", &energy},
	[QUANTITY_ENERGY_BAND_3_WH] = {"energy_band_3", "energy_band_3_wh", &energy},
	[QUANTITY_ENERGY_BAND_4_WH] = {"energy_band_4", "energy_band_4_wh", &energy},
	[QUANTITY_VOLUME_L] = {"volume", "volume_l", &volume},
	[QUANTITY_POWER_W] = {"power", "power_w", &power},
	[QUANTITY_REACTIVE_VAR] = {"reactive", "reactive_var", &reactive},
	[QUANTITY_VOLTAGE_L1_MV] = {"voltage_l1", "voltage_l1_mv", &voltage},
	[QUANTITY_VOLTAGE_L2_MV] = {"voltage_l2", "voltage_l2_mv", &voltage},
	[QUANTITY_VOLTAGE_L3_MV] = {"voltage_l3", "voltage_l3_mv", &voltage},
	[QUANTITY_CURRENT_L1_MA] = {"current_l1", "current_l1_ma", &current},
	[QUANTITY_CURRENT_L2_MA] = {"current_l2", "current_l2_ma", &current},
	[QUANTITY_CURRENT_L3_MA] = {"current_l3", "current_l3_ma", &current},
	[QUANTITY_POWER_FACTOR_PPM] = {"power_factor", "power_factor_ppm", &factor},
	[QUANTITY_FREQUENCY_MHZ] = {"frequency", "frequency_mhz", &frequency},
	[QUANTITY_RELAY_CLOSED] = {"relay_closed", "relay_closed", &count},
	[QUANTITY_SERIAL_NUMBER] = {"serial_number", "serial_number", &count},
	[QUANTITY_CT_RATIO_MILLI] = {"ct_ratio", "ct_ratio_milli", &ratio},
	[QUANTITY_PT_RATIO_MILLI] = {"pt_ratio", "pt_ratio_milli", &ratio},
	[QUANTITY_PULSES_PER_UNIT_MILLI] = {"pulses_per_unit", "pulses_per_unit_milli", &ratio},
	[QUANTITY_CT_PHASE_SHIFT] = {"ct_phase_shift", "ct_phase_shift", &count},
	[QUANTITY_CT_RATIO_L2_MILLI] = {"ct_ratio_l2", "ct_ratio_l2_milli", &ratio},
	[QUANTITY_CT_RATIO_L3_MILLI] = {"ct_ratio_l3", "ct_ratio_l3_milli", &ratio},
	[QUANTITY_CT_PHASE_SHIFT_L2] = {"ct_phase_shift_l2", "ct_phase_shift_l2", &count},
	[QUANTITY_CT_PHASE_SHIFT_L3] = {"ct_phase_shift_l3", "ct_phase_shift_l3", &count},
	[QUANTITY_PULSE_WEIGHT_MILLI] = {"pulse_weight", "pulse_weight_milli", &ratio},
	[QUANTITY_VOLUME_OFFSET_L] = {"volume_offset", "volume_offset_l", &volume},
	[QUANTITY_OWN_PREPAID] = {"own_prepaid", "own_prepaid", &count},
	[QUANTITY_LINK_LOSS_MOVES] = {"link_loss_moves", "link_loss_moves", &count},
	[QUANTITY_SAFE_CLOSED] = {"safe_closed", "safe_closed", &count},
	[QUANTITY_POWER_ON_MOVES] = {"power_on_moves", "power_on_moves", &count},
};

const char *quantity_name(enum quantity quantity)
{
	assert(quantity < QUANTITY_COUNT);
	return quantities[quantity].full;
}

int quantity_find(const char *name, enum quantity *ret)
{
	for (unsigned i = 0; i < QUANTITY_COUNT; i++)
		if (strcmp(quantities[i].name, name) == 0) {
			*ret = (enum quantity)i;
			return 0;
		}
	return -ENOENT;
}

int quantity_unit(enum quantity quantity, const char *unit, int64_t *ret)
{
	const struct dimension *dimension = quantities[quantity].dimension;

	for (unsigned i = 0; i < UNITS_MAX && dimension->units[i].name != NULL; i++)
		if (strcmp(dimension->units[i].name, unit) == 0) {
			*ret = dimension->units[i].factor;
			return 0;
		}
	return -ENOENT;
}

const char *quantity_units(enum quantity quantity)
{
	return quantities[quantity].dimension->list;
}

bool quantity_is_cumulative(enum quantity quantity)
{
	return quantity <= QUANTITY_VOLUME_L;
}

bool quantity_is_band(enum quantity quantity)
{
	return quantity >= QUANTITY_ENERGY_BAND_1_WH && quantity <= QUANTITY_ENERGY_BAND_4_WH;
}

bool quantity_is_state(enum quantity quantity)
{
	return quantity == QUANTITY_RELAY_CLOSED || quantity == QUANTITY_OWN_PREPAID ||
	       quantity == QUANTITY_LINK_LOSS_MOVES || quantity == QUANTITY_SAFE_CLOSED ||
	       quantity == QUANTITY_POWER_ON_MOVES;
}
