/* session_problem.c - how a problem is told: a JSON object, or what, where and what to do; see session.h. */
#include "concentrator/cli/session.h"

#include <stdarg.h>
#include <string.h>

#define TEXT_SIZE 4096

/* What a person does next; NULL where the detail says it all. */
static const char *advice(enum problem problem)
{
	switch (problem) {
	case PROBLEM_NOT_AUTHORISED:
		return "An admin can put you into the group of the role that is needed; see ROLES "
		       "in "
		       "prepay(1).";
	case PROBLEM_NO_DAEMON:
		return "Is prepayd running? systemctl status prepayd; rooms keep the supply they "
		       "have.";
	case PROBLEM_TIME_OUT:
		return "Ask again; --timeout S waits longer. A change may still have happened: "
		       "look "
		       "before you repeat it.";
	case PROBLEM_DEGRADED:
		return "See prepay status.";
	case PROBLEM_NONE:
	case PROBLEM_FAILED:
	case PROBLEM_USAGE:
	case PROBLEM_NOT_FOUND:
	case PROBLEM_REFUSED:
	case PROBLEM_CONFLICT:
	case PROBLEM_COUNT:
		break;
	}
	return NULL;
}

/* Where the detail of a problem is a whole sentence the kind adds nothing. */
static bool says_kind(enum problem problem)
{
	return problem != PROBLEM_USAGE && problem != PROBLEM_NOT_FOUND &&
	       problem != PROBLEM_FAILED && problem != PROBLEM_CONFLICT;
}

static void put_lines(const struct screen *screen, const char *text)
{
	char line[TEXT_SIZE];

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		(void)snprintf(line, sizeof(line), "%.*s", (int)len, text);
		screen_put(screen, TONE_PLAIN, line);
		screen_end_line(screen);
		text += len;
		text += *text == '\n';
	}
}

/* One row of "errors": "rooms.csv:7: the message", "line 7: the message" or "column: the message". */
static void put_error_row(const struct session *session, const json_t *row)
{
	const struct screen *screen = &session->error;
	json_int_t line = json_integer_value(json_object_get(row, "line"));
	const char *column = json_string_value(json_object_get(row, "column"));
	const char *message = json_string_value(json_object_get(row, "message"));

	if (message == NULL)
		return;
	/* Line 0 is the file as a whole. */
	if (session->reading != NULL && line > 0)
		screen_say(screen, TONE_PLAIN, "%s:%" JSON_INTEGER_FORMAT ": %s", session->reading,
			   line, message);
	else if (session->reading != NULL)
		screen_say(screen, TONE_PLAIN, "%s: %s", session->reading, message);
	else if (line > 0)
		screen_say(screen, TONE_PLAIN, "  line %" JSON_INTEGER_FORMAT ": %s", line,
			   message);
	else
		screen_say(screen, TONE_PLAIN, "  %s%s%s", column != NULL ? column : "",
			   column != NULL ? ": " : "", message);
	screen_end_line(screen);
}

/* Is there one error alone, and the detail has it? */
static bool says_all(const char *detail, const json_t *errors)
{
	const json_t *only = json_array_get(errors, 0);
	const char *message = json_string_value(json_object_get(only, "message"));

	return json_array_size(errors) == 1 && message != NULL && strstr(detail, message) != NULL;
}

static int print_problem(struct session *session, enum problem problem, const json_t *errors,
			 const char *detail)
{
	const struct screen *screen = &session->error;
	const char *next = advice(problem);
	const json_t *row;
	size_t i;

	(void)fflush(session->out.file);
	if (session->manners.json) {
		json_t *text = json_string(detail);
		json_t *object = json_pack("{s:i,s:{s:s,s:s,s:o,s:i,s:O*}}", "v", MESSAGE_VERSION,
					   "problem", "type", problem_type(problem), "title",
					   problem_title(problem), "detail",
					   text != NULL ? text : json_string("(not text)"), "exit",
					   problem_exit(problem), "errors", errors);

		if (object != NULL) {
			(void)json_dumpf(object, screen->file, JSON_COMPACT);
			screen_end_line(screen);
		}
		json_decref(object);
		return problem_exit(problem);
	}
	screen_put(screen, TONE_BAD, "prepay: ");
	if (says_kind(problem) || *detail == '\0')
		screen_put(screen, TONE_PLAIN, problem_title(problem));
	if (*detail == '\0')
		screen_end_line(screen);
	else if (says_kind(problem))
		screen_put(screen, TONE_PLAIN, ": ");
	/* Of the two the row is better when it names the file. */
	bool row_is_better = session->reading != NULL && says_all(detail, errors);
	if (!row_is_better)
		put_lines(screen, detail);
	if (row_is_better || !says_all(detail, errors)) {
		json_array_foreach(errors, i, row) put_error_row(session, row);
	}
	if (next != NULL)
		put_lines(screen, next);
	return problem_exit(problem);
}

int session_problem(struct session *session, enum problem problem, const json_t *errors,
		    const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return print_problem(session, problem, errors, text);
}

int session_tell(struct session *session, const struct message_problem *problem)
{
	enum problem kind = problem->problem == PROBLEM_NONE ? PROBLEM_FAILED : problem->problem;

	return print_problem(session, kind, problem->errors,
			     problem->detail != NULL ? problem->detail : "");
}

int session_no_memory(struct session *session)
{
	return session_problem(session, PROBLEM_FAILED, NULL, "out of memory");
}
