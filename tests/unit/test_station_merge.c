/* test_station_merge.c - the register and the load of a meter by one request: asked for, taken apart, given up. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/station_merge.h"
#include "concentrator/station_state.h"
#include "meters/model_file.h"

#define SECOND INT64_C(1000000)

/* The spans of eastron-sdm630-v2. */
enum { ENERGY, VOLTAGES, POWER };

struct scene {
	struct models *models;
	struct config_line config;
	struct station_line line;
	struct station_device device;
	struct station station;
	struct station_job slot;
	struct meter_request request;
};

/* A line whose one meter has answered, and whose register and load were just read. */
static int set_up(void **state)
{
	static const char *const dirs[] = {PREPAY_SOURCE "/meters/models"};
	const struct schedule_traits traits = {
		.cost_us = {[SCHEDULE_ENERGY] = 50000, [SCHEDULE_INSTANT] = 60000}};
	struct scene *scene = calloc(1, sizeof(*scene));
	struct schedule_policy policy = schedule_policy_default();
	char error[512];

	assert_non_null(scene);
	assert_int_equal(models_read(&scene->models, dirs, 1, error, sizeof(error)), 0);
	scene->config.baud = 115200;
	scene->config.stop_bits = 1;
	scene->line.config = &scene->config;
	scene->station.lines = &scene->line;
	scene->station.line_count = 1;
	scene->station.now.us = 100 * SECOND;
	scene->device.model = models_find(scene->models, "eastron-sdm630-v2");
	assert_non_null(scene->device.model);
	scene->device.reads[SCHEDULE_ENERGY] = (struct station_reads){.count = 1,
								      .at = {{ENERGY, 1, 0}}};
	scene->device.reads[SCHEDULE_INSTANT] = (struct station_reads){
		.count = 2, .at = {{VOLTAGES, 1, 0}, {POWER, 1, 0}}};
	policy.continuous = false;
	schedule_init(&scene->line.schedule, &policy, 1, scene->station.now.us);
	assert_int_equal(schedule_add(&scene->line.schedule, &traits, scene->station.now.us,
				      &scene->device.index),
			 0);
	scene->line.schedule.device[0].turnaround_us = 20000;
	for (enum schedule_span span = SCHEDULE_ENERGY; span <= SCHEDULE_INSTANT; span++)
		schedule_came_along(&scene->line.schedule, 0, span, scene->station.now.us);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	scene->models = models_close(scene->models);
	free(scene);
	return 0;
}

/* The job of a span, as the schedule gives it out. */
static bool merged(struct scene *scene, enum schedule_span kind, uint8_t span)
{
	scene->slot = (struct station_job){
		.model = scene->device.model, .job.span = kind, .span = span, .channel = 1};
	assert_int_equal(model_span_request(scene->device.model, span, 1, &scene->request), 0);
	station_merge(&scene->station, &scene->device, &scene->slot, &scene->request);
	return scene->slot.merged;
}

static void what_is_not_due_does_not_come_along(void **state)
{
	struct scene *scene = *state;

	/* Neither is due; then the register is, and with the load it comes along, and the other way round. */
	assert_false(merged(scene, SCHEDULE_ENERGY, ENERGY));
	assert_int_equal(scene->request.count, 6);
	scene->station.now.us += 5 * SECOND;
	assert_true(merged(scene, SCHEDULE_ENERGY, ENERGY));
	assert_int_equal(scene->slot.other_span, POWER);
	assert_int_equal(scene->request.address, 0x34);
	assert_int_equal(scene->request.count, 24);
	assert_false(merged(scene, SCHEDULE_INSTANT, POWER));
	scene->line.schedule.policy.continuous = true;
	assert_true(merged(scene, SCHEDULE_INSTANT, POWER));
	assert_int_equal(scene->slot.other_span, ENERGY);
}

static void a_slow_line_asks_block_by_block(void **state)
{
	struct scene *scene = *state;

	scene->station.now.us += 60 * SECOND;
	scene->config.baud = 2400;
	assert_false(merged(scene, SCHEDULE_ENERGY, ENERGY));
	scene->config.baud = 9600;
	assert_true(merged(scene, SCHEDULE_ENERGY, ENERGY));
	/* A meter that answers sooner makes a request of its own the cheaper way. */
	scene->line.schedule.device[0].turnaround_us = 5000;
	assert_false(merged(scene, SCHEDULE_ENERGY, ENERGY));
}

static void an_answer_is_taken_apart(void **state)
{
	struct scene *scene = *state;
	struct line_result result = {.count = 24}, answer;
	struct station_job part;

	scene->station.now.us += 60 * SECOND;
	assert_true(merged(scene, SCHEDULE_ENERGY, ENERGY));
	scene->slot.request.address = scene->request.address;
	scene->slot.request.count = scene->request.count;
	for (uint16_t i = 0; i < 24; i++)
		result.values[i] = (uint16_t)(0x34 + i);
	station_merge_part(&scene->slot, &result, SCHEDULE_ENERGY, &part, &answer);
	assert_int_equal(part.span, ENERGY);
	assert_int_equal(answer.count, 6);
	for (uint16_t i = 0; i < 6; i++)
		assert_int_equal(answer.values[i], 0x46 + i);
	station_merge_part(&scene->slot, &result, SCHEDULE_INSTANT, &part, &answer);
	assert_int_equal(part.span, POWER);
	assert_int_equal(part.job.span, SCHEDULE_INSTANT);
	assert_int_equal(part.request.address, 0x34);
	assert_int_equal(answer.count, 2);
	assert_int_equal(answer.values[0], 0x34);

	/* Its turn has come: the next read of the load is of the voltages, and not before it is due. */
	assert_true(station_merge_result(&scene->station, &scene->device, &scene->slot, 0));
	assert_int_equal(scene->device.reads[SCHEDULE_INSTANT].next, 1);
	assert_false(schedule_welcome(&scene->line.schedule, 0, SCHEDULE_INSTANT,
				      scene->station.now.us));
}

static void a_unit_that_does_not_bear_it_is_asked_block_by_block(void **state)
{
	static const int ends[] = {-EREMOTEIO, -ETIMEDOUT, -EBADMSG};
	struct scene *scene = *state;

	scene->station.now.us += 60 * SECOND;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		int tries = ends[i] == -EREMOTEIO ? 1 : 3;

		scene->device.merge_failures = 0;
		for (int n = 0; n < tries; n++) {
			assert_true(merged(scene, SCHEDULE_ENERGY, ENERGY));
			assert_false(station_merge_result(&scene->station, &scene->device,
							  &scene->slot, ends[i]));
		}
		assert_false(merged(scene, SCHEDULE_ENERGY, ENERGY));
		assert_int_equal(scene->request.count, 6);
	}
	/* What the adapter did says nothing of the unit; a good answer forgives what was noise. */
	scene->device.merge_failures = 2;
	assert_true(merged(scene, SCHEDULE_ENERGY, ENERGY));
	assert_false(station_merge_result(&scene->station, &scene->device, &scene->slot, -ENODEV));
	assert_true(merged(scene, SCHEDULE_ENERGY, ENERGY));
	assert_true(station_merge_result(&scene->station, &scene->device, &scene->slot, 0));
	assert_int_equal(scene->device.merge_failures, 0);
}

int main(void)
{
#define SCENE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(what_is_not_due_does_not_come_along),
		SCENE(a_slow_line_asks_block_by_block),
		SCENE(an_answer_is_taken_apart),
		SCENE(a_unit_that_does_not_bear_it_is_asked_block_by_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
