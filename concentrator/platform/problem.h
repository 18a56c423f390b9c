/* problem.h - the one table of problems: type on the socket, title for people, exit code of the CLI.
 *
 * The contract is concentrator/control.md; scripts rely on the exit codes.
 */
#pragma once

enum problem {
	PROBLEM_NONE,
	PROBLEM_FAILED,
	PROBLEM_USAGE,
	PROBLEM_NOT_AUTHORISED,
	PROBLEM_NOT_FOUND,
	PROBLEM_NO_DAEMON,
	PROBLEM_TIME_OUT,
	PROBLEM_REFUSED,
	PROBLEM_CONFLICT,
	PROBLEM_DEGRADED,
	PROBLEM_COUNT
};

#define PROBLEM_URN "urn:prepay:problem:"

/* "urn:prepay:problem:not-found". PROBLEM_NONE has none: asserted. */
const char *problem_type(enum problem problem);

/* "not-found" */
const char *problem_name(enum problem problem);

/* A few words for people. */
const char *problem_title(enum problem problem);

/* The exit code of the CLI: 0 for PROBLEM_NONE, 1 to 9. */
int problem_exit(enum problem problem);

/* From the type on the socket; PROBLEM_FAILED for one that this program does not know. */
enum problem problem_from_type(const char *type);

/* The problem that a negative errno of ours stands for (style.md, errors); PROBLEM_NONE for 0. */
enum problem problem_from_errno(int error);
