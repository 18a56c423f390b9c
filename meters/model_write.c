/* model_write.c - what may be written, and with what the relay is moved. */
#include "meters/model_write.h"

#include <string.h>

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

static bool read_key(struct model_reader *reader)
{
	static const struct word answers[] = {{"no", 0}, {"yes", 1}};
	int key = 0;

	model_word(reader, model_take(reader, "key"), answers, COUNT_OF(answers), &key);
	return key != 0;
}

void model_relay_read(struct model_reader *reader, struct model *model)
{
	struct model_relay *relay = &model->relay;
	const struct section_key *close = model_need(reader, "close",
						     "the value or values written");
	const struct section_key *open = model_need(reader, "open", "the value or values written");
	const struct section_key *stride = model_take(reader, "stride");
	uint64_t address = 0;
	uint64_t step = 0;
	uint8_t open_count;

	relay->key = read_key(reader);
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

void model_write_read(struct model_reader *reader, struct model *model, const char *name)
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
