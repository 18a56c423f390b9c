/* read_plan.c - see read_plan.h. Blocks in the order of their addresses; the best way to fetch the first n
 * of them ends with one request for the last few of these, and before it comes the best way to fetch
 * the others. */
#include "meters/read_plan.h"

#include <stdbool.h>

#define HEAD_CHARS       13 /* of a request and its answer, both with their checksums */
#define CHARS_A_REGISTER 2
#define NS_PER_US        1000

struct block {
	struct meter_request request;
	uint8_t span;
};

struct read_cost read_cost(int64_t char_ns, int64_t turnaround_us, int64_t gap_us)
{
	int64_t silence_us = (turnaround_us > gap_us ? turnaround_us : gap_us) + gap_us;

	return (struct read_cost){.frame_ns = HEAD_CHARS * char_ns + silence_us * NS_PER_US,
				  .register_ns = CHARS_A_REGISTER * char_ns};
}

int64_t read_break_even(const struct read_cost *cost)
{
	return cost->frame_ns / cost->register_ns;
}

static bool is_of_registers(const struct meter_request *request)
{
	return request->function == FUNCTION_READ_HOLDING ||
	       request->function == FUNCTION_READ_INPUT;
}

static uint32_t end_of(const struct meter_request *request)
{
	return (uint32_t)request->address + request->count;
}

static bool comes_before(const struct meter_request *a, const struct meter_request *b)
{
	return a->function != b->function ? a->function < b->function : a->address < b->address;
}

/* The wanted spans in the order of function and address. 0: one of them is none. */
static size_t collect(const struct model *model, unsigned channel, uint8_t wanted,
		      struct block ret[static MODEL_SPANS_MAX])
{
	size_t count = 0;

	for (uint8_t span = 0; span < MODEL_SPANS_MAX; span++) {
		struct block block = {.span = span};
		size_t at = count;

		if (!(wanted & (1U << span)))
			continue;
		if (model_span_request(model, span, channel, &block.request) < 0)
			return 0;
		for (; at > 0 && comes_before(&block.request, &ret[at - 1].request); at--)
			ret[at] = ret[at - 1];
		ret[at] = block;
		count++;
	}
	return count;
}

/* One read from the first of these blocks to the last. false: the device may not bear it. */
static bool join(const struct model *model, const struct block *blocks, size_t count,
		 struct meter_request *ret)
{
	uint32_t end = end_of(&blocks[0].request);

	*ret = blocks[0].request;
	if (count == 1)
		return true;
	for (size_t i = 1; i < count; i++) {
		const struct meter_request *next = &blocks[i].request;

		if (!is_of_registers(next) || next->function != ret->function ||
		    next->address > end + model->holes)
			return false;
		if (end_of(next) > end)
			end = end_of(next);
	}
	ret->count = (uint16_t)(end - ret->address);
	return end - ret->address <= model->max_registers;
}

/* T1c: could another request of this device have an answer of this function and length? */
static bool is_mistakable(const struct model *model, unsigned channel,
			  const struct meter_request *request)
{
	struct block blocks[MODEL_SPANS_MAX];
	uint8_t all = (uint8_t)((1U << model->spans_count) - 1);
	size_t count = collect(model, channel, all, blocks);

	for (size_t from = 0; from < count; from++)
		for (size_t to = from; to < count; to++) {
			struct meter_request other;

			if (join(model, &blocks[from], to - from + 1, &other) &&
			    other.function == request->function && other.count == request->count &&
			    other.address != request->address)
				return true;
		}
	return count == 0;
}

static bool may_join(const struct model *model, unsigned channel, const struct block *blocks,
		     size_t count, struct meter_request *ret)
{
	return join(model, blocks, count, ret) &&
	       (count == 1 || !is_mistakable(model, channel, ret));
}

size_t read_plan(const struct model *model, unsigned channel, uint8_t wanted,
		 const struct read_cost *cost, struct read_group ret[static MODEL_SPANS_MAX])
{
	struct block blocks[MODEL_SPANS_MAX];
	int64_t best_ns[MODEL_SPANS_MAX + 1] = {0};
	size_t last_from[MODEL_SPANS_MAX + 1] = {0};
	size_t count = collect(model, channel, wanted, blocks);
	size_t groups = 0;

	for (size_t n = 1; n <= count; n++) {
		best_ns[n] = INT64_MAX;
		/* Of two ways that take as long, the one of fewer requests. */
		for (size_t from = 0; from < n; from++) {
			struct meter_request request;
			int64_t ns;

			if (!may_join(model, channel, &blocks[from], n - from, &request))
				continue;
			ns = best_ns[from] + cost->frame_ns + request.count * cost->register_ns;
			if (ns < best_ns[n]) {
				best_ns[n] = ns;
				last_from[n] = from;
			}
		}
	}
	for (size_t n = count; n > 0; n = last_from[n]) {
		struct read_group *group = &ret[groups++];

		*group = (struct read_group){0};
		(void)join(model, &blocks[last_from[n]], n - last_from[n], &group->request);
		for (size_t i = last_from[n]; i < n; i++)
			group->spans |= (uint8_t)(1U << blocks[i].span);
	}
	return groups;
}
