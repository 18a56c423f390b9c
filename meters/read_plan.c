/* read_plan.c - see read_plan.h. Blocks in the order of their addresses; the best way to fetch the first n
 * of them ends with one request for the last few of these, and before it comes the best way to fetch
 * the others. */
#include "meters/read_plan.h"

#include <errno.h>
#include <stdbool.h>

#include "meters/quantity.h"

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

/* Of all rows of a block's channels: where the value begins, and where it ends. */
struct place {
	const struct model_row *row;
	unsigned from;
	unsigned to;
};

static struct place place_of(const struct model_row *row, unsigned channel)
{
	unsigned from = row->offset + channel * row->stride;

	return (struct place){row, from, from + model_type_elements(row->type)};
}

static bool is_current(enum quantity quantity)
{
	return quantity >= QUANTITY_CURRENT_L1_MA && quantity <= QUANTITY_CURRENT_L3_MA;
}

/* The least that holds all currents, or all powers. false: there are none, or not all in one span. */
static bool find_load(const struct model *model, bool currents, struct read_load *ret)
{
	unsigned first = MODEL_COUNT_MAX, end = 0, span = MODEL_SPANS_MAX;

	for (unsigned i = 0; i < model->rows_count; i++) {
		const struct model_row *row = &model->rows[i];
		enum model_role role = model->spans[row->span].role;

		if ((role != MODEL_ROLE_ENERGY && role != MODEL_ROLE_INSTANT) ||
		    (currents ? !is_current(row->quantity) : row->quantity != QUANTITY_POWER_W))
			continue;
		if (span != MODEL_SPANS_MAX && span != row->span)
			return false;
		span = row->span;
		for (unsigned k = 0; k < model->spans[span].channels; k++) {
			struct place place = place_of(row, k);

			first = place.from < first ? place.from : first;
			end = place.to > end ? place.to : end;
		}
	}
	if (end == 0)
		return false;
	*ret = (struct read_load){(uint8_t)span, (uint16_t)first, (uint16_t)(end - first)};
	return true;
}

/* Does it begin and end where values do, and is none of the values in it cumulative? ret_power: it shows the
 * power. */
static bool is_whole(const struct model *model, const struct read_load *load, bool *ret_power)
{
	unsigned end = (unsigned)load->first + load->count;
	bool begins = false, ends = false;

	*ret_power = false;
	for (unsigned i = 0; i < model->rows_count; i++) {
		const struct model_row *row = &model->rows[i];

		if (row->span != load->span)
			continue;
		for (unsigned k = 0; k < model->spans[load->span].channels; k++) {
			struct place place = place_of(row, k);

			if (place.to <= load->first || place.from >= end)
				continue;
			if (place.from < load->first || place.to > end ||
			    quantity_is_cumulative(row->quantity))
				return false;
			begins = begins || place.from == load->first;
			ends = ends || place.to == end;
			*ret_power = *ret_power || row->quantity == QUANTITY_POWER_W;
		}
	}
	return begins && ends;
}

/* The shortest read around it that is mistaken for no other; of several one that shows the power. */
static bool widen(const struct model *model, const struct read_load *least, struct read_load *ret)
{
	unsigned whole = model->spans[least->span].count;
	bool found = false, power;

	for (unsigned count = least->count; !found && count + READ_LOAD_SAVES <= whole; count++) {
		unsigned most = least->count + least->first;

		for (unsigned first = most > count ? most - count : 0;
		     first <= least->first && first + count <= whole; first++) {
			struct read_load load = {least->span, (uint16_t)first, (uint16_t)count};
			struct meter_request request;

			if (!is_whole(model, &load, &power) ||
			    read_load_request(model, &load, 1, &request) < 0 ||
			    is_mistakable(model, 1, &request))
				continue;
			if (!found || power)
				*ret = load;
			found = true;
		}
	}
	return found;
}

struct read_load read_load(const struct model *model)
{
	struct read_load least, load;

	if ((!find_load(model, true, &least) &&
	     (model_has(model, QUANTITY_CURRENT_L1_MA) || !find_load(model, false, &least))) ||
	    model->spans[least.span].function < FUNCTION_READ_HOLDING ||
	    !widen(model, &least, &load))
		return (struct read_load){0};
	return load;
}

int read_load_request(const struct model *model, const struct read_load *load, unsigned channel,
		      struct meter_request *ret)
{
	struct meter_request request;
	int r = model_span_request(model, load->span, channel, &request);

	if (r < 0)
		return r;
	if (load->count == 0 || load->first + load->count > request.count)
		return -EINVAL;
	request.address = (uint16_t)(request.address + load->first);
	request.count = load->count;
	*ret = request;
	return 0;
}
