/* branch.h - what would become of it: a copy of the whole process goes another way, judges itself, and ends.
 *
 * The child is a fork: it shares nothing with its parent but the report. It holds what the parent held, so
 * that a scenario need not be told again up to there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum verdict {
	VERDICT_GOOD,
	VERDICT_LOST,    /* what was acknowledged is not there */
	VERDICT_DOUBLED, /* something counts twice */
	VERDICT_CORRUPT, /* anything else that must not be, a crash of the program included */
};

struct tally_of_branches {
	uint64_t runs;
	uint64_t of[VERDICT_CORRUPT + 1];
	uint64_t told; /* failures printed */
};

/* Runs live in a child and counts its verdict; name says which one it was, for a person who runs it again.
 * quiet: the child prints nothing. */
void branch_run(struct tally_of_branches *tally, const char *name, bool quiet,
		void (*live)(void *userdata), void *userdata);

/* The same, but the child goes on from here: true in the child, which has to end by itself. */
bool branch_here(struct tally_of_branches *tally, const char *name, bool quiet);

/* In the child only: ends it. */
_Noreturn void branch_end(enum verdict verdict, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void branch_show(const char *what, const struct tally_of_branches *tally);
