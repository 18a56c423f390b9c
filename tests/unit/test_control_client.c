/* test_control_client.c - the blocking face of the client against a server that says what the test wrote down.
 *
 * A thread accepts one connection and answers each line that it reads with the next of the script.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "concentrator/platform/control_client.h"

#define SAID_MAX 4

struct script {
	char folder[64];
	char socket[96];
	int listening;
	pthread_t thread;
	const char *const *answers; /* one for each line, NULL: hang up */
	char said[SAID_MAX][512];   /* what the client asked */
	size_t said_count;
};

static void *play(void *userdata)
{
	struct script *script = userdata;
	int fd = accept(script->listening, NULL, NULL);
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");

	if (in == NULL)
		return NULL;
	for (size_t i = 0; i < SAID_MAX; i++) {
		if (fgets(script->said[i], sizeof(script->said[i]), in) == NULL)
			break;
		script->said_count++;
		if (script->answers[i] == NULL)
			break;
		if (send(fd, script->answers[i], strlen(script->answers[i]), MSG_NOSIGNAL) < 0)
			break;
	}
	(void)fclose(in);
	return NULL;
}

static void start(struct script *script, const char *const *answers)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memset(script, 0, sizeof(*script));
	script->answers = answers;
	(void)snprintf(script->folder, sizeof(script->folder), "/tmp/prepay-client-XXXXXX");
	assert_non_null(mkdtemp(script->folder));
	(void)snprintf(script->socket, sizeof(script->socket), "%s/s", script->folder);
	memcpy(address.sun_path, script->socket, strlen(script->socket) + 1);
	script->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(script->listening, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(script->listening, 1), 0);
	assert_int_equal(pthread_create(&script->thread, NULL, play, script), 0);
}

static void stop(struct script *script)
{
	assert_int_equal(pthread_join(script->thread, NULL), 0);
	(void)close(script->listening);
	assert_int_equal(unlink(script->socket), 0);
	assert_int_equal(rmdir(script->folder), 0);
}

static int call(struct script *script, int64_t timeout_ms, json_t **ret_data,
		struct message_problem *ret_problem)
{
	struct control_client *client;
	int r;

	assert_int_equal(control_client_open(&client, script->socket), 0);
	r = control_call(client, "room.list", json_pack("{s:s}", "room", "1"), timeout_ms, ret_data,
			 ret_problem);
	control_client_close(client);
	return r;
}

static void test_pages(void **state)
{
	static const char *const answers[SAID_MAX] = {
		"{\"v\":1,\"id\":1,\"data\":{\"n\":3,\"rows\":[1,2]},\"more\":\"c2\"}\n",
		/* An answer to something else in between is passed over. */
		"{\"v\":1,\"id\":99,\"data\":{\"rows\":[9]}}\n"
		"{\"v\":1,\"id\":2,\"data\":{\"rows\":[3]},\"more\":\"c3\"}\n",
		"{\"v\":1,\"id\":3,\"data\":{\"rows\":[]}}\n",
		NULL,
	};
	struct message_problem problem;
	struct script script;
	json_t *data;

	(void)state;
	start(&script, answers);
	assert_int_equal(call(&script, 10000, &data, &problem), 0);
	assert_int_equal(json_array_size(json_object_get(data, "rows")), 3);
	assert_int_equal(message_arg_int64(data, "n", 0), 3);
	json_decref(data);
	stop(&script);
	assert_int_equal(script.said_count, 3);
	assert_string_equal(
		script.said[0],
		"{\"v\":1,\"id\":1,\"verb\":\"room.list\",\"args\":{\"room\":\"1\"}}\n");
	assert_string_equal(script.said[2], "{\"v\":1,\"id\":3,\"verb\":\"room.list\",\"args\":"
					    "{\"room\":\"1\",\"cursor\":\"c3\"}}\n");
}

struct failure_case {
	const char *sentence;
	const char *answer; /* NULL: hang up */
	int64_t timeout_ms;
	int result;
	enum problem problem;
	const char *detail;
};

static void test_failures(void **state)
{
	static const struct failure_case cases[] = {
		{"the daemon's own problem",
		 "{\"v\":1,\"id\":1,\"problem\":{\"type\":\"urn:prepay:problem:conflict\","
		 "\"detail\":\"there is one\"}}\n",
		 10000, -EREMOTEIO, PROBLEM_CONFLICT, "there is one"},
		{"a problem of the connection",
		 "{\"v\":1,\"id\":null,\"problem\":{\"type\":\"urn:prepay:problem:not-authorised\","
		 "\"detail\":\"you are in none\"}}\n",
		 10000, -EREMOTEIO, PROBLEM_NOT_AUTHORISED, "you are in none"},
		{"it hangs up", NULL, 10000, -ECONNRESET, PROBLEM_NO_DAEMON, "hung up"},
		{"it stops in the middle of a line", "{\"v\":1,", 30, -ETIMEDOUT, PROBLEM_TIME_OUT,
		 "in time"},
		{"it says nothing", "", 30, -ETIMEDOUT, PROBLEM_TIME_OUT, "in time"},
		{"it talks about other things", "{\"v\":1,\"id\":5,\"data\":{}}\n", 30, -ETIMEDOUT,
		 PROBLEM_TIME_OUT, "in time"},
		{"it talks nonsense", "hello\n", 10000, -EPROTO, PROBLEM_FAILED, "no reply"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const answers[SAID_MAX] = {cases[i].answer};
		struct message_problem problem;
		struct script script;
		json_t *data = NULL;

		print_message("%s\n", cases[i].sentence);
		start(&script, answers);
		assert_int_equal(call(&script, cases[i].timeout_ms, &data, &problem),
				 cases[i].result);
		assert_null(data);
		assert_int_equal(problem.problem, cases[i].problem);
		assert_non_null(strstr(problem.detail, cases[i].detail));
		message_problem_clear(&problem);
		stop(&script);
	}
}

static void test_nobody_listens(void **state)
{
	struct control_client *client = NULL;
	char path[200];

	(void)state;
	assert_int_equal(control_client_open(&client, "/nonexistent/s"), -ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(control_client_open(&client, path), -ENAMETOOLONG);
	assert_null(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
