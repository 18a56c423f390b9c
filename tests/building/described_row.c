/* described_row.c - see described_row.h. */
#include "tests/building/described_row.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

void words_split(struct words *words, char *line)
{
	char *rest = line, *word;

	words->n = 0;
	while (words->n < ROW_WORDS && (word = strsep(&rest, " \t\n")))
		if (*word)
			words->word[words->n++] = word;
}

void words_join(const struct words *words, char *ret_text, size_t size)
{
	size_t at = 0;

	for (unsigned i = 0; i < words->n && at < size; i++)
		at += (size_t)snprintf(ret_text + at, size - at, "%s ", words->word[i]);
}

const char *words_option(const struct words *words, const char *key)
{
	size_t n = strlen(key);

	for (unsigned i = 0; i < words->n; i++)
		if (strncmp(words->word[i], key, n) == 0 && words->word[i][n] == '=')
			return words->word[i] + n + 1;
	return NULL;
}

static int64_t option_number(const struct words *words, const char *key)
{
	const char *value = words_option(words, key);

	return value ? strtoll(value, NULL, 0) : 0;
}

static bool lists(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = list; at; at = strchr(at, ','), at += at != NULL)
		if (strncmp(at, name, n) == 0 && (at[n] == ',' || at[n] == '\0'))
			return true;
	return false;
}

/* "3/4" as bits. */
uint8_t described_functions(const char *word)
{
	uint8_t functions = 0;

	for (; *word; word++)
		if (*word >= '1' && *word <= '4')
			functions |= (uint8_t)(1u << (*word - '0'));
	return functions;
}

/* "0.01" as 1/100. */
static int decimal(const char *word, int64_t *ret_num, int64_t *ret_den)
{
	int64_t num = 0, den = 1;
	bool behind = false;

	for (; *word; word++) {
		if (*word == '.' && !behind) {
			behind = true;
			continue;
		}
		if (*word < '0' || *word > '9' || num > INT64_MAX / 1000 || den > INT64_MAX / 1000)
			return -EINVAL;
		num = num * 10 + (*word - '0');
		den *= behind ? 10 : 1;
	}
	*ret_num = num;
	*ret_den = den;
	return num > 0 ? 0 : -EINVAL;
}

/* ---- rows ---- */

static int add(struct described *described, const struct described_row *row)
{
	if (described->n_rows == DESCRIBED_ROWS)
		return -ENOSPC;
	described->rows[described->n_rows++] = *row;
	return 0;
}

static int encode(struct described_row *row, const char *type, const char *order)
{
	static const struct {
		const char *name;
		enum encoding encoding;
		unsigned words;
		bool is_signed;
	} types[] = {
		{"bit", ENCODE_BIT, 1, false},      {"u16", ENCODE_INTEGER, 1, false},
		{"s16", ENCODE_INTEGER, 1, true},   {"u32", ENCODE_INTEGER, 2, false},
		{"s32", ENCODE_INTEGER, 2, true},   {"u64", ENCODE_INTEGER, 4, false},
		{"s64", ENCODE_INTEGER, 4, true},   {"float32", ENCODE_FLOAT, 2, true},
		{"float64", ENCODE_FLOAT, 4, true}, {"bcd32", ENCODE_BCD, 2, false},
		{"bcd48", ENCODE_BCD, 3, false},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, type) == 0) {
			row->encoding = types[i].encoding;
			row->words = types[i].words;
			row->is_signed = types[i].is_signed;
			row->lsw_first = strcmp(order, "lsw") == 0;
			return 0;
		}
	return -EINVAL;
}

static void channels_of(struct described_row *row, const struct words *words)
{
	const char *group = words_option(words, "group");
	const char *colon = group ? strchr(group, ':') : NULL;

	row->each = (unsigned)option_number(words, "each");
	if (colon) {
		row->group = (unsigned)strtoul(group, NULL, 0);
		row->group_each = (unsigned)strtoul(colon + 1, NULL, 0);
	}
}

/* "voltage_l2" is the voltage of part 1. */
static int show_of(struct described_row *row, const char *quantity)
{
	static const struct {
		const char *name;
		enum show show;
		unsigned part;
		bool money;
	} quantities[] = {
		{"energy_import", SHOW_ENERGY, 0, true},
		{"counter", SHOW_ENERGY, 0, true},
		{"volume", SHOW_ENERGY, 0, true},
		{"energy_total", SHOW_ENERGY, 0, false},
		{"energy_band_1", SHOW_BAND, 0, false},
		{"energy_band_2", SHOW_BAND, 1, false},
		{"energy_band_3", SHOW_BAND, 2, false},
		{"energy_band_4", SHOW_BAND, 3, false},
		{"energy_export", SHOW_ZERO, 0, false},
		{"energy_l", SHOW_ENERGY_PHASE, 0, false},
		{"voltage_l", SHOW_VOLTAGE, 0, false},
		{"current_l", SHOW_CURRENT, 0, false},
		{"power_l", SHOW_POWER_PHASE, 0, false},
		{"power", SHOW_POWER, 0, false},
		{"reactive", SHOW_REACTIVE, 0, false},
		{"apparent", SHOW_APPARENT, 0, false},
		{"power_factor", SHOW_POWER_FACTOR, 0, false},
		{"frequency", SHOW_FREQUENCY, 0, false},
		{"serial_number", SHOW_SERIAL, 0, false},
		{"ct_ratio", SHOW_RATIO, RATIO_CT, false},
		{"pt_ratio", SHOW_RATIO, RATIO_PT, false},
		{"pulses_per_unit", SHOW_RATIO, RATIO_PULSES, false},
		{"ct_phase_shift", SHOW_ZERO, 0, false},
		{"ct_phase_shift_l", SHOW_ZERO, 0, false},
		{"ct_ratio_l2", SHOW_RATIO, RATIO_CT, false},
		{"ct_ratio_l3", SHOW_RATIO, RATIO_CT, false},
		{"pulse_weight", SHOW_RATIO, RATIO_PULSES, false},
		{"volume_offset", SHOW_ZERO, 0, false},
		{"zero", SHOW_ZERO, 0, false},
	};

	for (size_t i = 0; i < sizeof(quantities) / sizeof(quantities[0]); i++) {
		size_t n = strlen(quantities[i].name);
		bool phase = n > 2 && strcmp(quantities[i].name + n - 2, "_l") == 0;

		if (strncmp(quantity, quantities[i].name, n) != 0 ||
		    (phase ? quantity[n] < '1' || quantity[n] > '3' : quantity[n] != '\0'))
			continue;
		row->show = quantities[i].show;
		row->part = phase ? (unsigned)(quantity[n] - '1') : quantities[i].part;
		row->money = quantities[i].money;
		return 0;
	}
	return -EINVAL;
}

/* How many of the base unit one of the unit is. */
static int64_t factor_of(const char *unit)
{
	static const char *const thousands[] = {"kWh", "kW", "kvar", "kVA", "m3", "unit"};

	for (size_t i = 0; i < sizeof(thousands) / sizeof(thousands[0]); i++)
		if (strcmp(thousands[i], unit) == 0)
			return 1000;
	return 1;
}

int described_take_register(struct described *described, const struct words *given,
			    const struct words *words)
{
	const char *function = words_option(given, "function");
	const char *ratios = words_option(words, "ratio"), *per = words_option(words, "per");
	const char *step = words_option(words, "step");
	struct described_row row = {0};
	int r = words->n < 8 ? -EINVAL : show_of(&row, words->word[1]);

	if (r == 0)
		r = encode(&row, words->word[4], words->word[5]);
	if (r == 0)
		r = decimal(words->word[6], &row.scale_num, &row.scale_den);
	if (r < 0)
		return r;
	row.functions = described_functions(function ? function : words->word[2]);
	row.address = (uint16_t)strtoul(words->word[3], NULL, 0);
	row.scale_num *= factor_of(words->word[7]);
	if (step) {
		r = decimal(step, &row.step_num, &row.step_den);
		row.step_num *= factor_of(words->word[7]);
	}
	channels_of(&row, words);
	row.by[RATIO_CT] = lists(ratios, "ct");
	row.by[RATIO_PT] = lists(ratios, "pt");
	row.by[RATIO_PULSES] = lists(per, "pulses");
	row.offset = option_number(words, "offset");
	return r < 0 ? r : add(described, &row);
}

int described_take_state(struct described *described, const struct words *given,
			 const struct words *words)
{
	bool relay = words->n > 1 && strcmp(words->word[1], "relay_closed") == 0;
	struct described_row row = {.show = relay ? SHOW_RELAY : SHOW_NO};
	int r = words->n < 7 ? -EINVAL : encode(&row, words->word[4], "msw");

	(void)given;
	if (r < 0)
		return r;
	row.functions = described_functions(words->word[2]);
	row.address = (uint16_t)strtoul(words->word[3], NULL, 0);
	row.yes = (uint64_t)option_number(words, "yes");
	row.no = (uint64_t)option_number(words, "no");
	channels_of(&row, words);
	return add(described, &row);
}

int described_take_mark(struct described *described, const struct words *given,
			const struct words *words)
{
	struct described_row row = {.show = SHOW_FIXED};

	(void)given;
	if (words->n < 4)
		return -EINVAL;
	row.functions = described_functions(words->word[1]);
	row.address = (uint16_t)strtoul(words->word[2], NULL, 0);
	row.alone = words_option(words, "alone") != NULL;
	for (unsigned i = 3; i < words->n && !strchr(words->word[i], '='); i++) {
		if (row.words == DESCRIBED_WORDS)
			return -ENOSPC;
		row.fixed[row.words++] = (uint16_t)strtoul(words->word[i], NULL, 0);
	}
	/* Of several variants of one product the first is played. */
	for (unsigned i = 0; i < described->n_rows; i++)
		if (described->rows[i].show == SHOW_FIXED &&
		    described->rows[i].address == row.address)
			return 0;
	return add(described, &row);
}

/* The first of the alternatives is what the device says. */
int described_take_text(struct described *described, const struct words *given,
			const struct words *words)
{
	struct described_row row = {.show = SHOW_FIXED};

	(void)given;
	if (words->n < 5 || strlen(words->word[4]) > 2 * DESCRIBED_WORDS)
		return -EINVAL;
	row.functions = described_functions(words->word[1]);
	row.address = (uint16_t)strtoul(words->word[2], NULL, 0);
	for (const char *at = words->word[4]; *at; at += at[1] ? 2 : 1)
		row.fixed[row.words++] = (uint16_t)((unsigned char)at[0] << 8 |
						    (unsigned char)at[1]);
	return add(described, &row);
}

static unsigned values_of(const char *list, uint16_t values[static DESCRIBED_WORDS])
{
	unsigned n = 0;
	char *end;

	while (list && *list && n < DESCRIBED_WORDS) {
		values[n++] = (uint16_t)strtoul(list, &end, 0);
		list = *end == ',' ? end + 1 : NULL;
	}
	return n;
}

int described_take_relay(struct described *described, const struct words *given,
			 const struct words *words)
{
	struct described_relay *relay = &described->relay;

	(void)given;
	if (words->n < 5)
		return -EINVAL;
	relay->function = (uint8_t)strtoul(words->word[1], NULL, 0);
	relay->address = (uint16_t)strtoul(words->word[2], NULL, 0);
	relay->each = (unsigned)option_number(words, "each");
	relay->words = values_of(words_option(words, "close"), relay->close);
	return relay->words > 0 &&
			       values_of(words_option(words, "open"), relay->open) == relay->words
		       ? 0
		       : -EINVAL;
}
