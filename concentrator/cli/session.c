/* session.c - see session.h. */
#include "concentrator/cli/session.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "concentrator/config.h"
#include "concentrator/platform/settings.h"
#include "concentrator/platform/zone.h"

#define DEFAULT_SOCKET     "/run/prepay/control.sock"
#define DEFAULT_TIMEOUT_MS 10000
#define TEXT_SIZE          4096

void session_close(struct session *session)
{
	session->client = control_client_close(session->client);
	json_decref(session->warnings);
	session->warnings = NULL;
}

/* Only two keys matter here: a fault elsewhere in the file must not keep people from asking the daemon how it
 * is. */
int session_settle(struct session *session)
{
	const char *file = session->manners.config != NULL ? session->manners.config : CONFIG_FILE;
	const char *socket = session->manners.socket;
	struct settings *settings = NULL;
	char folder[SESSION_PATH_SIZE];
	const char *zone;
	int r;

	if (session->settled)
		return 0;
	if (settings_new(&settings) < 0)
		return session_no_memory(session);
	r = settings_read_file(settings, file);
	if (r < 0 && session->manners.config != NULL) {
		settings_free(settings);
		return session_problem(session, PROBLEM_USAGE, NULL, "%s: cannot be read: %s", file,
				       strerror(-r));
	}
	if (snprintf(folder, sizeof(folder), "%s.d", file) < (int)sizeof(folder))
		(void)settings_read_folder(settings, folder);
	zone = settings_string(settings_find(settings, "site", NULL), "zone", 1, 64, NULL);
	if (zone != NULL)
		(void)zone_set(zone);
	if (socket == NULL)
		socket = settings_path(settings_find(settings, "control", NULL), "socket",
				       DEFAULT_SOCKET);
	r = snprintf(session->socket, sizeof(session->socket), "%s", socket);
	settings_free(settings);
	if (r >= (int)sizeof(session->socket))
		return session_problem(session, PROBLEM_USAGE, NULL,
				       "the socket's path is too long");
	session->settled = true;
	return 0;
}

static int fill_problem(struct message_problem *problem, enum problem kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fill_problem(struct message_problem *problem, enum problem kind, const char *format, ...)
{
	va_list arguments;

	*problem = (struct message_problem){.problem = kind};
	va_start(arguments, format);
	if (vasprintf(&problem->detail, format, arguments) < 0)
		problem->detail = NULL;
	va_end(arguments);
	return -ECONNREFUSED;
}

static int connect_daemon(struct session *session, struct message_problem *ret_problem)
{
	int r;

	/* Between two answers nothing is due: what can be read is the daemon's good-bye. */
	if (session->client != NULL) {
		struct pollfd idle = {.fd = control_client_fd(session->client), .events = POLLIN};

		if (poll(&idle, 1, 0) == 0)
			return 0;
		session->client = control_client_close(session->client);
	}
	r = control_client_open(&session->client, session->socket);
	if (r >= 0)
		return 0;
	if (r == -EACCES || r == -EPERM)
		return fill_problem(ret_problem, PROBLEM_NOT_AUTHORISED, "%s: %s", session->socket,
				    strerror(-r));
	return fill_problem(ret_problem, PROBLEM_NO_DAEMON, "%s: %s", session->socket,
			    strerror(-r));
}

int session_try(struct session *session, const char *verb, json_t *args, json_t **ret_data,
		struct message_problem *ret_problem)
{
	int64_t timeout_ms = session->manners.timeout_ms;
	int r = connect_daemon(session, ret_problem);

	if (r < 0) {
		json_decref(args);
		return r;
	}
	if (timeout_ms == 0)
		timeout_ms = DEFAULT_TIMEOUT_MS;
	r = control_call(session->client, verb, args, timeout_ms, ret_data, ret_problem);
	if (r < 0 && r != -EREMOTEIO)
		session->client = control_client_close(session->client);
	return r;
}

int session_ask(struct session *session, const char *verb, json_t *args, json_t **ret_data)
{
	struct message_problem problem = {0};
	int r;

	r = session_try(session, verb, args, ret_data, &problem);
	if (r < 0) {
		int exit_code = session_tell(session, &problem);

		message_problem_clear(&problem);
		return exit_code;
	}
	return 0;
}

static int next_page(struct session *session, const char *verb, json_t *args,
		     struct message_reply *ret)
{
	int64_t timeout_ms = session->manners.timeout_ms;
	int r;

	*ret = (struct message_reply){0};
	r = connect_daemon(session, &ret->problem);
	if (r == 0)
		r = control_call_page(session->client, verb, json_incref(args),
				      timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : timeout_ms, ret);
	if (r < 0 && r != -EREMOTEIO)
		session->client = control_client_close(session->client);
	return r < 0 ? session_tell(session, &ret->problem) : 0;
}

int session_each(struct session *session, const char *verb, json_t *args,
		 int (*page)(const json_t *data, void *userdata), void *userdata)
{
	json_t *sent = args == NULL ? json_object() : args;
	bool more = true;
	int exit_code = sent == NULL ? session_no_memory(session) : 0;

	while (exit_code == 0 && more) {
		struct message_reply reply;

		exit_code = next_page(session, verb, sent, &reply);
		if (exit_code == 0)
			exit_code = page(reply.data, userdata);
		more = exit_code == 0 && reply.more != NULL;
		if (more && json_object_set_new(sent, "cursor", json_string(reply.more)) < 0)
			exit_code = session_no_memory(session);
		message_reply_clear(&reply);
	}
	json_decref(sent);
	return exit_code;
}

int session_do(struct session *session, const char *verb, json_t *args, const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list arguments;
	json_t *data = NULL;
	int exit_code = session_ask(session, verb, args, &data);

	if (exit_code != 0)
		return exit_code;
	if (session->manners.json) {
		exit_code = session_json(session, data);
	} else if (!session->manners.quiet) {
		va_start(arguments, format);
		(void)vsnprintf(text, sizeof(text), format, arguments);
		va_end(arguments);
		screen_put(&session->out, TONE_PLAIN, text);
		screen_end_line(&session->out);
	}
	json_decref(data);
	return exit_code;
}

void session_warn(struct session *session, const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (session->manners.json) {
		if (session->warnings == NULL)
			session->warnings = json_array();
		(void)json_array_append_new(session->warnings, json_string(text));
	} else if (!session->manners.quiet) {
		(void)fflush(session->out.file);
		screen_put(&session->error, TONE_WARN, "warning:");
		screen_say(&session->error, TONE_PLAIN, " %s", text);
		screen_end_line(&session->error);
	}
}

int session_json(struct session *session, const json_t *data)
{
	json_t *empty = json_array();
	json_t *object = json_pack("{s:i,s:O,s:O}", "v", MESSAGE_VERSION, "data", data, "warnings",
				   session->warnings != NULL ? session->warnings : empty);
	int r = object == NULL ? -1 : json_dumpf(object, session->out.file, JSON_COMPACT);

	json_decref(object);
	json_decref(empty);
	if (r < 0)
		return session_no_memory(session);
	screen_end_line(&session->out);
	return 0;
}

bool session_has_person(const struct session *session)
{
	return session->out.terminal && isatty(STDIN_FILENO) == 1 && !session->manners.json;
}

bool session_confirm(struct session *session, const char *format, ...)
{
	char text[TEXT_SIZE];
	char answer[16] = "";
	va_list arguments;

	if (session->manners.yes || !session_has_person(session))
		return true;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	screen_put(&session->out, TONE_PLAIN, text);
	screen_put(&session->out, TONE_BOLD, " [y/N] ");
	(void)fflush(session->out.file);
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		clearerr(stdin);
	if (strchr(answer, '\n') == NULL && *answer != '\0') {
		int c = getchar();

		while (c != '\n' && c != EOF)
			c = getchar();
	}
	if (*answer == 'y' || *answer == 'Y')
		return true;
	screen_put(&session->out, TONE_PLAIN, "Nothing was changed.");
	screen_end_line(&session->out);
	return false;
}

int session_read(struct session *session, const char *file, size_t max, char **ret)
{
	bool standard = strcmp(file, "-") == 0;
	FILE *stream = stdin;
	size_t len = 0;
	char *text;

	if (!standard && session->login)
		return session_problem(
			session, PROBLEM_REFUSED, NULL,
			"%s: a login session reads no files of this box; give - and send "
			"the file on standard input",
			file);
	if (!standard)
		stream = fopen(file, "re");
	if (stream == NULL)
		return session_problem(session, PROBLEM_USAGE, NULL, "%s: cannot be read: %s", file,
				       strerror(errno));
	text = malloc(max + 2);
	if (text != NULL)
		len = fread(text, 1, max + 1, stream);
	if (text != NULL && ferror(stream) != 0) {
		free(text);
		text = NULL;
		len = 1;
	}
	clearerr(stream);
	if (!standard)
		(void)fclose(stream);
	if (text == NULL)
		return len == 0 ? session_no_memory(session)
				: session_problem(session, PROBLEM_USAGE, NULL,
						  "%s: cannot be read to its end", file);
	text[len] = '\0';
	if (len > max || strlen(text) != len) {
		free(text);
		return session_problem(session, PROBLEM_USAGE, NULL, "%s: %s", file,
				       len > max ? "the file is too long" : "the file is not text");
	}
	*ret = text;
	return 0;
}
