/* test_message.c - lines of the control protocol: what control.md promises, and what it refuses. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "concentrator/platform/message.h"

static void test_request(void **state)
{
	static const char line[] =
		"{\"v\":1,\"id\":7,\"verb\":\"room.show\",\"args\":{\"room\":\"305\"}}";
	static const char bare[] = "{\"v\":1,\"id\":0,\"verb\":\"status\"}";
	struct message_request request;
	char detail[MESSAGE_DETAIL_SIZE];

	(void)state;
	assert_int_equal(message_parse_request(line, strlen(line), &request, detail), 0);
	assert_int_equal(request.id, 7);
	assert_string_equal(request.verb, "room.show");
	assert_string_equal(message_arg_string(request.args, "room"), "305");
	message_request_clear(&request);
	assert_int_equal(message_parse_request(bare, strlen(bare), &request, detail), 0);
	assert_int_equal(json_object_size(request.args), 0);
	message_request_clear(&request);
}

struct refused_case {
	const char *sentence;
	const char *line;
	int result;
	int64_t id;
	const char *detail; /* is in there */
};

static const struct refused_case refused_cases[] = {
	{"nothing", "", -EBADMSG, -1, "no JSON"},
	{"no JSON", "status", -EBADMSG, -1, "no JSON"},
	{"an array", "[1]", -EBADMSG, -1, "not a JSON object"},
	{"two objects", "{\"v\":1,\"id\":1,\"verb\":\"x\"}{}", -EBADMSG, -1, "no JSON"},
	{"a key twice", "{\"v\":1,\"id\":1,\"verb\":\"x\",\"verb\":\"y\"}", -EBADMSG, -1,
	 "duplicate"},
	{"an argument twice", "{\"v\":1,\"id\":1,\"verb\":\"x\",\"args\":{\"a\":1,\"a\":1}}",
	 -EBADMSG, -1, "duplicate"},
	{"a real", "{\"v\":1,\"id\":1,\"verb\":\"x\",\"args\":{\"a\":[{\"b\":1.0}]}}", -EBADMSG, -1,
	 "integers"},
	{"an exponent", "{\"v\":1,\"id\":1,\"verb\":\"x\",\"args\":{\"a\":1e2}}", -EBADMSG, -1,
	 "integers"},
	{"an integer past 64 bits", "{\"v\":1,\"id\":9223372036854775808,\"verb\":\"x\"}", -EBADMSG,
	 -1, "no JSON"},
	{"a NUL in a string", "{\"v\":1,\"id\":1,\"verb\":\"a\\u0000b\"}", -EBADMSG, -1, "no JSON"},
	{"bad UTF-8", "{\"v\":1,\"id\":1,\"verb\":\"\xff\"}", -EBADMSG, -1, "no JSON"},
	{"nine levels", "{\"v\":1,\"id\":1,\"verb\":\"x\",\"args\":{\"a\":[[[[[[[]]]]]]]}}",
	 -EBADMSG, -1, "deeper than 8"},
	{"no id", "{\"v\":1,\"verb\":\"x\"}", -EBADMSG, -1, "`id`"},
	{"an id below zero", "{\"v\":1,\"id\":-1,\"verb\":\"x\"}", -EBADMSG, -1, "`id`"},
	{"an id that is text", "{\"v\":1,\"id\":\"1\",\"verb\":\"x\"}", -EBADMSG, -1, "`id`"},
	{"no version", "{\"id\":5,\"verb\":\"x\"}", -EPROTO, 5, "`v`"},
	{"another version", "{\"v\":2,\"id\":5,\"verb\":\"x\"}", -EPROTO, 5, "`v`"},
	{"no verb", "{\"v\":1,\"id\":5}", -EBADMSG, 5, "`verb`"},
	{"an empty verb", "{\"v\":1,\"id\":5,\"verb\":\"\"}", -EBADMSG, 5, "`verb`"},
	{"arguments in an array", "{\"v\":1,\"id\":5,\"verb\":\"x\",\"args\":[]}", -EBADMSG, 5,
	 "`args`"},
	{"an unknown member", "{\"v\":1,\"id\":5,\"verb\":\"x\",\"argz\":{}}", -EBADMSG, 5,
	 "`argz`"},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused_cases) / sizeof(refused_cases[0]); i++) {
		const struct refused_case *c = &refused_cases[i];
		struct message_request request;
		char detail[MESSAGE_DETAIL_SIZE] = "";

		print_message("%s\n", c->sentence);
		assert_int_equal(message_parse_request(c->line, strlen(c->line), &request, detail),
				 c->result);
		assert_int_equal(request.id, c->id);
		assert_non_null(strstr(detail, c->detail));
	}
}

static void test_eight_levels(void **state)
{
	static const char line[] =
		"{\"v\":1,\"id\":1,\"verb\":\"[[[[[[[[[[\",\"args\":{\"a\":[[[[[[]]]]]]}}";
	struct message_request request;
	char detail[MESSAGE_DETAIL_SIZE];

	(void)state;
	assert_int_equal(message_parse_request(line, strlen(line), &request, detail), 0);
	message_request_clear(&request);
}

static void test_size(void **state)
{
	char *line = malloc(MESSAGE_SIZE_MAX + 1);
	char detail[MESSAGE_DETAIL_SIZE];
	struct message_request request;
	int head;

	(void)state;
	assert_non_null(line);
	head = snprintf(line, MESSAGE_SIZE_MAX,
			"{\"v\":1,\"id\":1,\"verb\":\"x\",\"args\":{\"a\":\"");
	memset(line + head, 'y', (size_t)(MESSAGE_SIZE_MAX + 1 - head));
	memcpy(line + MESSAGE_SIZE_MAX - 4, "\"}}", 3);
	assert_int_equal(message_parse_request(line, MESSAGE_SIZE_MAX - 1, &request, detail), 0);
	message_request_clear(&request);
	memcpy(line + MESSAGE_SIZE_MAX - 4, "yyyy", 4);
	assert_int_equal(message_parse_request(line, MESSAGE_SIZE_MAX, &request, detail),
			 -EMSGSIZE);
	free(line);
}

static void test_reply(void **state)
{
	static const char line[] = "{\"v\":1,\"id\":7,\"data\":{\"rows\":[]},\"more\":\"256\"}";
	static const char problem[] =
		"{\"v\":1,\"id\":null,\"problem\":{\"type\":\"urn:prepay:problem:not-found\","
		"\"title\":\"t\",\"detail\":\"no room 9\",\"exit\":4,\"errors\":[{\"line\":3}]}}";
	struct message_reply reply;

	(void)state;
	assert_int_equal(message_parse_reply(line, strlen(line), &reply), 0);
	assert_int_equal(reply.id, 7);
	assert_non_null(reply.data);
	assert_string_equal(reply.more, "256");
	assert_int_equal(reply.problem.problem, PROBLEM_NONE);
	message_reply_clear(&reply);

	assert_int_equal(message_parse_reply(problem, strlen(problem), &reply), 0);
	assert_int_equal(reply.id, MESSAGE_NO_ID);
	assert_null(reply.data);
	assert_int_equal(reply.problem.problem, PROBLEM_NOT_FOUND);
	assert_string_equal(reply.problem.detail, "no room 9");
	assert_int_equal(json_array_size(reply.problem.errors), 1);
	message_reply_clear(&reply);
}

static void test_bad_reply(void **state)
{
	static const char *const lines[] = {
		"",
		"{}",
		"{\"v\":1,\"id\":1}",
		"{\"v\":2,\"id\":1,\"data\":{}}",
		"{\"v\":1,\"data\":{}}",
		"{\"v\":1,\"id\":1,\"data\":[]}",
		"{\"v\":1,\"id\":1,\"data\":{},\"problem\":{\"type\":\"x\"}}",
		"{\"v\":1,\"id\":1,\"data\":{},\"more\":5}",
		"{\"v\":1,\"id\":1,\"problem\":{}}",
		"{\"v\":1,\"id\":1,\"problem\":{\"type\":\"x\",\"errors\":1}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct message_reply reply;

		print_message("%s\n", lines[i]);
		assert_int_equal(message_parse_reply(lines[i], strlen(lines[i]), &reply), -EPROTO);
	}
}

static void test_written_lines(void **state)
{
	json_t *args = json_pack("{s:s}", "room", "305");
	json_t *errors = json_pack("[{s:i}]", "line", 3);
	json_t *big = json_pack("{s:o}", "a", json_array());
	char *line;
	size_t len;

	(void)state;
	assert_int_equal(message_write_request(7, "room.show", args, &line, &len), 0);
	assert_string_equal(
		line, "{\"v\":1,\"id\":7,\"verb\":\"room.show\",\"args\":{\"room\":\"305\"}}\n");
	assert_int_equal(len, strlen(line));
	free(line);
	assert_int_equal(message_write_reply(7, args, NULL, &line, &len), 0);
	assert_string_equal(line, "{\"v\":1,\"id\":7,\"data\":{\"room\":\"305\"}}\n");
	free(line);
	assert_int_equal(message_write_reply(7, NULL, "256", &line, &len), 0);
	assert_string_equal(line, "{\"v\":1,\"id\":7,\"data\":{},\"more\":\"256\"}\n");
	free(line);
	assert_int_equal(message_write_problem(MESSAGE_NO_ID, PROBLEM_NOT_FOUND, "no room 9",
					       errors, &line, &len),
			 0);
	assert_string_equal(
		line, "{\"v\":1,\"id\":null,\"problem\":{\"type\":\"urn:prepay:problem:not-found\","
		      "\"title\":\"there is no such thing\",\"detail\":\"no room 9\",\"exit\":4,"
		      "\"errors\":[{\"line\":3}]}}\n");
	free(line);
	/* A detail cut inside a character is still told. */
	assert_int_equal(
		message_write_problem(1, PROBLEM_USAGE, "room \xe6\x88", NULL, &line, &len), 0);
	assert_non_null(strstr(line, "\"detail\":\"room ??\""));
	free(line);
	for (int i = 0; i < 16384; i++)
		assert_int_equal(
			json_array_append_new(json_object_get(big, "a"), json_integer(100)), 0);
	assert_int_equal(message_write_reply(7, big, NULL, &line, &len), -EMSGSIZE);
	json_decref(big);
	json_decref(args);
	json_decref(errors);
}

static void test_money_shown(void **state)
{
	static const struct {
		const char *sentence;
		int64_t amount_nano;
		int digits;
		int64_t value;
	} cases[] = {
		{"whole cents", 1230000000, 2, 123},
		{"a fraction of a cent of credit is not shown", 1239999999, 2, 123},
		{"a fraction of a cent of debt is a cent of debt", -1, 2, -1},
		{"a debt of whole cents", -10000000, 2, -1},
		{"a currency without cents", 1999999999, 0, 1},
		{"exact", -1, 9, -1},
		{"the least of all", INT64_MIN, 2, -922337203686},
		{"nothing", 0, 2, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *money = message_money(cases[i].amount_nano, cases[i].digits, 156);

		print_message("%s\n", cases[i].sentence);
		assert_non_null(money);
		assert_int_equal(json_integer_value(json_object_get(money, "value")),
				 cases[i].value);
		assert_int_equal(json_integer_value(json_object_get(money, "multiplier")),
				 -cases[i].digits);
		assert_int_equal(json_integer_value(json_object_get(money, "monetaryUnit")), 156);
		json_decref(money);
	}
}

static void test_money_read(void **state)
{
	static const struct {
		const char *text;
		int result;
		int64_t amount_nano;
	} cases[] = {
		{"{\"value\":12345,\"multiplier\":-2,\"monetaryUnit\":156}", 0, 123450000000},
		{"{\"value\":-1,\"multiplier\":-9,\"monetaryUnit\":978}", 0, -1},
		{"{\"value\":9,\"multiplier\":9,\"monetaryUnit\":156}", 0, 9000000000000000000},
		{"{\"value\":10,\"multiplier\":9,\"monetaryUnit\":156}", -ERANGE, 0},
		{"{\"value\":922337203686,\"multiplier\":-2,\"monetaryUnit\":156}", -ERANGE, 0},
		{"{\"value\":1,\"multiplier\":-10,\"monetaryUnit\":156}", -EINVAL, 0},
		{"{\"value\":1,\"multiplier\":10,\"monetaryUnit\":156}", -EINVAL, 0},
		{"{\"value\":1,\"multiplier\":-2,\"monetaryUnit\":0}", -EINVAL, 0},
		{"{\"value\":1,\"multiplier\":-2,\"monetaryUnit\":1000}", -EINVAL, 0},
		{"{\"value\":\"1\",\"multiplier\":-2,\"monetaryUnit\":156}", -EINVAL, 0},
		{"{\"value\":1.0,\"multiplier\":-2,\"monetaryUnit\":156}", -EINVAL, 0},
		{"{\"value\":1,\"multiplier\":-2}", -EINVAL, 0},
		{"{\"value\":1,\"multiplier\":-2,\"monetaryUnit\":156,\"x\":1}", -EINVAL, 0},
		{"[]", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *money = json_loads(cases[i].text, 0, NULL);
		int64_t amount_nano = 0;
		int currency = 0;

		print_message("%s\n", cases[i].text);
		assert_int_equal(message_parse_money(money, &amount_nano, &currency),
				 cases[i].result);
		assert_int_equal(amount_nano, cases[i].amount_nano);
		json_decref(money);
	}
}

static void test_nano(void **state)
{
	static const struct {
		const char *text;
		int result;
		int64_t amount_nano;
	} cases[] = {
		{"0", 0, 0},
		{"-9223372036854775808", 0, INT64_MIN},
		{"9223372036854775807", 0, INT64_MAX},
		{"9223372036854775808", -ERANGE, 0},
		{"-9223372036854775809", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"-", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{"1.5", -EINVAL, 0},
		{" 1", -EINVAL, 0},
	};
	json_t *number = json_integer(5);
	int64_t amount_nano = 0;
	json_t *text;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *value = json_string(cases[i].text);

		amount_nano = 0;
		assert_int_equal(message_parse_nano(value, &amount_nano), cases[i].result);
		assert_true(amount_nano == cases[i].amount_nano);
		json_decref(value);
	}
	assert_int_equal(message_parse_nano(number, &amount_nano), -EINVAL);
	json_decref(number);
	text = message_nano(INT64_MIN);
	assert_string_equal(json_string_value(text), "-9223372036854775808");
	json_decref(text);
}

static void test_args(void **state)
{
	static const char spec[] = "room:s circuit?:s n?:i all?:b rows?:a bag?:o amount?:m text?:t";
	static const struct {
		const char *sentence;
		const char *args;
		const char *detail; /* NULL: accepted */
	} cases[] = {
		{"what is needed", "{\"room\":\"305\"}", NULL},
		{"everything",
		 "{\"room\":\"305\",\"circuit\":\"ac\",\"n\":0,\"all\":false,\"rows\":[],\"bag\":{}"
		 ","
		 "\"amount\":{\"value\":1,\"multiplier\":-2,\"monetaryUnit\":156},\"text\":"
		 "\"a\\nb\"}",
		 NULL},
		{"one missing", "{\"n\":1}", "argument `room` is missing"},
		{"one unknown", "{\"room\":\"1\",\"rom\":\"2\"}", "unknown argument `rom`"},
		{"the beginning of a name", "{\"room\":\"1\",\"circ\":\"2\"}",
		 "unknown argument `circ`"},
		{"a number for a string", "{\"room\":305}", "argument `room` must be a string"},
		{"an empty string", "{\"room\":\"\"}", "argument `room` must be a string of 1"},
		{"a newline in a string", "{\"room\":\"a\\nb\"}",
		 "argument `room` must be a string"},
		{"a negative count", "{\"room\":\"1\",\"n\":-1}",
		 "argument `n` must be an integer"},
		{"a string for a boolean", "{\"room\":\"1\",\"all\":\"yes\"}",
		 "argument `all` must be true"},
		{"an object for an array", "{\"room\":\"1\",\"rows\":{}}",
		 "argument `rows` must be an array"},
		{"an array for an object", "{\"room\":\"1\",\"bag\":[]}",
		 "argument `bag` must be an object"},
		{"a number for money", "{\"room\":\"1\",\"amount\":5}",
		 "argument `amount` must be money"},
	};
	char detail[MESSAGE_DETAIL_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *args = json_loads(cases[i].args, 0, NULL);
		int r = message_check_args(args, spec, detail);

		print_message("%s\n", cases[i].sentence);
		assert_int_equal(r, cases[i].detail == NULL ? 0 : -EINVAL);
		if (cases[i].detail != NULL)
			assert_memory_equal(detail, cases[i].detail, strlen(cases[i].detail));
		json_decref(args);
	}
}

/* The table of control.md. */
static void test_problems(void **state)
{
	static const struct {
		enum problem problem;
		const char *type;
		int exit;
	} rows[] = {
		{PROBLEM_FAILED, "urn:prepay:problem:failed", 1},
		{PROBLEM_USAGE, "urn:prepay:problem:usage", 2},
		{PROBLEM_NOT_AUTHORISED, "urn:prepay:problem:not-authorised", 3},
		{PROBLEM_NOT_FOUND, "urn:prepay:problem:not-found", 4},
		{PROBLEM_NO_DAEMON, "urn:prepay:problem:no-daemon", 5},
		{PROBLEM_TIME_OUT, "urn:prepay:problem:time-out", 6},
		{PROBLEM_REFUSED, "urn:prepay:problem:refused", 7},
		{PROBLEM_CONFLICT, "urn:prepay:problem:conflict", 8},
		{PROBLEM_DEGRADED, "urn:prepay:problem:degraded", 9},
	};

	(void)state;
	assert_int_equal(sizeof(rows) / sizeof(rows[0]), PROBLEM_COUNT - 1);
	assert_int_equal(problem_exit(PROBLEM_NONE), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(problem_type(rows[i].problem), rows[i].type);
		assert_int_equal(problem_exit(rows[i].problem), rows[i].exit);
		assert_int_equal(problem_from_type(rows[i].type), rows[i].problem);
		assert_true(strlen(problem_title(rows[i].problem)) > 0);
	}
	assert_string_equal(problem_name(PROBLEM_TIME_OUT), "time-out");
	assert_int_equal(problem_from_type("urn:prepay:problem:new"), PROBLEM_FAILED);
	assert_int_equal(problem_from_errno(0), PROBLEM_NONE);
	assert_int_equal(problem_from_errno(-EEXIST), PROBLEM_CONFLICT);
	assert_int_equal(problem_from_errno(-ENOMEM), PROBLEM_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),       cmocka_unit_test(test_refused),
		cmocka_unit_test(test_eight_levels),  cmocka_unit_test(test_size),
		cmocka_unit_test(test_reply),         cmocka_unit_test(test_bad_reply),
		cmocka_unit_test(test_written_lines), cmocka_unit_test(test_money_shown),
		cmocka_unit_test(test_money_read),    cmocka_unit_test(test_nano),
		cmocka_unit_test(test_args),          cmocka_unit_test(test_problems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
