/* model_mark.c - what a device holds that tells its model. */
#include "meters/model_mark.h"

#include <string.h>

static void read_mark_values(struct model_reader *reader, struct model_mark *mark)
{
	const struct section_key *key = model_need(
		reader, "values", "what the registers hold, alternatives parted by commas");
	char text[SECTION_LINE_MAX + 1];
	char *rest = text;
	char *one;

	if (key == NULL)
		return;
	memcpy(text, key->value, sizeof(text));
	while (reader->result == 0 && (one = strsep(&rest, ",")) != NULL) {
		uint64_t values[MODEL_MARK_WORDS] = {0};
		size_t count = 0;

		if (mark->values_count == MODEL_MARK_MAX) {
			model_complain(reader, key->line, "values: more than %d alternatives",
				       MODEL_MARK_MAX);
			return;
		}
		model_list(reader, key, one, UINT16_MAX, values, MODEL_MARK_WORDS, &count);
		if (mark->values_count > 0 && count != mark->count)
			model_complain(reader, key->line,
				       "values = %s: expected as many values in each alternative",
				       key->value);
		for (size_t i = 0; i < count; i++)
			mark->values[mark->values_count][i] = (uint16_t)values[i];
		mark->count = (uint8_t)count;
		mark->values_count++;
	}
}

static void read_mark_texts(struct model_reader *reader, const struct section_key *key,
			    struct model_mark *mark)
{
	uint64_t count = 0;
	char text[SECTION_LINE_MAX + 1];
	char *rest = text;
	char *one;

	model_number(reader, model_need(reader, "count", "how many registers hold the text"), 1,
		     MODEL_TEXT_WORDS, &count);
	memcpy(text, key->value, sizeof(text));
	while (reader->result == 0 && (one = strsep(&rest, ",")) != NULL) {
		size_t length;

		one += strspn(one, " \t");
		length = strcspn(one, " \t");
		if (mark->texts_count == MODEL_MARK_TEXTS || length < 3 ||
		    length > MODEL_MARK_TEXT || one[length + strspn(one + length, " \t")] != '\0') {
			model_complain(
				reader, key->line,
				"text = %s: expected at most %d words of 3 to %d characters, "
				"parted by commas",
				key->value, MODEL_MARK_TEXTS, MODEL_MARK_TEXT);
			return;
		}
		memcpy(mark->texts[mark->texts_count++], one, length);
	}
	mark->count = (uint8_t)count;
}

void model_mark_read(struct model_reader *reader, struct model *model, const char *name)
{
	struct model_mark *mark = &model->marks[model->marks_count];
	const struct section_key *text;
	uint64_t function = 0;
	uint64_t address = 0;

	if (model->marks_count == MODEL_MARKS_MAX) {
		model_complain(reader, reader->section->line, "more than %d identify sections",
			       MODEL_MARKS_MAX);
		return;
	}
	memcpy(mark->name, name, strlen(name) + 1);
	model_number(reader, model_need(reader, "function", "3 or 4"), FUNCTION_READ_HOLDING,
		     FUNCTION_READ_INPUT, &function);
	model_number(reader, model_need(reader, "address", "the first register as on the wire"), 0,
		     UINT16_MAX, &address);
	text = model_take(reader, "text");
	if (text != NULL)
		read_mark_texts(reader, text, mark);
	else
		read_mark_values(reader, mark);
	if (reader->result == 0 && address + mark->count - 1U > UINT16_MAX)
		model_complain(reader, reader->section->line, "[%s] reaches past address 0xFFFF",
			       reader->section->name);
	mark->function = (uint8_t)function;
	mark->address = (uint16_t)address;
	model->marks_count++;
}
