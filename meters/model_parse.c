/* model_parse.c - sections of a file to a struct model.
 *
 * Two passes, so that the sections may stand in any order: [model] and the spans, then what points
 * into them. What only the whole model can tell is checked in model_check.c.
 */
#include "meters/model_parse.h"

#include <errno.h>
#include <string.h>

#include "meters/model_check.h"
#include "meters/model_mark.h"
#include "meters/model_row.h"
#include "meters/model_value.h"
#include "meters/model_write.h"

static const struct word kinds[] = {
	{"meter", MODEL_METER}, {"relay", MODEL_RELAY_BOARD}, {"water", MODEL_WATER}};
static const struct word confidences[] = {{"high", MODEL_CONFIDENCE_HIGH},
					  {"medium", MODEL_CONFIDENCE_MEDIUM},
					  {"low", MODEL_CONFIDENCE_LOW}};
static const struct word parities[] = {{"none", 'N'}, {"even", 'E'}, {"odd", 'O'}};
static const struct word roles[] = {
	{"energy", MODEL_ROLE_ENERGY}, {"instant", MODEL_ROLE_INSTANT},
	{"relay", MODEL_ROLE_RELAY},   {"identity", MODEL_ROLE_IDENTITY},
	{"ratio", MODEL_ROLE_RATIO},   {"mode", MODEL_ROLE_MODE},
	{"safe", MODEL_ROLE_SAFE}};

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
	uint64_t holes = 0;
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
	model_number(reader, model_take(reader, "holes"), 1, MODEL_COUNT_MAX, &holes);
	model_number(reader, model_take(reader, "min_gap_us"), 1, 1000000, &gap);
	model_number(reader, model_take(reader, "baud"), 300, 921600, &baud);
	model_word(reader, model_take(reader, "parity"), parities, COUNT_OF(parities), &parity);
	model_number(reader, model_take(reader, "stop_bits"), 1, 2, &stop_bits);
	model_number(reader, model_take(reader, "address"), 1, 247, &address);
	bool water = kind == MODEL_WATER;
	model_number(reader, model_take(reader, water ? "modulus_l" : "modulus_wh"), 1, INT64_MAX,
		     &modulus);
	model_number(reader, model_take(reader, water ? "resolution_l" : "resolution_wh"), 1,
		     1000000, &resolution);

	model->kind = (enum model_kind)kind;
	model->confidence = (enum model_confidence)confidence;
	model->phases = (uint8_t)phases;
	model->channels = (uint8_t)channels;
	model->max_registers = (uint16_t)max_registers;
	model->holes = (uint16_t)holes;
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
	model_word(
		reader,
		model_need(reader, "role", "energy, instant, relay, identity, ratio, mode or safe"),
		roles, COUNT_OF(roles), &role);
	model_number(reader, model_need(reader, "function", "1 to 4"), 1, 4, &function);
	model_number(reader, model_need(reader, "address", "the first element as on the wire"), 0,
		     UINT16_MAX, &address);
	model_number(reader, model_need(reader, "count", "elements in one read"), 1,
		     MODEL_COUNT_MAX, &count);
	model_number(reader, model_take(reader, "channels"), 1, model->channels, &channels);
	model_number(reader, model_take(reader, "stride"), 1, UINT16_MAX, &stride);
	(void)model_take(reader, "witness"); /* of the second pass */

	span->role = (enum model_role)role;
	span->function = (uint8_t)function;
	span->address = (uint16_t)address;
	span->count = (uint16_t)count;
	span->channels = (uint16_t)channels;
	span->stride = (uint16_t)stride;
	span->witness = -1;
	model->spans_count++;
}

static int span_index(const struct model *model, const char *name)
{
	for (unsigned i = 0; i < model->spans_count; i++)
		if (strcmp(model->spans[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* Which other span holds the witness; a witness of its own is found by its rows. */
static void read_span_witness(struct model_reader *reader, struct model *model, const char *name)
{
	const struct section_key *key = model_take(reader, "witness");
	int own = span_index(model, name);
	int other;

	if (key == NULL || own < 0)
		return;
	other = span_index(model, key->value);
	if (other < 0 || other == own)
		model_complain(reader, key->line,
			       "witness = %s: expected the name of another [span ...]", key->value);
	model->spans[own].witness = (int8_t)other;
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
	const char *mark = section_called(reader, "identify");

	if (reader->result < 0)
		return;
	if (section_is(reader, "model"))
		return;
	if (span != NULL && !second)
		read_span(reader, model, span);
	else if (span != NULL)
		read_span_witness(reader, model, span);
	else if (row != NULL && second)
		model_row_read(reader, model, row);
	else if (write != NULL && second)
		model_write_read(reader, model, write);
	else if (mark != NULL && second)
		model_mark_read(reader, model, mark);
	else if (section_is(reader, "relay") && second)
		model_relay_read(reader, model);
	else if (row == NULL && write == NULL && mark == NULL && !section_is(reader, "relay"))
		model_complain(reader, reader->section->line,
			       "unknown section [%s]: expected model, span NAME, row NAME, relay, "
			       "write NAME or identify NAME",
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
