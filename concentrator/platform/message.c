/* message.c - requests and replies; see message.h. Amounts and arguments are message_value.c. */
#include "concentrator/platform/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/platform/text.h"

__attribute__((format(printf, 2, 3))) static void
message_say(char ret_detail[static MESSAGE_DETAIL_SIZE], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(ret_detail, MESSAGE_DETAIL_SIZE, format, args);
	va_end(args);
}

/* Before jansson sees the text, so that its recursion is bounded too. Strings are skipped; a broken text may be
 * miscounted, and is then refused by jansson. */
static bool message_is_deep(const char *text, size_t len)
{
	bool quoted = false;
	size_t depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
			continue;
		}
		if (c == '"')
			quoted = true;
		if ((c == '{' || c == '[') && ++depth > MESSAGE_DEPTH_MAX)
			return true;
		if ((c == '}' || c == ']') && depth > 0)
			depth--;
	}
	return false;
}

/* Recursion is bounded by message_is_deep(). */
static bool message_has_real(const json_t *value)
{
	const char *key;
	json_t *element;
	size_t i;

	if (json_is_real(value))
		return true;
	if (json_is_array(value)) {
		json_array_foreach(value, i, element)
		{
			if (message_has_real(element))
				return true;
		}
	}
	if (json_is_object(value)) {
		/* The macro wants a mutable object and changes nothing. */
		json_object_foreach((json_t *)(uintptr_t)value, key, element)
		{
			if (message_has_real(element))
				return true;
		}
	}
	return false;
}

int message_parse(const char *text, size_t len, json_t **ret,
		  char ret_detail[static MESSAGE_DETAIL_SIZE])
{
	json_error_t error;
	json_t *value;

	if (len >= MESSAGE_SIZE_MAX) {
		message_say(ret_detail, "more than %d bytes", MESSAGE_SIZE_MAX - 1);
		return -EMSGSIZE;
	}
	if (message_is_deep(text, len)) {
		message_say(ret_detail, "nested deeper than %d", MESSAGE_DEPTH_MAX);
		return -EBADMSG;
	}
	value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (value == NULL) {
		if (json_error_code(&error) == json_error_out_of_memory) {
			message_say(ret_detail, "out of memory");
			return -ENOMEM;
		}
		message_say(ret_detail, "no JSON at byte %d: %s", error.position, error.text);
		return -EBADMSG;
	}
	if (!json_is_object(value)) {
		message_say(ret_detail, "not a JSON object");
		json_decref(value);
		return -EBADMSG;
	}
	if (message_has_real(value)) {
		message_say(ret_detail,
			    "a number with a point or exponent; all numbers are integers");
		json_decref(value);
		return -EBADMSG;
	}
	*ret = value;
	return 0;
}

/* Is every key of the object among the names? The first that is not is told. */
static const char *message_stranger(json_t *object, const char *const names[])
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		bool known = false;

		for (size_t i = 0; names[i] != NULL && !known; i++)
			known = strcmp(key, names[i]) == 0;
		if (!known)
			return key;
	}
	return NULL;
}

int message_parse_request(const char *line, size_t len, struct message_request *ret,
			  char ret_detail[static MESSAGE_DETAIL_SIZE])
{
	static const char *const names[] = {"v", "id", "verb", "args", NULL};
	const json_t *id, *version, *verb;
	json_t *args;
	json_t *request = NULL;
	const char *stranger;
	int r;

	*ret = (struct message_request){.id = MESSAGE_NO_ID};
	r = message_parse(line, len, &request, ret_detail);
	if (r < 0)
		return r;
	r = -EBADMSG;
	id = json_object_get(request, "id");
	version = json_object_get(request, "v");
	verb = json_object_get(request, "verb");
	args = json_object_get(request, "args");
	if (!json_is_integer(id) || json_integer_value(id) < 0) {
		message_say(ret_detail, "`id` must be an integer, 0 or more");
		goto end;
	}
	ret->id = json_integer_value(id);
	if (!json_is_integer(version) || json_integer_value(version) != MESSAGE_VERSION) {
		message_say(ret_detail, "`v` must be %d: this daemon speaks no other protocol",
			    MESSAGE_VERSION);
		r = -EPROTO;
		goto end;
	}
	if (!json_is_string(verb) || json_string_length(verb) == 0 ||
	    json_string_length(verb) >= sizeof(ret->verb)) {
		message_say(ret_detail, "`verb` must be a string of 1 to %zu characters",
			    sizeof(ret->verb) - 1);
		goto end;
	}
	if (args != NULL && !json_is_object(args)) {
		message_say(ret_detail, "`args` must be an object");
		goto end;
	}
	stranger = message_stranger(request, names);
	if (stranger != NULL) {
		message_say(ret_detail, "unknown member `%.64s`", stranger);
		goto end;
	}
	ret->args = args == NULL ? json_object() : json_incref(args);
	if (ret->args == NULL) {
		message_say(ret_detail, "out of memory");
		r = -ENOMEM;
		goto end;
	}
	(void)snprintf(ret->verb, sizeof(ret->verb), "%s", json_string_value(verb));
	r = 0;
end:
	json_decref(request);
	return r;
}

void message_request_clear(struct message_request *request)
{
	json_decref(request->args);
	*request = (struct message_request){.id = MESSAGE_NO_ID};
}

static int message_parse_problem(const json_t *object, struct message_problem *ret)
{
	const char *type = json_string_value(json_object_get(object, "type"));
	const char *detail = json_string_value(json_object_get(object, "detail"));
	json_t *errors = json_object_get(object, "errors");

	if (type == NULL || (errors != NULL && !json_is_array(errors)))
		return -EPROTO;
	if (detail != NULL) {
		ret->detail = strdup(detail);
		if (ret->detail == NULL)
			return -ENOMEM;
	}
	ret->errors = json_incref(errors);
	ret->problem = problem_from_type(type);
	return 0;
}

int message_parse_reply(const char *line, size_t len, struct message_reply *ret)
{
	char detail[MESSAGE_DETAIL_SIZE];
	const json_t *id, *problem, *more;
	json_t *data;
	json_t *reply = NULL;
	struct message_reply parsed = {.id = MESSAGE_NO_ID};
	int r = message_parse(line, len, &reply, detail);

	if (r < 0)
		return r == -ENOMEM ? r : -EPROTO;
	r = -EPROTO;
	id = json_object_get(reply, "id");
	problem = json_object_get(reply, "problem");
	more = json_object_get(reply, "more");
	data = json_object_get(reply, "data");
	if (json_integer_value(json_object_get(reply, "v")) != MESSAGE_VERSION)
		goto end;
	if (!json_is_integer(id) && !json_is_null(id))
		goto end;
	if ((data == NULL) == (problem == NULL) || (data != NULL && !json_is_object(data)) ||
	    (problem != NULL && !json_is_object(problem)) ||
	    (more != NULL && !json_is_string(more)))
		goto end;
	if (json_is_integer(id))
		parsed.id = json_integer_value(id);
	if (more != NULL) {
		parsed.more = strdup(json_string_value(more));
		if (parsed.more == NULL) {
			r = -ENOMEM;
			goto end;
		}
	}
	r = problem == NULL ? 0 : message_parse_problem(problem, &parsed.problem);
	if (r < 0)
		goto end;
	parsed.data = json_incref(data);
	*ret = parsed;
	parsed = (struct message_reply){.id = MESSAGE_NO_ID};
end:
	message_reply_clear(&parsed);
	json_decref(reply);
	return r;
}

void message_problem_clear(struct message_problem *problem)
{
	free(problem->detail);
	json_decref(problem->errors);
	*problem = (struct message_problem){.problem = PROBLEM_NONE};
}

void message_reply_clear(struct message_reply *reply)
{
	json_decref(reply->data);
	free(reply->more);
	message_problem_clear(&reply->problem);
	*reply = (struct message_reply){.id = MESSAGE_NO_ID};
}

/* Takes the message, which may be NULL for want of memory. */
static int message_write(json_t *message, char **ret, size_t *ret_len)
{
	char *text;
	size_t len;

	if (message == NULL)
		return -ENOMEM;
	text = json_dumps(message, JSON_COMPACT);
	json_decref(message);
	if (text == NULL)
		return -ENOMEM;
	len = strlen(text);
	if (len >= MESSAGE_SIZE_MAX) {
		free(text);
		return -EMSGSIZE;
	}
	/* The newline takes the place of the terminator, which grows by one. */
	char *line = realloc(text, len + 2);

	if (line == NULL) {
		free(text);
		return -ENOMEM;
	}
	line[len] = '\n';
	line[len + 1] = '\0';
	*ret = line;
	*ret_len = len + 1;
	return 0;
}

/* jansson counts references in the value itself, so lending one to a message needs it mutable. */
static json_t *message_lend(const json_t *value)
{
	return json_incref((json_t *)(uintptr_t)value);
}

static json_t *message_lend_object(const json_t *value)
{
	return value == NULL ? json_object() : message_lend(value);
}

static json_t *message_id(int64_t id)
{
	return id == MESSAGE_NO_ID ? json_null() : json_integer(id);
}

int message_write_request(int64_t id, const char *verb, const json_t *args, char **ret,
			  size_t *ret_len)
{
	return message_write(json_pack("{s:i,s:o,s:s,s:o}", "v", MESSAGE_VERSION, "id",
				       message_id(id), "verb", verb, "args",
				       message_lend_object(args)),
			     ret, ret_len);
}

int message_write_reply(int64_t id, const json_t *data, const char *more, char **ret,
			size_t *ret_len)
{
	return message_write(json_pack("{s:i,s:o,s:o,s:s*}", "v", MESSAGE_VERSION, "id",
				       message_id(id), "data", message_lend_object(data), "more",
				       more),
			     ret, ret_len);
}

/* A detail may quote a peer and be cut in the middle of a character, which jansson refuses. */
static json_t *message_detail(const char *detail)
{
	json_t *value = json_string(detail);
	char *whole;

	if (value != NULL || detail == NULL)
		return value;
	whole = strdup(detail);
	if (whole == NULL)
		return NULL;
	text_repair(whole);
	value = json_string(whole);
	free(whole);
	return value;
}

int message_write_problem(int64_t id, enum problem problem, const char *detail,
			  const json_t *errors, char **ret, size_t *ret_len)
{
	return message_write(json_pack("{s:i,s:o,s:{s:s,s:s,s:o*,s:i,s:o*}}", "v", MESSAGE_VERSION,
				       "id", message_id(id), "problem", "type",
				       problem_type(problem), "title", problem_title(problem),
				       "detail", message_detail(detail), "exit",
				       problem_exit(problem), "errors", message_lend(errors)),
			     ret, ret_len);
}
