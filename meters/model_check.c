/* model_check.c - the whole of a model: do its parts fit together? */
#include "meters/model_check.h"

#include <inttypes.h>
#include <string.h>

#include "meters/quantity.h"
#include "meters/read_apart.h"

__extension__ typedef unsigned __int128 wide;

/* Line of "[kind name]", for complaints. */
static int section_line(const struct model_reader *reader, const char *kind, const char *name)
{
	size_t length = strlen(kind);

	for (unsigned i = 0; i < reader->sections->count; i++) {
		const struct section *section = &reader->sections->section[i];

		if (strncmp(section->name, kind, length) == 0 &&
		    strcmp(section->name + length, name) == 0)
			return section->line;
	}
	return 0;
}

static int row_line(const struct model_reader *reader, const struct model_row *row)
{
	return section_line(reader, "row ", row->name);
}

static int span_line(const struct model_reader *reader, const struct model_span *span)
{
	return section_line(reader, "span ", span->name);
}

static const struct model_row *find_row(const struct model *model, enum quantity quantity)
{
	for (unsigned i = 0; i < model->rows_count; i++)
		if (model->rows[i].quantity == quantity)
			return &model->rows[i];
	return NULL;
}

static bool span_is_bits(const struct model_span *span)
{
	return span->function == FUNCTION_READ_COILS || span->function == FUNCTION_READ_DISCRETE;
}

static unsigned span_reply_bytes(const struct model_span *span)
{
	return read_apart_bytes(span->function, span->count);
}

static unsigned span_blocks(const struct model *model, const struct model_span *span)
{
	return span->stride == 0 ? 1 : (model->channels + span->channels - 1U) / span->channels;
}

static void check_span_blocks(struct model_reader *reader, const struct model *model,
			      const struct model_span *span)
{
	unsigned blocks = (model->channels + span->channels - 1U) / span->channels;
	int line = span_line(reader, span);

	if (blocks > 1 && span->stride == 0)
		model_complain(reader, line,
			       "[span %s] has no stride: expected elements from one block of %u "
			       "channels to the next",
			       span->name, (unsigned)span->channels);
	if (span->address + (blocks - 1) * span->stride + span->count - 1U > UINT16_MAX)
		model_complain(reader, line, "[span %s] reaches past address 0xFFFF", span->name);
	if (!span_is_bits(span) && model->max_registers > 0 && span->count > model->max_registers)
		model_complain(reader, line,
			       "[span %s] reads %u registers: expected at most max_registers = %u",
			       span->name, (unsigned)span->count, (unsigned)model->max_registers);
}

/* A reply carries no address: what tells two answers of one meter apart is function and length. */
static void check_span_lengths(struct model_reader *reader, const struct model *model, unsigned i)
{
	const struct model_span *span = &model->spans[i];

	for (unsigned k = 0; k < i; k++) {
		const struct model_span *other = &model->spans[k];

		if (model_role_is_seldom(span->role) && model_role_is_seldom(other->role))
			continue;
		if (other->function == span->function &&
		    span_reply_bytes(other) == span_reply_bytes(span))
			model_complain(
				reader, span_line(reader, span),
				"[span %s] has the answer length of [span %s]: a late answer "
				"to one would pass for the other; expected another count",
				span->name, other->name);
	}
}

/* Blocks of one span are of one length: they are kept apart by a read between them that can be taken for
 * none of them, nor for another of its own span (read_apart.h). */
static void check_span_apart(struct model_reader *reader, const struct model *model, unsigned i)
{
	const struct model_span *span = &model->spans[i];

	if (span_blocks(model, span) < 2 || model_role_is_seldom(span->role))
		return;
	for (unsigned k = 0; k < model->spans_count; k++)
		if (k != i && span_blocks(model, &model->spans[k]) == 1 &&
		    !model_role_is_seldom(model->spans[k].role))
			return;
	model_complain(reader, span_line(reader, span),
		       "[span %s] has blocks of one length, and nothing to be read between them: "
		       "an answer to one would pass for another's; expected another span of role "
		       "energy, instant or relay without a stride",
		       span->name);
}

static void check_span_rows(struct model_reader *reader, const struct model *model, unsigned span)
{
	bool any = false;

	for (unsigned i = 0; i < model->rows_count; i++)
		any = any || model->rows[i].span == span;
	if (!any)
		model_complain(reader, span_line(reader, &model->spans[span]),
			       "[span %s] has no row: expected at least one",
			       model->spans[span].name);
}

/* T1e: a witness in the same answer proves it; one in another answer only that the meter is well. */
static void check_span_witness(struct model_reader *reader, struct model *model, unsigned span)
{
	struct model_span *own = &model->spans[span];
	unsigned holder = own->witness < 0 ? span : (unsigned)own->witness;
	bool inside = false;
	bool there = false;

	for (unsigned i = 0; i < model->rows_count; i++) {
		inside = inside || (model->rows[i].span == span && model->rows[i].witness);
		there = there || (model->rows[i].span == holder && model->rows[i].witness);
	}
	if (own->witness >= 0 && inside)
		model_complain(reader, span_line(reader, own),
			       "[span %s] has a witness of its own: expected no witness key",
			       own->name);
	else if (own->witness >= 0 && !there)
		model_complain(reader, span_line(reader, own),
			       "witness = %s: expected a row with a witness there",
			       model->spans[holder].name);
	else if (inside)
		own->witness = (int8_t)span;
}

struct belonging {
	enum quantity quantity;
	enum model_role role;
	const char *name;
};

/* What is only believed in a span of one role. */
static const struct belonging belongings[] = {
	{QUANTITY_ENERGY_IMPORT_WH, MODEL_ROLE_ENERGY, "energy"},
	{QUANTITY_RELAY_CLOSED, MODEL_ROLE_RELAY, "relay"},
	{QUANTITY_CT_RATIO_MILLI, MODEL_ROLE_RATIO, "ratio"},
	{QUANTITY_PT_RATIO_MILLI, MODEL_ROLE_RATIO, "ratio"},
	{QUANTITY_PULSES_PER_UNIT_MILLI, MODEL_ROLE_RATIO, "ratio"},
	{QUANTITY_CT_PHASE_SHIFT, MODEL_ROLE_RATIO, "ratio"},
	{QUANTITY_CT_RATIO_L2_MILLI, MODEL_ROLE_RATIO, "ratio"},
	{QUANTITY_CT_RATIO_L3_MILLI, MODEL_ROLE_RATIO, "ratio"},
	{QUANTITY_CT_PHASE_SHIFT_L2, MODEL_ROLE_RATIO, "ratio"},
	{QUANTITY_CT_PHASE_SHIFT_L3, MODEL_ROLE_RATIO, "ratio"},
	{QUANTITY_PULSE_WEIGHT_MILLI, MODEL_ROLE_RATIO, "ratio"},
	{QUANTITY_VOLUME_OFFSET_L, MODEL_ROLE_RATIO, "ratio"},
	{QUANTITY_OWN_PREPAID, MODEL_ROLE_MODE, "mode"},
	{QUANTITY_LINK_LOSS_MOVES, MODEL_ROLE_SAFE, "safe"},
	{QUANTITY_SAFE_CLOSED, MODEL_ROLE_SAFE, "safe"},
	{QUANTITY_POWER_ON_MOVES, MODEL_ROLE_SAFE, "safe"},
};

static void check_row_role(struct model_reader *reader, const struct model *model,
			   const struct model_row *row)
{
	const struct model_span *span = &model->spans[row->span];

	for (size_t i = 0; i < COUNT_OF(belongings); i++)
		if (row->quantity == belongings[i].quantity && span->role != belongings[i].role)
			model_complain(reader, row_line(reader, row),
				       "[row %s]: expected it in a span of role %s", row->name,
				       belongings[i].name);
}

/* Band registers are told apart by number, and of use only with the total of the same answer. */
static void check_row_band(struct model_reader *reader, const struct model *model,
			   const struct model_row *row)
{
	const struct model_row *total = find_row(model, QUANTITY_ENERGY_IMPORT_WH);

	if (!quantity_is_band(row->quantity))
		return;
	if (total == NULL || total->span != row->span)
		model_complain(reader, row_line(reader, row),
			       "[row %s]: expected it in the span of energy_import", row->name);
	if (row->quantity != QUANTITY_ENERGY_BAND_1_WH &&
	    find_row(model, (enum quantity)(row->quantity - 1)) == NULL)
		model_complain(reader, row_line(reader, row),
			       "[row %s]: expected the band before it as well", row->name);
}

/* A ratio that is used must be one that is read, and not out of its own span. */
static void check_row_ratios(struct model_reader *reader, const struct model *model,
			     const struct model_row *row)
{
	static const enum quantity quantities[RATIO_COUNT] = {
		[RATIO_CT] = QUANTITY_CT_RATIO_MILLI,
		[RATIO_PT] = QUANTITY_PT_RATIO_MILLI,
		[RATIO_PULSES] = QUANTITY_PULSES_PER_UNIT_MILLI,
	};
	unsigned set = (unsigned)row->times | row->alone;
	int line = row_line(reader, row);

	if (set != 0 && (model->spans[row->span].role == MODEL_ROLE_RATIO || row->witness))
		model_complain(reader, line,
			       "[row %s]: a ratio, and a witness, cannot hang on a ratio",
			       row->name);
	for (unsigned ratio = 0; ratio < RATIO_COUNT; ratio++)
		if ((set >> ratio & 1) != 0 && find_row(model, quantities[ratio]) == NULL)
			model_complain(reader, line,
				       "[row %s] hangs on a ratio that is not read: expected a row "
				       "%s in a span of role ratio",
				       row->name, quantity_name(quantities[ratio]));
}

static void check_row(struct model_reader *reader, const struct model *model, unsigned i)
{
	const struct model_row *row = &model->rows[i];
	const struct model_span *span = &model->spans[row->span];
	int line = row_line(reader, row);

	if (span_is_bits(span) != (row->type == MODEL_BIT))
		model_complain(reader, line,
			       "[row %s]: expected type bit with function 1 or 2 only", row->name);
	check_row_role(reader, model, row);
	check_row_ratios(reader, model, row);
	check_row_band(reader, model, row);
	if (span->channels > 1 && row->stride == 0 && quantity_is_cumulative(row->quantity))
		model_complain(
			reader, line,
			"[row %s] has no stride: %u channels would be charged by one register",
			row->name, (unsigned)span->channels);
	for (unsigned k = 0; k < i; k++) {
		const struct model_row *other = &model->rows[k];
		bool once = quantity_is_cumulative(row->quantity) ||
			    row->quantity == QUANTITY_RELAY_CLOSED || other->span == row->span;

		if (once && other->quantity == row->quantity)
			model_complain(
				reader, line,
				"[row %s] is the same quantity as [row %s]: expected it once",
				row->name, other->name);
	}
}

/* Raw values a type can hold; 0 for floats and for what does not fit. */
static wide type_states(enum model_type type)
{
	unsigned elements = model_type_elements(type);
	wide states = 1;

	switch (type) {
	case MODEL_U16:
	case MODEL_U32:
	case MODEL_U64:
		return (wide)1 << 16 * elements;
	case MODEL_S16:
	case MODEL_S32:
	case MODEL_S64:
		return (wide)1 << (16 * elements - 1);
	case MODEL_BCD16:
	case MODEL_BCD32:
	case MODEL_BCD48:
	case MODEL_BCD64:
		for (unsigned i = 0; i < 4 * elements; i++)
			states *= 10;
		return states;
	case MODEL_BIT:
	case MODEL_FLOAT32:
	case MODEL_FLOAT64:
		return 0;
	}
	return 0;
}

/* T3: what the register's width allows is an upper bound of the modulus. */
static void check_money(struct model_reader *reader, struct model *model,
			const struct model_row *row)
{
	wide states = type_states(row->type);
	wide width = row->numerator > 0
			     ? states * (uint64_t)row->numerator / (uint64_t)row->denominator
			     : 0;
	int64_t step = (row->numerator + row->denominator - 1) / row->denominator;
	int line = row_line(reader, row);
	const char *unit = model->kind == MODEL_WATER ? "l" : "wh";

	if (row->numerator < 0) {
		model_complain(reader, line, "[row %s]: expected a positive scale", row->name);
		return;
	}
	model->width_wh = width > INT64_MAX ? INT64_MAX : (int64_t)width;
	if (states == 0 && model->resolution_wh == 0)
		model_complain(
			reader, line,
			"[row %s] is a float: expected resolution_%s in [model], the step of "
			"the meter's display",
			row->name, unit);
	if (states != 0 && model->resolution_wh != 0 && model->resolution_wh != step)
		model_complain(reader, line,
			       "[row %s] counts steps of %" PRId64
			       " %s: expected resolution_%s to say so, or not to be there",
			       row->name, step, model->kind == MODEL_WATER ? "litres" : "Wh", unit);
	if (states != 0)
		model->resolution_wh = step;
	if (model->width_wh != 0 && model->modulus_wh > model->width_wh)
		model_complain(reader, line,
			       "[row %s] holds less than modulus_%s: expected at most %" PRId64,
			       row->name, unit, model->width_wh);
}

static void check_kind(struct model_reader *reader, struct model *model)
{
	bool water = model->kind == MODEL_WATER;
	const struct model_row *money = find_row(model, water ? QUANTITY_VOLUME_L
							      : QUANTITY_ENERGY_IMPORT_WH);

	if (model->kind == MODEL_METER && money == NULL)
		model_complain(reader, 0,
			       "a meter without energy_import: expected [row energy_import]");
	if (water && money == NULL)
		model_complain(reader, 0, "a water meter without volume: expected [row volume]");
	if (model->kind == MODEL_RELAY_BOARD && !model->relay.present)
		model_complain(reader, 0, "a relay board without commands: expected [relay]");
	if (water && money != NULL && model->spans[money->span].role != MODEL_ROLE_ENERGY)
		model_complain(reader, row_line(reader, money),
			       "[row volume]: expected it in a span of role energy");
	if (money != NULL)
		check_money(reader, model, money);
	else if (model->modulus_wh != 0 || model->resolution_wh != 0)
		model_complain(reader, 0, "modulus or resolution without [row %s]",
			       water ? "volume" : "energy_import");
}

static bool relay_is_allowed(const struct model *model, unsigned channel, const uint16_t *values)
{
	const struct model_relay *relay = &model->relay;
	struct meter_request request = {
		.function = relay->function,
		.address = (uint16_t)(relay->address + (channel - 1) * relay->stride),
		.count = relay->count,
	};

	memcpy(request.value, values, relay->count * sizeof(*values));
	return model_may_write(model, &request);
}

static void check_relay(struct model_reader *reader, const struct model *model)
{
	int line = section_line(reader, "relay", "");

	if (!model->relay.present)
		return;
	for (unsigned channel = 1; channel <= model->channels; channel++)
		if (!relay_is_allowed(model, channel, model->relay.close) ||
		    !relay_is_allowed(model, channel, model->relay.open)) {
			model_complain(
				reader, line,
				"[relay] of channel %u writes what no [write] allows: expected "
				"a [write] with its function, address and values",
				channel);
			return;
		}
}

/* Is it the address of a channel's relay? */
static bool is_channel(const struct model *model, uint32_t address)
{
	const struct model_relay *relay = &model->relay;
	uint32_t behind = address - relay->address;

	if (address < relay->address)
		return false;
	if (behind == 0 || relay->stride == 0)
		return behind == 0;
	return behind % relay->stride == 0 && behind / relay->stride < model->channels;
}

/* Does a command of [relay] send each of these, and to each of the addresses? */
static bool is_needed(const struct model *model, const struct model_write *write)
{
	const struct model_relay *relay = &model->relay;
	size_t size = relay->count * sizeof(relay->close[0]);

	if (!relay->present || write->function != relay->function || write->count != relay->count)
		return false;
	for (uint32_t address = write->first; address <= write->last; address++)
		if (!is_channel(model, address))
			return false;
	for (unsigned i = 0; i < write->allowed_count; i++)
		if (memcmp(write->allowed[i], relay->close, size) != 0 &&
		    memcmp(write->allowed[i], relay->open, size) != 0)
			return false;
	return true;
}

/* B3: what no command needs can only do harm. */
static void check_writes(struct model_reader *reader, const struct model *model)
{
	for (unsigned i = 0; i < model->writes_count; i++)
		if (!is_needed(model, &model->writes[i]))
			model_complain(
				reader, section_line(reader, "write ", model->writes[i].name),
				"[write %s] allows what no command of [relay] sends: "
				"expected its function, the addresses of its channels and its "
				"values, and no others",
				model->writes[i].name);
}

void model_check(struct model_reader *reader, struct model *model)
{
	for (unsigned i = 0; i < model->spans_count; i++) {
		check_span_blocks(reader, model, &model->spans[i]);
		check_span_lengths(reader, model, i);
		check_span_apart(reader, model, i);
		check_span_rows(reader, model, i);
		check_span_witness(reader, model, i);
	}
	for (unsigned i = 0; i < model->rows_count; i++)
		check_row(reader, model, i);
	check_kind(reader, model);
	check_relay(reader, model);
	check_writes(reader, model);
}
