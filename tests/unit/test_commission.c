/* Commissioning rows: what is right, and how each mistake is told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/commission.h"

static struct config config;
static struct models *models;

static int setup(void **state)
{
	const char *const dirs[] = {PREPAY_SOURCE "/meters/models"};
	char error[256];
	(void)state;
	config.line_count = 1;
	snprintf(config.lines[0].name, sizeof(config.lines[0].name), "A");
	return models_read(&models, dirs, 1, error, sizeof(error));
}

static int teardown(void **state)
{
	(void)state;
	models = models_close(models);
	return 0;
}

static void remember(const char *column, const char *detail, void *userdata)
{
	char *text = userdata;
	if (text[0] == '\0')
		snprintf(text, 256, "%s: %s", column, detail);
}

static void a_row_becomes_a_supply(void **state)
{
	char finding[256] = "";
	struct commission_row row;
	json_t *json = json_loads(
		"{\"room\":\"305\",\"circuit\":\"sockets\",\"line\":\"A\",\"address\":\"7\","
		"\"model\":\"eastron-sdm120\",\"relay\":\"waveshare-rtu-relay-8ch@101/3\","
		"\"contact\":\"nc\",\"cut_order\":\"2\",\"breaker_a\":\"16\","
		"\"tenancy\":\"t-1\",\"opening_minor\":\"-250\"}",
		0, NULL);
	(void)state;
	assert_int_equal(commission_parse(json, &config, models, remember, finding, &row), 0);
	assert_string_equal(row.room, "305");
	assert_int_equal(row.opening_minor, -250);
	assert_true(row.supply.has_point && row.supply.has_relay && row.supply.normally_closed);
	assert_true(row.supply.may_cut);
	assert_int_equal(row.supply.point.address, 7);
	assert_int_equal(row.supply.relay.address, 101);
	assert_int_equal(row.supply.relay.channel, 3);
	assert_string_equal(row.supply.relay.line, "A");
	assert_int_equal(row.supply.cut_order, 2);
	json_decref(json);
}

static void what_is_badly_evidenced_is_taken_when_somebody_says_so(void **state)
{
	char finding[256] = "";
	struct commission_row row;
	json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "room", "305", "circuit",
				 "sockets", "line", "A", "address", "7", "model", "dzt6001",
				 "breaker_a", "16", "experimental", "yes");
	(void)state;
	if (commission_parse(json, &config, models, remember, finding, &row) < 0)
		fail_msg("%s", finding);
	assert_string_equal(row.supply.point.model, "dzt6001");
	json_decref(json);
}

static void water_needs_no_breaker_and_is_cut_only_when_somebody_says_so(void **state)
{
	static const struct {
		const char *model, *relay, *may_cut;
		bool cut;
	} cases[] = {
		{"wb-mwac-v2", "meter", NULL, false},  {"wb-mwac-v2", "meter", "yes", true},
		{"wb-mwac-v2", "meter", "no", false},  {"sbc-pcd7-h104d-water", NULL, NULL, false},
		{NULL, "wb-mwac-v2@9/2", NULL, false}, {NULL, "wb-mwac-v2@9/2", "yes", true},
		{NULL, "wb-mr6c-v3@9/2", NULL, true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char finding[256] = "";
		struct commission_row row;
		json_t *json = json_pack(
			"{s:s,s:s,s:s,s:s*,s:s*,s:s*,s:s*}", "room", "305", "circuit", "water",
			"line", "A", "address", cases[i].model == NULL ? NULL : "9", "model",
			cases[i].model, "relay", cases[i].relay, "may_cut", cases[i].may_cut);
		if (commission_parse(json, &config, models, remember, finding, &row) < 0)
			fail_msg("%s", finding);
		assert_int_equal(row.supply.may_cut, cases[i].cut);
		json_decref(json);
	}
}

static void a_light_needs_neither_meter_nor_relay(void **state)
{
	char finding[256] = "";
	struct commission_row row;
	json_t *json = json_pack("{s:s,s:s,s:s}", "room", "305", "circuit", "light", "may_cut",
				 "no");
	(void)state;
	assert_int_equal(commission_parse(json, &config, models, remember, finding, &row), 0);
	assert_false(row.supply.has_point || row.supply.has_relay || row.supply.may_cut);
	json_decref(json);
}

static void each_mistake_names_its_column(void **state)
{
#define OK "\"room\":\"305\",\"circuit\":\"sockets\",\"line\":\"A\",\"breaker_a\":\"16\","
	static const struct {
		const char *row, *finding;
	} cases[] = {
		{"{\"circuit\":\"x\"}", "room: is missing"},
		{"{\"room\":\"305\"}", "circuit: is missing"},
		{"{\"room\":\" 305\",\"circuit\":\"x\"}", "room: begins or ends"},
		{"{\"room\":\"3/5\",\"circuit\":\"x\"}", "room: 3/5 has a character"},
		{"{\"room\":305,\"circuit\":\"x\"}", "room: is not a string"},
		{"{\"room\":\"305\",\"circuit\":\"water\",\"line\":\"A\",\"address\":\"9\","
		 "\"model\":\"wb-mwac-v2\",\"channel\":\"3\"}",
		 "channel: 3 is not"},
		{"{\"room\":\"305\",\"circuit\":\"water\",\"line\":\"A\",\"address\":\"9\","
		 "\"model\":\"wb-mwac-v2\",\"may_cut\":\"maybe\"}",
		 "may_cut: maybe is neither no nor yes"},
		{"{" OK "\"adress\":\"7\"}", "adress: is no column"},
		{"{" OK "\"address\":\"7\"}", "model: is missing"},
		{"{" OK "\"model\":\"eastron-sdm120\"}", "address: is missing"},
		{"{" OK "\"address\":\"248\",\"model\":\"eastron-sdm120\"}", "address: 248 is not"},
		{"{" OK "\"address\":\"0\",\"model\":\"eastron-sdm120\"}", "address: 0 is not"},
		{"{" OK "\"address\":\"7\",\"model\":\"eastron-sdm999\"}",
		 "model: there is no model"},
		{"{" OK "\"address\":\"7\",\"model\":\"waveshare-rtu-relay-8ch\"}",
		 "model: waveshare"},
		{"{" OK "\"address\":\"7\",\"model\":\"eastron-sdm120\",\"channel\":\"2\"}",
		 "channel: 2 is not"},
		{"{" OK "\"address\":\"7\",\"model\":\"eastron-sdm120\",\"relay\":\"meter\"}",
		 "relay: eastron-sdm120 has no relay"},
		{"{" OK "\"relay\":\"meter\"}", "relay: is in the meter"},
		{"{" OK "\"relay\":\"waveshare-rtu-relay-8ch@101\"}", "relay: waveshare"},
		{"{" OK "\"relay\":\"waveshare-rtu-relay-8ch@101/9\"}", "relay: the address is"},
		{"{" OK "\"relay\":\"eastron-sdm120@101/1\"}",
		 "relay: eastron-sdm120 has no relay"},
		{"{" OK "\"contact\":\"maybe\"}", "contact: maybe is neither"},
		{"{" OK "\"tenancy\":\"a\\nb\"}", "tenancy: has a control character"},
		{"{\"room\":\"305\",\"circuit\":\"light\",\"line\":\"Z\"}",
		 "line: the configuration has no [line Z]"},
		{"{" OK
		 "\"contact\":\"a\u623f\u623f\u623f\u623f\u623f\u623f\u623f\u623f\u623f\u623f"
		 "\u623f\u623f\u623f\u623f\"}",
		 "contact: "
		 "a\u623f\u623f\u623f\u623f\u623f\u623f\u623f\u623f\u623f\u623f\u623f\u623f"
		 "\u623f is neither"},
		{"{" OK "\"contact\":\"\u623f\u623f\u623f\u623f\u623f\u623f\u623f\u623f\u623f\u623f"
		 "\u623f\u623f\u623f\u623f\"}",
		 "contact: \u623f\u623f\u623f\u623f\u623f\u623f\u623f\u623f\u623f\u623f\u623f\u623f"
		 "\u623f? is neither"},
		{"{" OK "\"may_cut\":\"1\"}", "may_cut: 1 is neither"},
		{"{" OK "\"cut_order\":\"10\"}", "cut_order: 10 is not"},
		{"{" OK "\"opening_minor\":\"1.50\"}", "opening_minor: 1.50 is not"},
		{"{\"room\":\"305\",\"circuit\":\"x\",\"line\":\"B\",\"address\":\"1\",\"model\":"
		 "\"eastron-sdm120\"}",
		 "line: the configuration has no"},
		{"{\"room\":\"305\",\"circuit\":\"x\",\"line\":\"A\",\"address\":\"1\",\"model\":"
		 "\"eastron-sdm120\"}",
		 "breaker_a: is missing"},
		{"{" OK "\"address\":\"7\",\"model\":\"dzt6001\"}",
		 "model: dzt6001 is experimental"},
		{"{" OK "\"address\":\"7\",\"model\":\"dzt6001\",\"experimental\":\"no\"}",
		 "model: dzt6001 is experimental"},
		{"{" OK "\"relay\":\"eastron-sdm320-lora@9/1\"}",
		 "relay: eastron-sdm320-lora is experimental"},
		{"{" OK "\"experimental\":\"perhaps\"}", "experimental: perhaps is neither"},
		{"[]", "room: the row is no object"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char finding[256] = "";
		struct commission_row row;
		json_t *json = json_loads(cases[i].row, 0, NULL);
		assert_non_null(json);
		int r = commission_parse(json, &config, models, remember, finding, &row);
		if (r != -EINVAL ||
		    strncmp(finding, cases[i].finding, strlen(cases[i].finding)) != 0)
			fail_msg("%s -> %d %s", cases[i].row, r, finding);
		json_decref(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_becomes_a_supply),
		cmocka_unit_test(what_is_badly_evidenced_is_taken_when_somebody_says_so),
		cmocka_unit_test(water_needs_no_breaker_and_is_cut_only_when_somebody_says_so),
		cmocka_unit_test(a_light_needs_neither_meter_nor_relay),
		cmocka_unit_test(each_mistake_names_its_column),
	};
	return cmocka_run_group_tests_name("commission", tests, setup, teardown);
}
