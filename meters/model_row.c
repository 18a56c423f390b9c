/* model_row.c - where a value lies and what it is. */
#include "meters/model_row.h"

#include <string.h>

#include "meters/quantity.h"

static const struct word types[] = {
	{"bit", MODEL_BIT},     {"u16", MODEL_U16},         {"s16", MODEL_S16},
	{"u32", MODEL_U32},     {"s32", MODEL_S32},         {"u64", MODEL_U64},
	{"s64", MODEL_S64},     {"float32", MODEL_FLOAT32}, {"float64", MODEL_FLOAT64},
	{"bcd16", MODEL_BCD16}, {"bcd32", MODEL_BCD32},     {"bcd48", MODEL_BCD48},
	{"bcd64", MODEL_BCD64},
};
static const struct word orders[] = {{"msw", MODEL_MSW_FIRST}, {"lsw", MODEL_LSW_FIRST}};

static void read_row_span(struct model_reader *reader, const struct model *model,
			  struct model_row *row)
{
	const struct section_key *key = model_need(reader, "span", "the name of a [span ...]");

	if (key == NULL)
		return;
	for (unsigned i = 0; i < model->spans_count; i++)
		if (strcmp(model->spans[i].name, key->value) == 0) {
			row->span = (uint8_t)i;
			return;
		}
	model_complain(reader, key->line, "span = %s: there is no [span %s]", key->value,
		       key->value);
}

static void read_row_register(struct model_reader *reader, const struct model *model,
			      struct model_row *row)
{
	const struct section_key *key = model_need(reader, "register",
						   "the element's address as on the wire");
	const struct model_span *span = &model->spans[row->span];
	uint64_t address = span->address;
	uint64_t stride = 0;
	size_t last;

	model_number(reader, key, 0, UINT16_MAX, &address);
	model_number(reader, model_take(reader, "stride"), 1, MODEL_COUNT_MAX, &stride);
	if (reader->result < 0)
		return;
	last = address + (span->channels - 1U) * stride + model_type_elements(row->type) - 1;
	if (address < span->address || last >= (size_t)span->address + span->count)
		model_complain(
			reader, key->line,
			"register = %s: expected all of it inside [span %s], 0x%04X to 0x%04X",
			key->value, span->name, (unsigned)span->address,
			(unsigned)span->address + span->count - 1U);
	row->offset = (uint16_t)(address - span->address);
	row->stride = (uint16_t)stride;
}

static void read_row_quantity(struct model_reader *reader, const char *name, struct model_row *row)
{
	const struct section_key *key = model_take(reader, "quantity");
	const char *quantity = key == NULL ? name : key->value;

	if (quantity_find(quantity, &row->quantity) < 0)
		model_complain(reader, key == NULL ? reader->section->line : key->line,
			       "no quantity %s: expected one of prepay-meter(5), by the row's name "
			       "or by quantity =",
			       quantity);
}

static void read_row_scale(struct model_reader *reader, struct model_row *row)
{
	const struct section_key *unit = model_take(reader, "unit");
	const struct section_key *scale = model_take(reader, "scale");
	const struct section_key *witness = model_take(reader, "witness");
	struct fraction fraction = {.numerator = 1, .denominator = 1};
	int64_t factor = 1;

	if (reader->result < 0)
		return;
	if (unit == NULL && quantity_unit(row->quantity, "one", &factor) < 0)
		model_complain(reader, reader->section->line,
			       "[%s] has no unit: expected one of %s", reader->section->name,
			       quantity_units(row->quantity));
	if (unit != NULL && quantity_unit(row->quantity, unit->value, &factor) < 0)
		model_complain(reader, unit->line, "unit = %s: expected one of %s", unit->value,
			       quantity_units(row->quantity));
	model_fraction(reader, scale, &fraction);
	if (!fraction_multiply(&fraction, factor, &fraction) && scale != NULL)
		model_complain(reader, scale->line, "scale = %s: too large", scale->value);
	row->numerator = fraction.numerator;
	row->denominator = fraction.denominator;

	row->witness = witness != NULL;
	model_bounds(reader, witness, factor, &row->least, &row->most);
}

static void read_row_absent(struct model_reader *reader, struct model_row *row)
{
	const struct section_key *key = model_take(reader, "absent");
	size_t count = 0;

	if (key == NULL)
		return;
	model_list(reader, key, key->value, UINT64_MAX, row->absent, MODEL_ABSENT_MAX, &count);
	row->absent_count = (uint8_t)count;
}

/* One state's raw values: one, or several that mean the same. */
static uint8_t read_state_values(struct model_reader *reader, const struct section_key *key,
				 uint64_t ret[static MODEL_STATE_MAX])
{
	size_t count = 0;

	if (key != NULL)
		model_list(reader, key, key->value, UINT64_MAX, ret, MODEL_STATE_MAX, &count);
	return (uint8_t)count;
}

/* A state is told by raw values; nothing between them is believed. */
static void read_row_state(struct model_reader *reader, struct model_row *row)
{
	bool contact = row->quantity == QUANTITY_RELAY_CLOSED ||
		       row->quantity == QUANTITY_SAFE_CLOSED;
	const struct section_key *closed;
	const struct section_key *open;

	if (reader->result < 0 || !quantity_is_state(row->quantity))
		return;
	closed = contact ? model_need(reader, "closed", "the raw value of a closed relay")
			 : model_need(reader, "yes", "the raw value that says yes");
	open = contact ? model_need(reader, "open", "the raw value of an open relay")
		       : model_need(reader, "no", "the raw value that says no");
	row->closed_count = read_state_values(reader, closed, row->closed);
	row->open_count = read_state_values(reader, open, row->open);
	for (unsigned i = 0; i < row->closed_count; i++)
		for (unsigned k = 0; k < row->open_count && reader->result == 0; k++)
			if (row->closed[i] == row->open[k])
				model_complain(reader, open->line,
					       "%s = %s: expected another value than %s",
					       open->name, open->value, closed->name);
}

/* "ct pt": bits of the ratios named. */
static uint8_t read_ratios(struct model_reader *reader, const char *name)
{
	static const char *const words[RATIO_COUNT] = {
		[RATIO_CT] = "ct", [RATIO_PT] = "pt", [RATIO_PULSES] = "pulses"};
	const struct section_key *key = model_take(reader, name);
	unsigned set = 0;

	if (key == NULL)
		return 0;
	for (const char *p = key->value; *p != '\0';) {
		size_t length = strcspn(p, " \t");
		unsigned ratio = 0;

		while (ratio < RATIO_COUNT &&
		       (strlen(words[ratio]) != length || strncmp(words[ratio], p, length) != 0))
			ratio++;
		if (ratio == RATIO_COUNT || (set >> ratio & 1) != 0) {
			model_complain(reader, key->line,
				       "%s = %s: expected ct, pt or pulses, each once, parted by "
				       "blanks",
				       name, key->value);
			return 0;
		}
		set |= 1U << ratio;
		p += length;
		p += strspn(p, " \t");
	}
	return (uint8_t)set;
}

void model_row_read(struct model_reader *reader, struct model *model, const char *name)
{
	struct model_row *row = &model->rows[model->rows_count];
	const struct section_key *order = model_take(reader, "order");
	const struct section_key *mask = model_take(reader, "mask");
	int type = MODEL_U16;
	int word_order = MODEL_MSW_FIRST;

	if (model->rows_count == MODEL_ROWS_MAX) {
		model_complain(reader, reader->section->line, "more than %d rows", MODEL_ROWS_MAX);
		return;
	}
	memcpy(row->name, name, strlen(name) + 1);
	read_row_span(reader, model, row);
	model_word(reader, model_need(reader, "type", "bit, u16, s32, float32 ..."), types,
		   COUNT_OF(types), &type);
	row->type = (enum model_type)type;
	if (model_type_elements(row->type) > 1)
		order = model_need(reader, "order", "msw or lsw: which register comes first");
	model_word(reader, order, orders, COUNT_OF(orders), &word_order);
	row->order = (enum model_order)word_order;
	read_row_register(reader, model, row);
	read_row_quantity(reader, name, row);
	read_row_scale(reader, row);
	read_row_absent(reader, row);
	read_row_state(reader, row);
	row->times = read_ratios(reader, "ratio");
	row->alone = read_ratios(reader, "ratio_one");
	row->mask = UINT64_MAX;
	model_number(reader, mask, 1, UINT64_MAX, &row->mask);
	if (mask != NULL && row->type != MODEL_U16 && row->type != MODEL_U32 &&
	    row->type != MODEL_U64)
		model_complain(reader, mask->line, "mask: expected only with u16, u32 or u64");
	model->rows_count++;
}
