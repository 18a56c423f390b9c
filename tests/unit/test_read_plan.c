/* test_read_plan.c - one request or two: against every other way to fetch the same blocks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "meters/model_file.h"
#include "meters/read_plan.h"

static struct models *models;

static int open_models(void **state)
{
	static const char *const dirs[] = {SHIPPED_MODELS};
	char error[512];

	(void)state;
	if (models_read(&models, dirs, 1, error, sizeof(error)) < 0) {
		print_error("%s\n", error);
		return -1;
	}
	return 0;
}

static int close_models(void **state)
{
	(void)state;
	models = models_close(models);
	return 0;
}

struct line {
	int baud;
	int bits; /* of a character */
	int64_t turnaround_us;
};

/* 3.5 characters, and 1.75 ms above 19200 baud. */
static int64_t gap_us(const struct line *line)
{
	return line->baud > 19200 ? 1750 : (int64_t)line->bits * 3500000 / line->baud;
}

static struct read_cost cost_of(const struct line *line)
{
	return read_cost((int64_t)line->bits * 1000000000 / line->baud, line->turnaround_us,
			 gap_us(line));
}

static void the_longest_hole_is_the_printed_one(void **state)
{
	static const struct {
		int64_t turnaround_us;
		int64_t registers;
	} printed[] = {{5000, 11}, {20000, 18}, {50000, 32}};

	(void)state;
	for (size_t i = 0; i < sizeof(printed) / sizeof(printed[0]); i++) {
		struct read_cost cost = cost_of(&(struct line){9600, 10, printed[i].turnaround_us});

		/* Printed to the nearest register; a hole is of whole ones. */
		assert_int_equal((cost.frame_ns + cost.register_ns / 2) / cost.register_ns,
				 printed[i].registers);
		assert_in_range(read_break_even(&cost), printed[i].registers - 1,
				printed[i].registers);
	}
}

struct expected {
	const char *name;
	const char *model;
	struct line line;
	uint8_t wanted; /* bit per span, in the order of the file */
	size_t requests;
	uint16_t address; /* of the one that has the lowest bit of wanted */
	uint16_t count;
};

/* The spans of eastron-sdm630-v2: energy 0x46..0x4B, voltages and currents 0x00..0x0B, power 0x34..0x35. */
static const struct expected cases[] = {
	{"9600, 20 ms: the 16 registers between power and energy are worth it",
	 "eastron-sdm630-v2",
	 {9600, 10, 20000},
	 5,
	 1,
	 0x34,
	 24},
	{"9600, 8 ms: they are not, a request takes less",
	 "eastron-sdm630-v2",
	 {9600, 10, 5000},
	 5,
	 2,
	 0x46,
	 6},
	{"2400: nothing is worth a hole of 16 registers",
	 "eastron-sdm630-v2",
	 {2400, 10, 20000},
	 5,
	 2,
	 0x46,
	 6},
	{"115200: all three by one request",
	 "eastron-sdm630-v2",
	 {115200, 10, 20000},
	 7,
	 1,
	 0x00,
	 76},
	{"115200: energy and voltages across 58 registers",
	 "eastron-sdm630-v2",
	 {115200, 10, 20000},
	 3,
	 1,
	 0x00,
	 76},
	{"one span alone is its own request",
	 "eastron-sdm630-v2",
	 {115200, 10, 20000},
	 1,
	 1,
	 0x46,
	 6},
	{"a model that does not say that it bears holes is asked block by block",
	 "acrel-adw300",
	 {115200, 10, 20000},
	 6,
	 2,
	 0x14,
	 3},
};

static struct meter_request request_of(const struct read_group *groups, size_t count, unsigned span)
{
	for (size_t i = 0; i < count; i++)
		if (groups[i].spans & (1U << span))
			return groups[i].request;
	return (struct meter_request){0};
}

static void holes_are_run_over_where_they_pay(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct expected *c = &cases[i];
		const struct model *model = models_find(models, c->model);
		struct read_cost cost = cost_of(&c->line);
		struct read_group groups[MODEL_SPANS_MAX];
		struct meter_request first;
		size_t count;

		assert_non_null(model);
		count = read_plan(model, 1, c->wanted, &cost, groups);
		first = request_of(groups, count, (unsigned)__builtin_ctz(c->wanted));
		if (count != c->requests || first.count != c->count || first.address != c->address)
			fail_msg("%s: %zu requests, the first of %u registers", c->name, count,
				 first.count);
	}
}

/* The second implementation: every partition of the wanted spans, register by register. */
struct search {
	const struct model *model;
	const struct line *line;
	unsigned channel;
	unsigned spans[MODEL_SPANS_MAX];
	size_t count;
	uint8_t group[MODEL_SPANS_MAX]; /* of each of them */
	double least_us;
};

static struct meter_request block_of(const struct search *search, unsigned span)
{
	struct meter_request request;

	assert_int_equal(model_span_request(search->model, span, search->channel, &request), 0);
	return request;
}

/* Registers from first to last of these spans; 0: not to be had by one read. */
static unsigned length_of(const struct search *search, uint8_t set, uint16_t *ret_address,
			  uint8_t *ret_function)
{
	static bool held[65536 + 256];
	unsigned low = UINT16_MAX, high = 0, run = 0, worst = 0;
	bool alone = (set & (set - 1)) == 0, mixed = false;

	for (unsigned span = 0; span < MODEL_SPANS_MAX; span++) {
		if (!(set & (1U << span)))
			continue;
		struct meter_request block = block_of(search, span);
		mixed = mixed || (low != UINT16_MAX && *ret_function != block.function);
		*ret_function = block.function;
		low = block.address < low ? block.address : low;
		high = block.address + block.count > high ? block.address + block.count : high;
	}
	*ret_address = (uint16_t)low;
	if (alone)
		return high - low;
	if (mixed || *ret_function < 3 || high - low > search->model->max_registers)
		return 0;
	memset(&held[low], 0, high - low);
	for (unsigned span = 0; span < MODEL_SPANS_MAX; span++)
		if (set & (1U << span))
			memset(&held[block_of(search, span).address], 1,
			       block_of(search, span).count);
	for (unsigned at = low; at < high; at++) {
		run = held[at] ? 0 : run + 1;
		worst = run > worst ? run : worst;
	}
	return worst <= search->model->holes ? high - low : 0;
}

/* T1c: no other set of spans of this device has an answer of this function and length. */
static bool told_apart(const struct search *search, uint8_t set)
{
	uint16_t address, other_address;
	uint8_t function, other_function;
	unsigned length = length_of(search, set, &address, &function);
	unsigned all = 1U << search->model->spans_count;

	for (unsigned other = 1; other < all; other++)
		if (length_of(search, (uint8_t)other, &other_address, &other_function) == length &&
		    other_function == function && other_address != address)
			return false;
	return true;
}

static double time_us(const struct line *line, size_t registers)
{
	double char_us = line->bits * 1e6 / line->baud;
	int64_t gap = gap_us(line);
	int64_t answer = line->turnaround_us > gap ? line->turnaround_us : gap;

	return (13 + 2 * (double)registers) * char_us + (double)(answer + gap);
}

static void weigh(struct search *search, unsigned groups)
{
	double us = 0;

	for (unsigned group = 0; group < groups; group++) {
		uint8_t set = 0, function;
		uint16_t address;

		for (size_t i = 0; i < search->count; i++)
			if (search->group[i] == group)
				set |= (uint8_t)(1U << search->spans[i]);
		unsigned length = length_of(search, set, &address, &function);
		if (length == 0 || ((set & (set - 1)) != 0 && !told_apart(search, set)))
			return;
		us += time_us(search->line, length);
	}
	if (us < search->least_us)
		search->least_us = us;
}

static void partition(struct search *search, size_t at, unsigned groups)
{
	if (at == search->count) {
		weigh(search, groups);
		return;
	}
	for (unsigned group = 0; group <= groups; group++) {
		search->group[at] = (uint8_t)group;
		partition(search, at + 1, group == groups ? groups + 1 : groups);
	}
}

/* The plan fetches each wanted span once, whole, and nobody does it faster. Merged reads are counted. */
static size_t compare(const struct model *model, const struct line *line, uint8_t wanted)
{
	struct search search = {.model = model, .line = line, .channel = 1, .least_us = 1e18};
	struct read_cost cost = cost_of(line);
	struct read_group groups[MODEL_SPANS_MAX];
	size_t count = read_plan(model, 1, wanted, &cost, groups);
	uint8_t fetched = 0;
	double us = 0;

	for (unsigned span = 0; span < MODEL_SPANS_MAX; span++)
		if (wanted & (1U << span))
			search.spans[search.count++] = span;
	partition(&search, 0, 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(fetched & groups[i].spans, 0);
		fetched |= groups[i].spans;
		us += time_us(line, groups[i].request.count);
		for (unsigned span = 0; span < MODEL_SPANS_MAX; span++) {
			if (!(groups[i].spans & (1U << span)))
				continue;
			struct meter_request block = block_of(&search, span);
			assert_int_equal(block.function, groups[i].request.function);
			assert_true(block.address >= groups[i].request.address);
			assert_true(block.address + block.count <=
				    groups[i].request.address + groups[i].request.count);
		}
	}
	assert_int_equal(fetched, wanted);
	/* Within a microsecond: a character is rounded to nanoseconds. */
	if (us > search.least_us + 1.0 || us < search.least_us - 1.0)
		fail_msg("%s at %d, %d us, spans 0x%02x: %.1f us in %zu requests, best is %.1f us",
			 model->name, line->baud, (int)line->turnaround_us, wanted, us, count,
			 search.least_us);
	return search.count - count;
}

static void no_other_way_is_faster(void **state)
{
	static const int bauds[] = {2400, 9600, 19200, 115200};
	static const int64_t turnarounds_us[] = {5000, 16000, 50000};
	/* As shipped, and as if each model bore more. */
	static const struct {
		uint16_t holes;
		uint16_t max_registers;
	} borne[] = {{0, 0}, {9, 60}, {15, 125}, {125, 125}};
	size_t planned = 0, merged = 0;

	(void)state;
	for (size_t m = 0; m < models_count(models); m++)
		for (size_t b = 0; b < sizeof(borne) / sizeof(borne[0]); b++) {
			struct model model = *models_at(models, m);
			unsigned sets = 1U << model.spans_count;

			if (b > 0) {
				model.holes = borne[b].holes;
				model.max_registers = borne[b].max_registers;
			}
			for (size_t r = 0; r < sizeof(bauds) / sizeof(bauds[0]); r++)
				for (size_t t = 0; t < 3; t++) {
					struct line line = {bauds[r], 11, turnarounds_us[t]};

					/* All spans, and some of them. */
					for (unsigned set = 1;
					     set<sets; set += sets> 16 && set + 7 < sets ? 7 : 1) {
						merged += compare(&model, &line, (uint8_t)set);
						planned++;
					}
				}
		}
	print_message("%zu plans, %zu requests saved\n", planned, merged);
	assert_true(merged > 500);
}

static void what_is_none_has_no_plan(void **state)
{
	const struct model *model = models_find(models, "eastron-sdm120");
	struct read_cost cost = cost_of(&(struct line){9600, 10, 20000});
	struct read_group groups[MODEL_SPANS_MAX];

	(void)state;
	assert_int_equal(read_plan(model, 1, 0, &cost, groups), 0);
	assert_int_equal(read_plan(model, 2, 1, &cost, groups), 0);
	assert_int_equal(read_plan(model, 1, 0x80, &cost, groups), 0);
}

/* What each shows its load by, from the tables of the facts. */
static const struct {
	const char *model;
	uint8_t function;
	uint16_t address;
	uint16_t count; /* 0: no read of its own */
} loads[] = {
	{"eastron-sdm120", 4, 0x0006, 2},
	{"eastron-sdm630-v2", 4, 0x0004, 8}, /* six registers are those of the energy */
	{"hiking-dds238-sr", 3, 0x000D, 2},  /* one is the relay's position */
	{"acrel-ddsy1352", 3, 0x000C, 2},    /* one is a ratio */
};

static void the_load_is_read_by_the_currents_alone(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(loads) / sizeof(loads[0]); n++) {
		const struct model *model = models_find(models, loads[n].model);
		struct meter_request request = {0};
		struct read_load load = read_load(model);

		print_message("%s: span %u + %u, %u registers\n", loads[n].model, load.span,
			      load.first, load.count);
		assert_int_equal(load.count, loads[n].count);
		if (load.count == 0)
			continue;
		assert_int_equal(read_load_request(model, &load, 1, &request), 0);
		assert_int_equal(request.function, loads[n].function);
		assert_int_equal(request.address, loads[n].address);
		assert_int_equal(request.count, loads[n].count);
	}
}

/* Of every model: within its block, shorter, beginning and ending with values, never as long as another read. */
static void a_read_of_the_load_is_mistaken_for_no_other(void **state)
{
	size_t found = 0;

	(void)state;
	for (size_t n = 0; n < models_count(models); n++) {
		const struct model *model = models_at(models, n);
		struct read_load load = read_load(model);
		struct meter_request request, other;

		if (load.count == 0)
			continue;
		found++;
		print_message("%s: %s + %u, %u of %u registers\n", model->name,
			      model->spans[load.span].name, load.first, load.count,
			      model->spans[load.span].count);
		for (unsigned channel = 1; channel <= model->channels; channel++) {
			assert_int_equal(read_load_request(model, &load, channel, &request), 0);
			assert_int_equal(model_span_request(model, load.span, channel, &other), 0);
			assert_true(request.address >= other.address);
			assert_true(request.address + request.count <= other.address + other.count);
			assert_true(request.count + READ_LOAD_SAVES <= other.count);
			for (unsigned span = 0; span < model->spans_count; span++) {
				assert_int_equal(model_span_request(model, span, channel, &other),
						 0);
				assert_false(other.function == request.function &&
					     other.count == request.count);
			}
		}
		assert_int_equal(read_load_request(model, &load, model->channels + 1U, &request),
				 -EINVAL);
	}
	print_message("%u models\n", (unsigned)found);
	assert_true(found >= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_hole_is_the_printed_one),
		cmocka_unit_test(holes_are_run_over_where_they_pay),
		cmocka_unit_test(no_other_way_is_faster),
		cmocka_unit_test(what_is_none_has_no_plan),
		cmocka_unit_test(the_load_is_read_by_the_currents_alone),
		cmocka_unit_test(a_read_of_the_load_is_mistaken_for_no_other),
	};

	return cmocka_run_group_tests(tests, open_models, close_models);
}
