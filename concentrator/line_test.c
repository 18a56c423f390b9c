#include "concentrator/line_test.h"

#include "meters/model.h"

#define PAUSES 2

static struct check_device *device_of(struct line_test *test)
{
	return &test->figures.device[test->at];
}

static void begin(struct line_test *test)
{
	test->figures.count = test->count;
	for (size_t i = 0; i < test->count; i++) {
		test->figures.device[i].address = test->target[i].address;
		test->figures.device[i].expected = test->target[i].expected;
	}
}

static bool wants_pause(const struct line_test *test)
{
	/* Behind an answer in the first round; where nobody answers, in the second. */
	return test->pauses < PAUSES && !test->paused && test->done > (int64_t)test->pauses * 2 &&
	       (test->answered || test->round > 0);
}

enum line_test_step line_test_next(struct line_test *test, struct scan_read *ret)
{
	if (test->figures.count == 0)
		begin(test);
	for (; test->round < test->rounds; test->round++, test->at = 0)
		for (; test->at < test->count; test->at++) {
			const struct line_test_target *target = &test->target[test->at];
			if (test->gone[test->at])
				continue;
			if (wants_pause(test))
				return LINE_TEST_PAUSE;
			*ret = target->read;
			if (!target->expected)
				*ret = (struct scan_read){
					.function = test->input[test->at] ? FUNCTION_READ_INPUT
									  : FUNCTION_READ_HOLDING,
					.count = test->input[test->at] ? 2 : 1};
			ret->address = target->address;
			return LINE_TEST_ASK;
		}
	return LINE_TEST_OVER;
}

void line_test_end(struct line_test *test, enum tally_end end, int64_t turnaround_us,
		   uint32_t stray, bool echo)
{
	struct check_device *device = device_of(test);
	bool answered = end == TALLY_GOOD || end == TALLY_EXCEPTION;
	test->done++;
	if (test->paused)
		test->figures.noise += stray;
	test->paused = false;
	test->answered = answered;
	test->figures.echo = test->figures.echo || echo;
	if (!device->expected && end == TALLY_TIMEOUT && test->round < 2 &&
	    device->end[TALLY_GOOD] + device->end[TALLY_EXCEPTION] == 0) {
		/* Not there, or not for this function: nothing to count yet. */
		test->gone[test->at] = test->input[test->at];
		test->input[test->at] = true;
		test->at++;
		return;
	}
	device->end[end]++;
	if (answered && turnaround_us >= 0) {
		if (device->fastest_us == 0 || turnaround_us < device->fastest_us)
			device->fastest_us = turnaround_us;
		if (turnaround_us > device->slowest_us)
			device->slowest_us = turnaround_us;
	}
	test->at++;
}

void line_test_paused(struct line_test *test, bool undisturbed)
{
	test->paused = undisturbed;
	test->answered = false;
	test->pauses++;
}

void line_test_progress(const struct line_test *test, int64_t *ret_done, int64_t *ret_total)
{
	int64_t left = 0;
	for (size_t i = 0; i < test->count; i++)
		if (!test->gone[i])
			left += (int64_t)(test->rounds - test->round) - (i < test->at);
	*ret_done = test->done;
	*ret_total = test->done + (test->round < test->rounds ? left : 0);
}
