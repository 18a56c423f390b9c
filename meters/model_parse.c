/* model_parse.c - sections of a file to a struct model.
 *
 * Two passes, so that the sections may stand in any order: [model] and the spans, then what points
 * into them. What only the whole model can tell is checked in model_check.c.
 */
#include "meters/model_parse.h"

#include <errno.h>
#include <string.h>

#include "meters/model_check.h"
#include "meters/model_value.h"
#include "meters/quantity.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct word kinds[] = {
	{"meter", MODEL_METER}, {"relay", MODEL_RELAY_BOARD}, {"water", MODEL_WATER}};
static const struct word confidences[] = {{"high", MODEL_CONFIDENCE_HIGH},
					  {"medium", MODEL_CONFIDENCE_MEDIUM},
					  {"low", MODEL_CONFIDENCE_LOW}};
static const struct word parities[] = {{"none", 'N'}, {"even", 'E'}, {"odd", 'O'}};
static const struct word roles[] = {{"energy", MODEL_ROLE_ENERGY},
				    {"instant", MODEL_ROLE_INSTANT},
				    {"relay", MODEL_ROLE_RELAY},
				    {"identity", MODEL_ROLE_IDENTITY},
				    {"ratio", MODEL_ROLE_RATIO}};
static const struct word types[] = {
	{"bit", MODEL_BIT},     {"u16", MODEL_U16},         {"s16", MODEL_S16},
	{"u32", MODEL_U32},     {"s32", MODEL_S32},         {"u64", MODEL_U64},
	{"s64", MODEL_S64},     {"float32", MODEL_FLOAT32}, {"float64", MODEL_FLOAT64},
	{"bcd16", MODEL_BCD16}, {"bcd32", MODEL_BCD32},     {"bcd48", MODEL_BCD48},
	{"bcd64", MODEL_BCD64},
};
static const struct word orders[] = {{"msw", MODEL_MSW_FIRST}, {"lsw", MODEL_LSW_FIRST}};

/* "source", "source_2" and so on, and notes: for people; any section may have them. */
static bool key_is_for_people(const char *name)
{
	static const char *const prefixes[] = {"source", "note"};

	for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
		size_t length = strlen(prefixes[i]);

		if (strncmp(name, prefixes[i], length) == 0 &&
		    (name[length] == '\0' || (name[length] == '_' && name[length + 1] >= '2' &&
					      name[length + 1] <= '9' && name[length + 2] == '\0')))
			return true;
	}
	return false;
}

/* Every key must have been asked for by the time its section is read. */
static void section_finish(struct model_reader *reader)
{
	const struct section *section = reader->section;

	for (unsigned i = section->first; i < section->first + section->count; i++) {
		const struct section_key *key = &reader->sections->key[i];

		if (!key->used && !key_is_for_people(key->name))
			model_complain(reader, key->line,
				       "unknown key %s in [%s]: see prepay-meter(5)", key->name,
				       section->name);
	}
}

static void read_name(struct model_reader *reader, struct model *model)
{
	const struct section_key *key = model_need(reader, "name", "the file's name before .meter");
	const char *slash = strrchr(reader->error->path, '/');
	const char *file = slash == NULL ? reader->error->path : slash + 1;
	size_t length;

	model_text(reader, key, model->name, sizeof(model->name));
	if (reader->result < 0)
		return;
	length = strlen(model->name);
	if (strspn(model->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != length)
		model_complain(reader, key->line, "name = %s: expected a to z, 0 to 9 and -",
			       model->name);
	else if (strncmp(file, model->name, length) != 0 || strcmp(file + length, ".meter") != 0)
		model_complain(reader, key->line, "name = %s: expected the file to be %s.meter",
			       model->name, model->name);
}

static void read_model(struct model_reader *reader, struct model *model)
{
	uint64_t phases = 0;
	uint64_t channels = 1;
	uint64_t max_registers = 0;
	uint64_t gap = 0;
	uint64_t baud = 0;
	uint64_t stop_bits = 0;
	uint64_t address = 0;
	uint64_t modulus = 0;
	uint64_t resolution = 0;
	int kind = 0;
	int confidence = 0;
	int parity = 0;

	read_name(reader, model);
	model_text(reader, model_need(reader, "vendor", "who makes it"), model->vendor,
		   sizeof(model->vendor));
	model_text(reader, model_need(reader, "title", "what its label says"), model->title,
		   sizeof(model->title));
	(void)model_need(reader, "source", "the document or repository the registers come from");
	model_word(reader, model_need(reader, "kind", "meter, relay or water"), kinds,
		   COUNT_OF(kinds), &kind);
	model_word(reader, model_need(reader, "confidence", "high, medium or low"), confidences,
		   COUNT_OF(confidences), &confidence);
	model_number(reader, model_take(reader, "phases"), 1, 3, &phases);
	model_number(reader, model_take(reader, "channels"), 1, MODEL_CHANNEL_MAX, &channels);
	model_number(reader, model_take(reader, "max_registers"), 1, MODEL_COUNT_MAX,
		     &max_registers);
	model_number(reader, model_take(reader, "min_gap_us"), 1, 1000000, &gap);
	model_number(reader, model_take(reader, "baud"), 300, 921600, &baud);
	model_word(reader, model_take(reader, "parity"), parities, COUNT_OF(parities), &parity);
	model_number(reader, model_take(reader, "stop_bits"), 1, 2, &stop_bits);
	model_number(reader, model_take(reader, "address"), 1, 247, &address);
	model_number(reader, model_take(reader, "modulus_wh"), 1, INT64_MAX, &modulus);
	model_number(reader, model_take(reader, "resolution_wh"), 1, 1000000, &resolution);

	model->kind = (enum model_kind)kind;
	model->confidence = (enum model_confidence)confidence;
	model->phases = (uint8_t)phases;
	model->channels = (uint8_t)channels;
	model->max_registers = (uint16_t)max_registers;
	model->min_gap_us = (uint32_t)gap;
	model->baud = (uint32_t)baud;
	model->parity = (char)parity;
	model->stop_bits = (uint8_t)stop_bits;
	model->slave_address = (uint8_t)address;
	model->modulus_wh = (int64_t)modulus;
	model->resolution_wh = (int64_t)resolution;
}

static void read_span(struct model_reader *reader, struct model *model, const char *name)
{
	struct model_span *span = &model->spans[model->spans_count];
	uint64_t function = 0;
	uint64_t address = 0;
	uint64_t count = 0;
	uint64_t channels = model->channels;
	uint64_t stride = 0;
	int role = 0;

	if (model->spans_count == MODEL_SPANS_MAX) {
		model_complain(reader, reader->section->line, "more than %d spans",
			       MODEL_SPANS_MAX);
		return;
	}
	memcpy(span->name, name, strlen(name) + 1);
	model_word(reader, model_need(reader, "role", "energy, instant, relay, identity or ratio"),
		   roles, COUNT_OF(roles), &role);
	model_number(reader, model_need(reader, "function", "1 to 4"), 1, 4, &function);
	model_number(reader, model_need(reader, "address", "the first element as on the wire"), 0,
		     UINT16_MAX, &address);
	model_number(reader, model_need(reader, "count", "elements in one read"), 1,
		     MODEL_COUNT_MAX, &count);
	model_number(reader, model_take(reader, "channels"), 1, model->channels, &channels);
	model_number(reader, model_take(reader, "stride"), 1, UINT16_MAX, &stride);

	span->role = (enum model_role)role;
	span->function = (uint8_t)function;
	span->address = (uint16_t)address;
	span->count = (uint16_t)count;
	span->channels = (uint16_t)channels;
	span->stride = (uint16_t)stride;
	model->spans_count++;
}

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

/* A relay's position is told by two raw values; nothing between them is believed. */
static void read_row_position(struct model_reader *reader, struct model_row *row)
{
	const struct section_key *closed;
	const struct section_key *open;

	if (reader->result < 0 || row->quantity != QUANTITY_RELAY_CLOSED)
		return;
	closed = model_need(reader, "closed", "the raw value of a closed relay");
	open = model_need(reader, "open", "the raw value of an open relay");
	model_number(reader, closed, 0, UINT64_MAX, &row->closed);
	model_number(reader, open, 0, UINT64_MAX, &row->open);
	if (reader->result == 0 && row->closed == row->open)
		model_complain(reader, open->line, "open = %s: expected another value than closed",
			       open->value);
}

static void read_row(struct model_reader *reader, struct model *model, const char *name)
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
	read_row_position(reader, row);
	row->mask = UINT64_MAX;
	model_number(reader, mask, 1, UINT64_MAX, &row->mask);
	if (mask != NULL && row->type != MODEL_U16 && row->type != MODEL_U32 &&
	    row->type != MODEL_U64)
		model_complain(reader, mask->line, "mask: expected only with u16, u32 or u64");
	model->rows_count++;
}

static void read_write_function(struct model_reader *reader, uint8_t *ret)
{
	const struct section_key *key = model_need(reader, "function", "5, 6 or 16");
	uint64_t function = 0;

	model_number(reader, key, 0, UINT8_MAX, &function);
	if (reader->result == 0 && function != FUNCTION_WRITE_COIL &&
	    function != FUNCTION_WRITE_REGISTER && function != FUNCTION_WRITE_REGISTERS)
		model_complain(reader, key->line, "function = %s: expected 5, 6 or 16", key->value);
	*ret = (uint8_t)function;
}

/* The values of one write: a coil takes 0xFF00 or 0x0000 alone, a single register one value. */
static uint8_t read_write_values(struct model_reader *reader, const struct section_key *key,
				 const char *text, uint8_t function,
				 uint16_t ret[static MODEL_VALUE_MAX])
{
	uint64_t values[MODEL_VALUE_MAX] = {0};
	size_t max = function == FUNCTION_WRITE_REGISTERS ? MODEL_VALUE_MAX : 1;
	size_t count = 0;

	model_list(reader, key, text, UINT16_MAX, values, max, &count);
	if (function == FUNCTION_WRITE_COIL && values[0] != 0xFF00 && values[0] != 0)
		model_complain(reader, key->line, "%s = %s: a coil is written 0xFF00 or 0x0000",
			       key->name, key->value);
	for (size_t i = 0; i < MODEL_VALUE_MAX; i++)
		ret[i] = (uint16_t)values[i];
	return (uint8_t)count;
}

static void read_relay(struct model_reader *reader, struct model *model)
{
	struct model_relay *relay = &model->relay;
	const struct section_key *close = model_need(reader, "close",
						     "the value or values written");
	const struct section_key *open = model_need(reader, "open", "the value or values written");
	const struct section_key *stride = model_take(reader, "stride");
	uint64_t address = 0;
	uint64_t step = 0;
	uint8_t open_count;

	read_write_function(reader, &relay->function);
	model_number(reader, model_need(reader, "address", "the element of channel 1"), 0,
		     UINT16_MAX, &address);
	model_number(reader, stride, 1, UINT16_MAX, &step);
	if (model->channels > 1 && stride == NULL)
		model_complain(
			reader, reader->section->line,
			"[relay] has no stride: expected elements from one channel to the next");
	if (address + (model->channels - 1U) * step > UINT16_MAX)
		model_complain(reader, reader->section->line,
			       "[relay] reaches past address 0xFFFF");
	if (reader->result < 0)
		return;
	relay->count = read_write_values(reader, close, close->value, relay->function,
					 relay->close);
	open_count = read_write_values(reader, open, open->value, relay->function, relay->open);
	if (open_count != relay->count)
		model_complain(reader, open->line, "open = %s: expected %u values as in close",
			       open->value, (unsigned)relay->count);
	else if (memcmp(relay->open, relay->close, sizeof(relay->open)) == 0)
		model_complain(reader, open->line, "open = %s: expected another value than close",
			       open->value);
	relay->address = (uint16_t)address;
	relay->stride = (uint16_t)step;
	relay->present = true;
}

static void read_write_allow(struct model_reader *reader, struct model_write *write)
{
	const struct section_key *key = model_need(
		reader, "allow", "the values that may be written, parted by commas");
	char text[SECTION_LINE_MAX + 1];
	char *rest = text;
	char *one;

	if (key == NULL)
		return;
	memcpy(text, key->value, sizeof(text));
	while (reader->result == 0 && (one = strsep(&rest, ",")) != NULL) {
		uint8_t count;

		if (write->allowed_count == MODEL_ALLOW_MAX) {
			model_complain(reader, key->line, "allow: more than %d alternatives",
				       MODEL_ALLOW_MAX);
			return;
		}
		count = read_write_values(reader, key, one, write->function,
					  write->allowed[write->allowed_count]);
		if (write->allowed_count > 0 && count != write->count)
			model_complain(reader, key->line,
				       "allow = %s: expected as many values in each alternative",
				       key->value);
		write->count = count;
		write->allowed_count++;
	}
}

static void read_write(struct model_reader *reader, struct model *model, const char *name)
{
	struct model_write *write = &model->writes[model->writes_count];

	if (model->writes_count == MODEL_WRITES_MAX) {
		model_complain(reader, reader->section->line, "more than %d writes",
			       MODEL_WRITES_MAX);
		return;
	}
	memcpy(write->name, name, strlen(name) + 1);
	read_write_function(reader, &write->function);
	model_range(reader, model_need(reader, "address", "the element, or a range such as 0..7"),
		    &write->first, &write->last);
	read_write_allow(reader, write);
	model->writes_count++;
}

/* The name in "[span energy]" if the section is of this kind, else NULL. */
static const char *section_called(struct model_reader *reader, const char *kind)
{
	const char *name = reader->section->name;
	size_t length = strlen(kind);

	if (strncmp(name, kind, length) != 0 || name[length] != ' ')
		return NULL;
	name += length + 1;
	length = strlen(name);
	if (length == 0 || length > MODEL_NAME_MAX ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != length)
		model_complain(reader, reader->section->line,
			       "[%s]: expected a name of a to z, 0 to 9, _ and - after %s",
			       reader->section->name, kind);
	return name;
}

static bool section_is(const struct model_reader *reader, const char *name)
{
	return strcmp(reader->section->name, name) == 0;
}

static void read_section(struct model_reader *reader, struct model *model, bool second)
{
	const char *span = section_called(reader, "span");
	const char *row = section_called(reader, "row");
	const char *write = section_called(reader, "write");

	if (reader->result < 0)
		return;
	if (section_is(reader, "model"))
		return;
	if (span != NULL && !second)
		read_span(reader, model, span);
	else if (row != NULL && second)
		read_row(reader, model, row);
	else if (write != NULL && second)
		read_write(reader, model, write);
	else if (section_is(reader, "relay") && second)
		read_relay(reader, model);
	else if (span == NULL && row == NULL && write == NULL && !section_is(reader, "relay"))
		model_complain(
			reader, reader->section->line,
			"unknown section [%s]: expected model, span NAME, row NAME, relay or "
			"write NAME",
			reader->section->name);
	else
		return;
	section_finish(reader);
}

static void read_file(struct model_reader *reader, struct model *model)
{
	struct sections *sections = reader->sections;
	bool found = false;

	for (unsigned i = 0; i < sections->count; i++) {
		reader->section = &sections->section[i];
		if (section_is(reader, "model")) {
			found = true;
			read_model(reader, model);
			section_finish(reader);
		}
	}
	if (!found)
		model_complain(reader, 0, "no section [model]");
	for (int second = 0; second <= 1; second++)
		for (unsigned i = 0; i < sections->count && reader->result == 0; i++) {
			reader->section = &sections->section[i];
			read_section(reader, model, second != 0);
		}
}

int model_parse(struct model *ret, const char *path, const char *text, size_t size, char *error,
		size_t error_size)
{
	struct file_error file_error = {.path = path, .text = error, .size = error_size};
	struct model_reader reader = {.error = &file_error};
	struct model model = {0};
	int r;

	if (size > MODEL_FILE_BYTES_MAX)
		return file_error_set(&file_error, 0, "%zu bytes: expected at most %d", size,
				      MODEL_FILE_BYTES_MAX);
	r = sections_open(&reader.sections, text, size, &file_error);
	if (r < 0)
		return r;
	read_file(&reader, &model);
	if (reader.result == 0)
		model_check(&reader, &model);
	sections_close(reader.sections);
	if (reader.result < 0)
		return reader.result;
	*ret = model;
	return 0;
}
