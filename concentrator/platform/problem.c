/* problem.c - see problem.h. */
#include "concentrator/platform/problem.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

struct problem_row {
	const char *type;
	const char *title;
	int exit;
};

/* The exit codes are a contract with scripts: control.md, prepay(1). */
static const struct problem_row problem_table[PROBLEM_COUNT] = {
	[PROBLEM_FAILED] = {PROBLEM_URN "failed", "it was tried and did not work", 1},
	[PROBLEM_USAGE] = {PROBLEM_URN "usage", "the request is malformed", 2},
	[PROBLEM_NOT_AUTHORISED] = {PROBLEM_URN "not-authorised", "your role does not reach", 3},
	[PROBLEM_NOT_FOUND] = {PROBLEM_URN "not-found", "there is no such thing", 4},
	[PROBLEM_NO_DAEMON] = {PROBLEM_URN "no-daemon", "prepayd is not running", 5},
	[PROBLEM_TIME_OUT] = {PROBLEM_URN "time-out", "no answer in time", 6},
	[PROBLEM_REFUSED] = {PROBLEM_URN "refused", "a rule or the configuration forbids it", 7},
	[PROBLEM_CONFLICT] = {PROBLEM_URN "conflict", "it contradicts what is there", 8},
	[PROBLEM_DEGRADED] = {PROBLEM_URN "degraded", "the store or the clock does not allow it",
			      9},
};

static const struct problem_row *problem_row(enum problem problem)
{
	assert(problem > PROBLEM_NONE && problem < PROBLEM_COUNT);
	return &problem_table[problem];
}

const char *problem_type(enum problem problem)
{
	return problem_row(problem)->type;
}

const char *problem_name(enum problem problem)
{
	return problem_row(problem)->type + strlen(PROBLEM_URN);
}

const char *problem_title(enum problem problem)
{
	return problem_row(problem)->title;
}

int problem_exit(enum problem problem)
{
	return problem == PROBLEM_NONE ? 0 : problem_row(problem)->exit;
}

enum problem problem_from_type(const char *type)
{
	for (int i = PROBLEM_NONE + 1; i < PROBLEM_COUNT; i++) {
		if (strcmp(problem_table[i].type, type) == 0)
			return (enum problem)i;
	}
	return PROBLEM_FAILED;
}

enum problem problem_from_errno(int error)
{
	static const struct {
		int error;
		enum problem problem;
	} rows[] = {
		{0, PROBLEM_NONE},
		{-EINVAL, PROBLEM_USAGE},
		{-EBADMSG, PROBLEM_USAGE},
		{-EPROTO, PROBLEM_USAGE},
		{-EMSGSIZE, PROBLEM_USAGE},
		{-EACCES, PROBLEM_NOT_AUTHORISED},
		{-ENOENT, PROBLEM_NOT_FOUND},
		{-ECONNREFUSED, PROBLEM_NO_DAEMON},
		{-ECONNRESET, PROBLEM_NO_DAEMON},
		{-ETIMEDOUT, PROBLEM_TIME_OUT},
		{-EPERM, PROBLEM_REFUSED},
		{-ERANGE, PROBLEM_REFUSED},
		{-EEXIST, PROBLEM_CONFLICT},
		{-EBUSY, PROBLEM_DEGRADED},
		{-ENOSPC, PROBLEM_DEGRADED},
		{-EIO, PROBLEM_DEGRADED},
		{-EROFS, PROBLEM_DEGRADED},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].error == error)
			return rows[i].problem;
	}
	return PROBLEM_FAILED;
}
