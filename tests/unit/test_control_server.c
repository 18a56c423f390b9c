/* test_control_server.c - the control socket against clients that are hostile, slow, gone or too many.
 *
 * Real Unix sockets and a real event loop in one thread: run() turns the loop until nothing is left to do, so
 * nothing depends on time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "concentrator/control_role.h"
#include "concentrator/control_server.h"
#include "concentrator/platform/control_client.h"

#define HELD_MAX  64
#define REPLY_MAX (80 * 1024)

struct box {
	char folder[64];
	char socket[96];
	sd_event *event;
	struct control_server *server;
	enum control_role role; /* of whoever connects next */
	int audit_result;
	int handled;
	struct control_call *held[HELD_MAX];
	size_t held_count;
	char reply[REPLY_MAX]; /* the line read last */
};

static int on_echo(void *userdata, struct control_call *call)
{
	struct box *box = userdata;

	box->handled++;
	control_reply(call, json_incref(call->args), NULL);
	return 0;
}

static int on_hold(void *userdata, struct control_call *call)
{
	struct box *box = userdata;

	assert_true(box->held_count < HELD_MAX);
	box->held[box->held_count++] = call;
	return 0;
}

static int on_size(void *userdata, struct control_call *call)
{
	size_t len = (size_t)message_arg_int64(call->args, "n", 0);
	char *text = malloc(len + 1);

	(void)userdata;
	assert_non_null(text);
	memset(text, 'x', len);
	text[len] = '\0';
	control_reply(call, json_pack("{s:s}", "text", text), NULL);
	free(text);
	return 0;
}

static int on_silent(void *userdata, struct control_call *call)
{
	(void)userdata;
	(void)call;
	return 0;
}

static int on_missing(void *userdata, struct control_call *call)
{
	(void)userdata;
	(void)call;
	return -ENOENT;
}

static int on_rows(void *userdata, struct control_call *call)
{
	json_t *errors = json_array();

	(void)userdata;
	for (int i = 0; i < 4096; i++)
		assert_int_equal(json_array_append_new(errors, json_pack("{s:i,s:s}", "line", i,
									 "message", "wrong")),
				 0);
	control_fail_rows(call, PROBLEM_USAGE, errors, "%d errors", 4096);
	return 0;
}

static const struct control_verb verbs[] = {
	{"echo", CONTROL_VIEWER, on_echo, 0, NULL},
	{"room", CONTROL_VIEWER, on_echo, 0, "room:s"},
	{"hold", CONTROL_VIEWER, on_hold, CONTROL_LATER, ""},
	{"size", CONTROL_VIEWER, on_size, 0, "n:i"},
	{"silent", CONTROL_VIEWER, on_silent, 0, ""},
	{"missing", CONTROL_VIEWER, on_missing, 0, ""},
	{"rows", CONTROL_VIEWER, on_rows, 0, ""},
	{"change", CONTROL_OPERATOR, on_echo, CONTROL_AUDIT, "reason:s"},
	{"mint", CONTROL_ADMIN, on_echo, CONTROL_AUDIT, ""},
	{"deliver", CONTROL_MESSENGER, on_echo, 0, ""},
	{NULL, CONTROL_STRANGER, NULL, 0, NULL},
};

static enum control_role mock_role(void *userdata, uid_t uid, gid_t gid, const gid_t *groups,
				   size_t count)
{
	const struct box *box = userdata;

	assert_int_equal(uid, geteuid());
	assert_int_equal(gid, getegid());
	assert_true(count == 0 || groups != NULL);
	return box->role;
}

static int mock_audit(void *userdata, const struct control_call *call)
{
	const struct box *box = userdata;

	assert_int_equal(call->peer.uid, geteuid());
	assert_true(call->peer.user[0] != '\0');
	return box->audit_result;
}

static int serve(struct box *box)
{
	const struct control_server_options options = {
		.socket = box->socket,
		.verbs = verbs,
		.userdata = box,
		.audit = mock_audit,
		.role_of = mock_role,
	};

	return control_server_open(&box->server, box->event, &options);
}

static int open_box(void **state)
{
	struct box *box = calloc(1, sizeof(*box));

	if (box == NULL)
		return -1;
	*state = box;
	box->role = CONTROL_ADMIN;
	(void)snprintf(box->folder, sizeof(box->folder), "/tmp/prepay-control-XXXXXX");
	if (mkdtemp(box->folder) == NULL || sd_event_new(&box->event) < 0)
		return -1;
	(void)snprintf(box->socket, sizeof(box->socket), "%s/control.sock", box->folder);
	return serve(box) < 0 ? -1 : 0;
}

static int close_box(void **state)
{
	struct box *box = *state;
	int r;

	box->server = control_server_close(box->server);
	for (size_t i = 0; i < box->held_count; i++) {
		if (box->held[i] != NULL)
			control_reply(box->held[i], NULL, NULL);
	}
	(void)sd_event_unref(box->event);
	(void)unlink(box->socket);
	r = rmdir(box->folder);
	free(box);
	return r;
}

/* Turns the loop until it has nothing to do. */
static void run(struct box *box)
{
	int r;

	do {
		r = sd_event_run(box->event, 0);
		assert_true(r >= 0);
	} while (r > 0);
}

static int dial(struct box *box)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	memcpy(address.sun_path, box->socket, strlen(box->socket) + 1);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	run(box);
	return fd;
}

static void say(struct box *box, int fd, const char *text)
{
	size_t len = strlen(text);

	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
	run(box);
}

/* The next line into box->reply; false at the end, which must be there rather than nothing. */
static bool hear(struct box *box, int fd)
{
	size_t len = 0;

	for (;;) {
		ssize_t got = recv(fd, box->reply + len, 1, 0);

		if (got < 0 && errno == EAGAIN) {
			run(box);
			got = recv(fd, box->reply + len, 1, 0);
		}
		if (got == 0 || (got < 0 && errno == ECONNRESET))
			return false;
		assert_int_equal(got, 1);
		if (box->reply[len] == '\n')
			break;
		len++;
		assert_true(len < sizeof(box->reply));
	}
	box->reply[len] = '\0';
	return true;
}

static bool is_quiet(struct box *box, int fd)
{
	char byte;

	run(box);
	return recv(fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

static void expect(struct box *box, int fd, const char *reply)
{
	assert_true(hear(box, fd));
	assert_string_equal(box->reply, reply);
}

static void expect_problem(struct box *box, int fd, const char *name, const char *detail)
{
	char type[128];

	assert_true(hear(box, fd));
	(void)snprintf(type, sizeof(type), "\"type\":\"urn:prepay:problem:%s\"", name);
	if (strstr(box->reply, type) == NULL || strstr(box->reply, detail) == NULL)
		print_error("%.400s\n", box->reply);
	assert_non_null(strstr(box->reply, type));
	assert_non_null(strstr(box->reply, detail));
}

static void test_answers(void **state)
{
	struct box *box = *state;
	int fd = dial(box);

	say(box, fd, "{\"v\":1,\"id\":7,\"verb\":\"echo\",\"args\":{\"a\":1}}\n");
	expect(box, fd, "{\"v\":1,\"id\":7,\"data\":{\"a\":1}}");
	/* Two lines in one piece, one line in many. */
	say(box, fd,
	    "{\"v\":1,\"id\":8,\"verb\":\"echo\"}\n{\"v\":1,\"id\":9,\"verb\":\"echo\"}\n");
	expect(box, fd, "{\"v\":1,\"id\":8,\"data\":{}}");
	expect(box, fd, "{\"v\":1,\"id\":9,\"data\":{}}");
	for (const char *c = "{\"v\":1,\"id\":10,\"verb\":\"echo\"}\n"; *c != '\0'; c++) {
		assert_int_equal(send(fd, c, 1, MSG_NOSIGNAL), 1);
		run(box);
	}
	expect(box, fd, "{\"v\":1,\"id\":10,\"data\":{}}");
	assert_true(is_quiet(box, fd));
	(void)close(fd);
	run(box);
	assert_int_equal(control_server_clients(box->server), 0);
}

static void test_problems(void **state)
{
	struct box *box = *state;
	int fd = dial(box);

	say(box, fd, "{\"v\":1,\"id\":1,\"verb\":\"dance\"}\n");
	expect_problem(box, fd, "usage", "unknown verb `dance`");
	assert_memory_equal(box->reply, "{\"v\":1,\"id\":1,", 14);
	say(box, fd, "{\"v\":1,\"id\":2,\"verb\":\"room\"}\n");
	expect_problem(box, fd, "usage", "room: argument `room` is missing");
	say(box, fd, "{\"v\":1,\"id\":3,\"verb\":\"hold\",\"args\":{\"x\":1}}\n");
	expect_problem(box, fd, "usage", "hold: unknown argument `x`");
	say(box, fd, "{\"v\":1,\"id\":4,\"verb\":\"missing\"}\n");
	expect_problem(box, fd, "not-found", "missing: ");
	say(box, fd, "{\"v\":1,\"id\":5,\"verb\":\"silent\"}\n");
	expect_problem(box, fd, "failed", "silent gave no answer");
	say(box, fd, "{\"v\":2,\"id\":6,\"verb\":\"echo\"}\n");
	expect_problem(box, fd, "usage", "`v` must be 1");
	assert_memory_equal(box->reply, "{\"v\":1,\"id\":6,", 14);
	say(box, fd, "{\"v\":1,\"id\":7,\"verb\":\"size\",\"args\":{\"n\":65536}}\n");
	expect_problem(box, fd, "failed", "does not fit one line");
	say(box, fd, "{\"v\":1,\"id\":8,\"verb\":\"rows\"}\n");
	expect_problem(box, fd, "usage", "\"errors\":[{\"line\":0,");
	assert_true(strlen(box->reply) < MESSAGE_SIZE_MAX);
	assert_int_equal(box->handled, 0);
	(void)close(fd);
}

static void test_binary_junk(void **state)
{
	struct box *box = *state;
	int fd = dial(box);
	char junk[1024];
	uint32_t seed = 12345;

	for (size_t i = 0; i < sizeof(junk); i++) {
		seed = seed * 1664525u + 1013904223u;
		junk[i] = (char)(seed >> 24);
		if (junk[i] == '\n')
			junk[i] = 0;
	}
	junk[sizeof(junk) - 1] = '\n';
	assert_int_equal(send(fd, junk, sizeof(junk), MSG_NOSIGNAL), sizeof(junk));
	expect_problem(box, fd, "usage", "\"id\":null");
	say(box, fd, "\n");
	expect_problem(box, fd, "usage", "\"id\":null");
	/* It may have been a slip: the connection goes on. */
	say(box, fd, "{\"v\":1,\"id\":1,\"verb\":\"echo\"}\n");
	expect(box, fd, "{\"v\":1,\"id\":1,\"data\":{}}");
	(void)close(fd);
}

/* A line of len bytes with its newline. */
static char *long_line(size_t len)
{
	char *line = malloc(len + 1);
	int head;

	assert_non_null(line);
	head = snprintf(line, len, "{\"v\":1,\"id\":1,\"verb\":\"room\",\"args\":{\"room\":\"");
	memset(line + head, 'y', len - (size_t)head);
	memcpy(line + len - 4, "\"}}\n", 5);
	return line;
}

static void test_line_of_the_longest(void **state)
{
	struct box *box = *state;
	int fd = dial(box);
	char *line = long_line(MESSAGE_SIZE_MAX);

	say(box, fd, line);
	free(line);
	expect_problem(box, fd, "usage", "argument `room` must be a string of 1 to 128");
	say(box, fd, "{\"v\":1,\"id\":2,\"verb\":\"echo\"}\n");
	expect(box, fd, "{\"v\":1,\"id\":2,\"data\":{}}");
	(void)close(fd);
}

static void test_line_too_long(void **state)
{
	struct box *box = *state;
	int fd = dial(box);
	char *line = long_line(MESSAGE_SIZE_MAX + 1);

	say(box, fd, line);
	free(line);
	expect_problem(box, fd, "usage", "a line has at most 65536 bytes");
	assert_false(hear(box, fd));
	assert_int_equal(control_server_clients(box->server), 0);
	(void)close(fd);
}

static void test_thirty_third_client(void **state)
{
	struct box *box = *state;
	int fds[CONTROL_CLIENTS_MAX];
	int late;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		fds[i] = dial(box);
	assert_int_equal(control_server_clients(box->server), CONTROL_CLIENTS_MAX);
	late = dial(box);
	expect_problem(box, late, "refused", "32 clients are connected already");
	assert_false(hear(box, late));
	(void)close(late);
	/* Those who were there are served on, and a place that is given up is free again. */
	say(box, fds[31], "{\"v\":1,\"id\":1,\"verb\":\"echo\"}\n");
	expect(box, fds[31], "{\"v\":1,\"id\":1,\"data\":{}}");
	(void)close(fds[0]);
	run(box);
	fds[0] = dial(box);
	say(box, fds[0], "{\"v\":1,\"id\":1,\"verb\":\"echo\"}\n");
	expect(box, fds[0], "{\"v\":1,\"id\":1,\"data\":{}}");
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		(void)close(fds[i]);
	run(box);
	assert_int_equal(control_server_clients(box->server), 0);
}

static void test_slow_reader(void **state)
{
	struct box *box = *state;
	int slow = dial(box);
	int other = dial(box);
	int sent = 0;

	/* Each answer is 60,000 bytes; the kernel holds some, the server 256 KiB, and then that is enough. */
	while (control_server_clients(box->server) == 2 && sent < 100) {
		static const char line[] =
			"{\"v\":1,\"id\":1,\"verb\":\"size\",\"args\":{\"n\":60000}}\n";

		(void)send(slow, line, sizeof(line) - 1, MSG_NOSIGNAL);
		run(box);
		sent++;
	}
	assert_int_equal(control_server_clients(box->server), 1);
	assert_true(sent < 30);
	say(box, other, "{\"v\":1,\"id\":1,\"verb\":\"echo\"}\n");
	expect(box, other, "{\"v\":1,\"id\":1,\"data\":{}}");
	(void)close(slow);
	(void)close(other);
}

static void test_reader_in_time(void **state)
{
	struct box *box = *state;
	int fd = dial(box);

	/* Four answers together pass what the kernel holds, and none is lost or torn. */
	for (int i = 0; i < 4; i++)
		say(box, fd, "{\"v\":1,\"id\":1,\"verb\":\"size\",\"args\":{\"n\":60000}}\n");
	for (int i = 0; i < 4; i++) {
		assert_true(hear(box, fd));
		assert_int_equal(strlen(box->reply), 60000 + strlen("{\"v\":1,\"id\":1,\"data\":"
								    "{\"text\":\"\"}}"));
	}
	assert_true(is_quiet(box, fd));
	(void)close(fd);
}

static void test_stranger(void **state)
{
	struct box *box = *state;
	int fd;

	box->role = CONTROL_STRANGER;
	fd = dial(box);
	(void)send(fd, "{\"v\":1,\"id\":1,\"verb\":\"echo\"}\n", 30, MSG_NOSIGNAL);
	expect_problem(box, fd, "not-authorised", "\"id\":null");
	assert_false(hear(box, fd));
	assert_int_equal(control_server_clients(box->server), 0);
	assert_int_equal(box->handled, 0);
	(void)close(fd);
}

static void test_roles_reach(void **state)
{
	static const struct {
		enum control_role role;
		bool viewer, operator, admin, messenger;
	} rows[] = {
		{CONTROL_VIEWER, true, false, false, false},
		{CONTROL_OPERATOR, true, true, false, false},
		{CONTROL_ADMIN, true, true, true, true},
		{CONTROL_MESSENGER, false, false, false, true},
	};
	static const char *const lines[] = {
		"{\"v\":1,\"id\":1,\"verb\":\"echo\"}\n",
		"{\"v\":1,\"id\":1,\"verb\":\"change\",\"args\":{\"reason\":\"x\"}}\n",
		"{\"v\":1,\"id\":1,\"verb\":\"mint\"}\n",
		"{\"v\":1,\"id\":1,\"verb\":\"deliver\"}\n",
	};
	struct box *box = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const bool allowed[] = {rows[i].viewer, rows[i].operator, rows[i].admin,
					rows[i].messenger};
		int fd;

		box->role = rows[i].role;
		fd = dial(box);
		for (size_t k = 0; k < sizeof(lines) / sizeof(lines[0]); k++) {
			print_message("%s: %s", control_role_name(rows[i].role), lines[k]);
			say(box, fd, lines[k]);
			if (allowed[k]) {
				assert_true(hear(box, fd));
				assert_non_null(strstr(box->reply, "\"data\""));
			} else {
				expect_problem(box, fd, "not-authorised", " is for ");
			}
		}
		(void)close(fd);
		run(box);
	}
}

static void test_roles_of_credentials(void **state)
{
	const struct control_roles roles = {
		.own = 900,
		.viewer = {true, 10},
		.operator= {true, 11},
		.admin = {true, 12},
		.messenger = {true, 901},
	};
	const struct control_roles none = {.own = 900};
	static const struct {
		const char *sentence;
		uid_t uid;
		gid_t gid;
		gid_t groups[3];
		size_t count;
		enum control_role role;
	} cases[] = {
		{"root", 0, 0, {0}, 0, CONTROL_ADMIN},
		{"the daemon's own user", 900, 900, {0}, 0, CONTROL_ADMIN},
		{"the uplink", 901, 901, {0}, 0, CONTROL_MESSENGER},
		{"the uplink gains nothing by a group", 901, 901, {12}, 1, CONTROL_MESSENGER},
		{"a viewer", 1000, 1000, {7, 10}, 2, CONTROL_VIEWER},
		{"a viewer by the first group", 1000, 10, {0}, 0, CONTROL_VIEWER},
		{"an operator who may view", 1000, 1000, {10, 11}, 2, CONTROL_OPERATOR},
		{"an admin among others", 1000, 1000, {10, 11, 12}, 3, CONTROL_ADMIN},
		{"nobody in particular", 1000, 1000, {7, 8}, 2, CONTROL_STRANGER},
		{"a group whose number is a user's", 1000, 901, {0}, 0, CONTROL_STRANGER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].sentence);
		assert_int_equal(control_roles_of(&roles, cases[i].uid, cases[i].gid,
						  cases[i].groups, cases[i].count),
				 cases[i].role);
		/* A box without the groups: absent is not group 0. */
		if (cases[i].uid > 900)
			assert_int_equal(control_roles_of(&none, cases[i].uid, 0, cases[i].groups,
							  cases[i].count),
					 CONTROL_STRANGER);
	}
}

static void test_audit_comes_first(void **state)
{
	struct box *box = *state;
	int fd = dial(box);

	box->audit_result = -EIO;
	say(box, fd, "{\"v\":1,\"id\":1,\"verb\":\"change\",\"args\":{\"reason\":\"x\"}}\n");
	expect_problem(box, fd, "degraded", "cannot be written down");
	assert_int_equal(box->handled, 0);
	box->audit_result = 0;
	say(box, fd, "{\"v\":1,\"id\":2,\"verb\":\"change\",\"args\":{\"reason\":\"x\"}}\n");
	expect(box, fd, "{\"v\":1,\"id\":2,\"data\":{\"reason\":\"x\"}}");
	(void)close(fd);
}

static void test_later_answers(void **state)
{
	struct box *box = *state;
	int fd = dial(box);

	say(box, fd,
	    "{\"v\":1,\"id\":1,\"verb\":\"hold\"}\n{\"v\":1,\"id\":2,\"verb\":\"hold\"}\n"
	    "{\"v\":1,\"id\":3,\"verb\":\"echo\"}\n");
	expect(box, fd, "{\"v\":1,\"id\":3,\"data\":{}}");
	assert_int_equal(box->held_count, 2);
	assert_string_equal(box->held[0]->verb, "hold");
	assert_true(control_alive(box->held[0]));
	control_reply(box->held[1], json_pack("{s:i}", "a", 5), "more");
	expect(box, fd, "{\"v\":1,\"id\":2,\"data\":{\"a\":5},\"more\":\"more\"}");
	control_fail(box->held[0], PROBLEM_CONFLICT, "room %d", 9);
	expect_problem(box, fd, "conflict", "room 9");
	box->held_count = 0;
	(void)close(fd);
}

static void test_answer_to_the_dead(void **state)
{
	struct box *box = *state;
	int fd = dial(box);

	say(box, fd,
	    "{\"v\":1,\"id\":1,\"verb\":\"hold\"}\n{\"v\":1,\"id\":2,\"verb\":\"hold\"}\n"
	    "{\"v\":1,\"id\":3,\"verb\":\"hold\"}\n");
	assert_int_equal(box->held_count, 3);
	(void)close(fd);
	run(box);
	assert_int_equal(control_server_clients(box->server), 0);
	assert_false(control_alive(box->held[0]));
	control_reply(box->held[0], json_object(), NULL);
	control_fail_rows(box->held[1], PROBLEM_FAILED, json_array(), "too late");
	/* And one after the server itself. */
	box->server = control_server_close(box->server);
	control_reply(box->held[2], NULL, NULL);
	box->held_count = 0;
}

static void test_answer_finds_the_client_gone(void **state)
{
	struct box *box = *state;
	int fd = dial(box);

	say(box, fd, "{\"v\":1,\"id\":1,\"verb\":\"hold\"}\n");
	/* The loop has not turned since: the answer is the first to meet the closed socket. */
	(void)close(fd);
	control_reply(box->held[0], json_object(), NULL);
	box->held_count = 0;
	run(box);
	assert_int_equal(control_server_clients(box->server), 0);
}

static void test_calls_in_flight_are_bounded(void **state)
{
	struct box *box = *state;
	int fd = dial(box);

	for (int i = 0; i < CONTROL_CALLS_MAX + 4; i++)
		say(box, fd, "{\"v\":1,\"id\":1,\"verb\":\"hold\"}\n");
	assert_int_equal(box->held_count, CONTROL_CALLS_MAX);
	control_reply(box->held[0], NULL, NULL);
	control_reply(box->held[1], NULL, NULL);
	box->held[0] = NULL;
	box->held[1] = NULL;
	run(box);
	assert_int_equal(box->held_count, CONTROL_CALLS_MAX + 2);
	for (size_t i = 2; i < CONTROL_CALLS_MAX; i++) {
		control_reply(box->held[i], NULL, NULL);
		box->held[i] = NULL;
	}
	run(box);
	assert_int_equal(box->held_count, CONTROL_CALLS_MAX + 4);
	(void)close(fd);
}

static void test_half_closed_client_is_answered(void **state)
{
	struct box *box = *state;
	int fd = dial(box);

	say(box, fd,
	    "{\"v\":1,\"id\":1,\"verb\":\"hold\"}\n{\"v\":1,\"id\":2,\"verb\":\"echo\"}\n{\"v\"");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	expect(box, fd, "{\"v\":1,\"id\":2,\"data\":{}}");
	assert_int_equal(control_server_clients(box->server), 1);
	control_reply(box->held[0], NULL, NULL);
	box->held_count = 0;
	expect(box, fd, "{\"v\":1,\"id\":1,\"data\":{}}");
	assert_false(hear(box, fd));
	assert_int_equal(control_server_clients(box->server), 0);
	(void)close(fd);
}

static void test_socket_file(void **state)
{
	struct box *box = *state;
	struct control_server *first = box->server;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat about;
	int fd;

	assert_int_equal(stat(box->socket, &about), 0);
	assert_true(S_ISSOCK(about.st_mode));
	assert_int_equal(about.st_mode & 07777, 0666);

	/* Somebody answers there. */
	assert_int_equal(serve(box), -EADDRINUSE);
	assert_ptr_equal(box->server, first);
	box->server = control_server_close(first);
	assert_int_equal(stat(box->socket, &about), -1);

	/* A daemon that died left its socket. */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(address.sun_path, box->socket, strlen(box->socket) + 1);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	(void)close(fd);
	assert_int_equal(stat(box->socket, &about), 0);
	assert_int_equal(serve(box), 0);
	(void)close(dial(box));
	box->server = control_server_close(box->server);

	/* Something else has the name. */
	fd = open(box->socket, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(serve(box), -ENOTSOCK);
	assert_int_equal(stat(box->socket, &about), 0);
}

static void test_client_with_a_loop(void **state)
{
	struct box *box = *state;
	struct control_client *client;
	struct message_reply reply;
	int64_t ids[3];

	assert_int_equal(control_client_open(&client, box->socket), 0);
	assert_int_equal(control_client_send(client, "hold", NULL, &ids[0]), 0);
	assert_int_equal(control_client_send(client, "echo", json_pack("{s:i}", "a", 1), &ids[1]),
			 0);
	assert_int_equal(control_client_send(client, "dance", NULL, &ids[2]), 0);
	assert_true((control_client_events(client) & 4u) != 0);
	assert_int_equal(control_client_process(client), 0);
	assert_int_equal(control_client_events(client), 1);
	run(box);
	assert_int_equal(control_client_next(client, &reply), 0);
	assert_int_equal(control_client_process(client), 0);
	assert_int_equal(control_client_next(client, &reply), 1);
	assert_int_equal(reply.id, ids[1]);
	assert_int_equal(message_arg_int64(reply.data, "a", 0), 1);
	message_reply_clear(&reply);
	assert_int_equal(control_client_next(client, &reply), 1);
	assert_int_equal(reply.id, ids[2]);
	assert_int_equal(reply.problem.problem, PROBLEM_USAGE);
	message_reply_clear(&reply);
	assert_int_equal(control_client_next(client, &reply), 0);

	/* The answer that came before the end can still be taken. */
	control_reply(box->held[0], NULL, NULL);
	box->held_count = 0;
	box->server = control_server_close(box->server);
	assert_int_equal(control_client_process(client), -ECONNRESET);
	assert_int_equal(control_client_next(client, &reply), 1);
	assert_int_equal(reply.id, ids[0]);
	message_reply_clear(&reply);
	assert_int_equal(control_client_next(client, &reply), 0);
	client = control_client_close(client);
	assert_int_equal(control_client_open(&client, box->socket), -ENOENT);
}

static void test_client_queue_is_bounded(void **state)
{
	struct box *box = *state;
	struct control_client *client;
	char text[60001];
	int64_t id;
	int r = 0;
	int queued = 0;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(control_client_open(&client, box->socket), 0);
	while (r == 0 && queued < 100) {
		r = control_client_send(client, "echo", json_pack("{s:s}", "t", text), &id);
		queued += r == 0 ? 1 : 0;
	}
	assert_int_equal(r, -ENOBUFS);
	assert_int_equal(queued, 17); /* of a little over 60,000 bytes each in 1 MiB */
	control_client_close(client);
}

int main(void)
{
#define ON_A_BOX(test) cmocka_unit_test_setup_teardown(test, open_box, close_box)
	const struct CMUnitTest tests[] = {
		ON_A_BOX(test_answers),
		ON_A_BOX(test_problems),
		ON_A_BOX(test_binary_junk),
		ON_A_BOX(test_line_of_the_longest),
		ON_A_BOX(test_line_too_long),
		ON_A_BOX(test_thirty_third_client),
		ON_A_BOX(test_slow_reader),
		ON_A_BOX(test_reader_in_time),
		ON_A_BOX(test_stranger),
		ON_A_BOX(test_roles_reach),
		cmocka_unit_test(test_roles_of_credentials),
		ON_A_BOX(test_audit_comes_first),
		ON_A_BOX(test_later_answers),
		ON_A_BOX(test_answer_to_the_dead),
		ON_A_BOX(test_answer_finds_the_client_gone),
		ON_A_BOX(test_calls_in_flight_are_bounded),
		ON_A_BOX(test_half_closed_client_is_answered),
		ON_A_BOX(test_socket_file),
		ON_A_BOX(test_client_with_a_loop),
		ON_A_BOX(test_client_queue_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
