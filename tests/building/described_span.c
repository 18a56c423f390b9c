/* described_span.c - which registers of a described device may be read, and by one request. */
#include "tests/building/described_row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add_span(struct described *described, uint8_t functions, unsigned first, unsigned count)
{
	for (uint8_t function = 1; function <= 4; function++) {
		if (!(functions >> function & 1))
			continue;
		if (described->n_spans == DESCRIBED_SPANS - 1)
			return -ENOSPC;
		described->spans[described->n_spans++] = (struct span){
			.function = function, .first = (uint16_t)first, .count = (uint16_t)count};
	}
	return 0;
}

/* times=4:0x1000 */
static unsigned repeats(const struct words *words, unsigned *ret_step)
{
	const char *times = words_option(words, "times");
	const char *colon = times ? strchr(times, ':') : NULL;

	*ret_step = colon ? (unsigned)strtoul(colon + 1, NULL, 0) : 0;
	return colon ? (unsigned)strtoul(times, NULL, 0) : 1;
}

int described_take_block(struct described *described, const struct words *given,
			 const struct words *words)
{
	const char *function = words_option(given, "function");
	unsigned step, times = repeats(words, &step);
	int r = words->n < 4 ? -EINVAL : 0;

	for (unsigned i = 0; r == 0 && i < times; i++)
		r = add_span(described, described_functions(function ? function : words->word[1]),
			     (unsigned)strtoul(words->word[2], NULL, 0) + i * step,
			     (unsigned)strtoul(words->word[3], NULL, 0));
	return r;
}

static int add_spans_of(struct described *described, const struct described_row *row)
{
	const struct model *model = &described->model;
	unsigned channels = row->each == 0 && row->group == 0 ? 1
			    : model->meters > 0               ? model->meters
							      : model->channels;
	int r = 0;

	for (unsigned channel = 0; r == 0 && channel < channels; channel++)
		r = add_span(described, row->functions, described_place(row, channel), row->words);
	return r;
}

static int compare(const void *left, const void *right)
{
	const struct span *a = left, *b = right;

	return a->function != b->function ? a->function - b->function : a->first - b->first;
}

/* Registers beside each other are one span: a read may cover them all. */
static void merge(struct described *described)
{
	unsigned n = 0;

	qsort(described->spans, described->n_spans, sizeof(described->spans[0]), compare);
	for (unsigned i = 0; i < described->n_spans; i++) {
		const struct span *next = &described->spans[i];
		struct span *last = n > 0 ? &described->spans[n - 1] : NULL;

		if (last && last->function == next->function &&
		    next->first <= last->first + last->count) {
			if (next->first + next->count > last->first + last->count)
				last->count = (uint16_t)(next->first + next->count - last->first);
		} else {
			described->spans[n++] = *next;
		}
	}
	described->n_spans = n;
}

static uint8_t first_function(const struct described_row *row)
{
	uint8_t function = 1;

	while (function < 4 && !(row->functions >> function & 1))
		function++;
	return function;
}

int described_finish(struct described *described)
{
	struct model *model = &described->model;
	int r = 0;

	model->name = model->product = described->name;
	model->word = described_word;
	model->write = described_write;
	model->shown_wh = described_shown_wh;
	model->spans = described->spans;
	if (described->relay.function == 0)
		model->channels = 0;
	if (model->meters > PLANT_METERS || model->channels > PLANT_CHANNELS)
		return -ENOSPC;
	for (unsigned i = 0; r == 0 && i < described->n_rows; i++) {
		const struct described_row *row = &described->rows[i];
		struct span span = {first_function(row), row->address, (uint16_t)row->words};

		if (!row->alone)
			r = add_spans_of(described, row);
		if (row->money)
			model->energy = span;
		if (row->show == SHOW_RELAY)
			model->position = (struct span){span.function, span.first,
							(uint16_t)model->channels};
		else if (row->show == SHOW_POWER && model->position.function == 0)
			model->position = span;
	}
	merge(described);
	for (unsigned i = 0; r == 0 && i < described->n_rows; i++)
		if (described->rows[i].alone)
			r = add_spans_of(described, &described->rows[i]);
	described->spans[described->n_spans] = (struct span){0};
	return r;
}
