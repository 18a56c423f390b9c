#include "tests/system/station_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/control_server.h"
#include "concentrator/platform/message.h"

struct asked {
	struct control_call call;
	bool answered;
	struct site_answer answer;
	char more[128];
};

static struct asked *asked_of(struct control_call *call)
{
	return (struct asked *)call;
}

bool control_alive(const struct control_call *call)
{
	(void)call;
	return true;
}

void control_reply(struct control_call *call, json_t *data, const char *more)
{
	struct asked *asked = asked_of(call);
	char *line = NULL;
	size_t len;
	assert_false(asked->answered);
	assert_int_equal(message_write_reply(1, data, more, &line, &len), 0);
	free(line);
	asked->answered = true;
	asked->answer.data = data == NULL ? json_object() : data;
	snprintf(asked->more, sizeof(asked->more), "%s", more == NULL ? "" : more);
}

static void refuse(struct control_call *call, enum problem problem, const char *format,
		   va_list args) __attribute__((format(printf, 3, 0)));

static void refuse(struct control_call *call, enum problem problem, const char *format,
		   va_list args)
{
	struct asked *asked = asked_of(call);
	assert_false(asked->answered);
	asked->answered = true;
	asked->answer.problem = problem;
	vsnprintf(asked->answer.detail, sizeof(asked->answer.detail), format, args);
}

void control_fail(struct control_call *call, enum problem problem, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	refuse(call, problem, format, args);
	va_end(args);
}

void control_fail_rows(struct control_call *call, enum problem problem, json_t *errors,
		       const char *format, ...)
{
	va_list args;
	va_start(args, format);
	refuse(call, problem, format, args);
	va_end(args);
	json_decref(errors);
}

static void ask_page(struct site *site, const struct control_verb *verb, json_t *args,
		     struct asked *asked)
{
	struct station *station = site->building.station;
	char detail[MESSAGE_DETAIL_SIZE];
	*asked = (struct asked){
		.call = {.verb = verb->name,
			 .args = args,
			 .peer = {.uid = 1000, .user = "li", .role = CONTROL_ADMIN}}};
	if (verb->args != NULL && message_check_args(args, verb->args, detail) < 0)
		fail_msg("%s: %s", verb->name, detail);
	int r = verb->flags & CONTROL_AUDIT ? station_audit(station, &asked->call) : 0;
	if (r == 0)
		r = verb->handler(station, &asked->call);
	if (!asked->answered && r < 0) {
		const char *why = station_explain(station, r);
		control_fail(&asked->call, problem_from_errno(r), "%s",
			     why == NULL ? strerror(-r) : why);
	}
	if (!asked->answered)
		played_read_ledger(&site->building);
	assert_true(asked->answered);
}

struct site_answer site_ask(struct site *site, const char *name, json_t *args)
{
	const struct control_verb *verb = station_verbs();
	struct asked asked;
	json_t *rows = NULL;
	while (verb->name != NULL && strcmp(verb->name, name) != 0)
		verb++;
	assert_non_null(verb->name);
	if (args == NULL)
		args = json_object();
	ask_page(site, verb, args, &asked);
	while (asked.more[0] != '\0') {
		if (rows == NULL)
			rows = json_array();
		json_array_extend(rows, json_object_get(asked.answer.data, "rows"));
		json_decref(asked.answer.data);
		json_object_set_new(args, "cursor", json_string(asked.more));
		ask_page(site, verb, args, &asked);
		assert_int_equal(asked.answer.problem, PROBLEM_NONE);
	}
	if (rows != NULL) {
		json_array_extend(rows, json_object_get(asked.answer.data, "rows"));
		json_object_set_new(asked.answer.data, "rows", rows);
	}
	json_decref(args);
	return asked.answer;
}

void site_forget(struct site_answer *answer)
{
	json_decref(answer->data);
	answer->data = NULL;
}

int64_t site_int(const struct site_answer *answer, const char *field)
{
	const json_t *value = json_object_get(answer->data, field);
	int64_t nano;
	if (answer->problem != PROBLEM_NONE)
		fail_msg("%s", answer->detail);
	if (json_is_string(value)) {
		assert_int_equal(message_parse_nano(value, &nano), 0);
		return nano;
	}
	assert_non_null(value);
	return json_is_true(value) ? 1 : json_integer_value(value);
}

int64_t site_ask_int(struct site *site, const char *verb, json_t *args, const char *field)
{
	struct site_answer answer = site_ask(site, verb, args);
	int64_t value = site_int(&answer, field);
	site_forget(&answer);
	return value;
}

void site_refused(struct site *site, const char *verb, json_t *args, enum problem problem)
{
	struct site_answer answer = site_ask(site, verb, args);
	if (answer.problem != problem)
		fail_msg("%s: problem %d (%s), expected %d", verb, (int)answer.problem,
			 answer.detail, (int)problem);
	print_message("refused: %s\n", answer.detail);
	site_forget(&answer);
}
