/* verb.h - the table of everything `prepay` does, and one use of it.
 *
 * One row per verb: the usage line is its grammar (grammar.h), its help and its completion. A handler is
 * given the call and returns the exit code of the program; it has printed the answer or the problem.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "concentrator/cli/grammar.h"
#include "concentrator/cli/screen.h"

/* The role that the daemon asks for; here for people to read, decided there. */
enum role { ROLE_LOCAL, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN };

struct call;
struct session;

struct verb {
	const char *usage;
	const char *help; /* one line */
	enum role role;
	int (*run)(struct call *call);
	const char *more; /* further lines of `help VERB`; NULL: none */
};

struct verb_group {
	const char *title;
	const struct verb *verb;
	size_t count;
};

/* An option, the same wherever it appears. */
struct verb_option {
	const char *name;
	const char *help;
};

extern const struct verb_group verb_groups[];
extern const size_t verb_groups_count;

/* Walks all verbs of all groups: NULL starts, NULL ends. */
const struct verb *verb_next(const struct verb *previous);

/* What an option does; NULL for one that no verb takes. */
const char *verb_option_help(const char *name);

const char *role_name(enum role role);

/* What may be said with any verb, anywhere on the line. */
struct manners {
	bool json;
	bool quiet;
	bool yes;
	bool help;
	bool version;
	enum colour colour;
	int64_t timeout_ms; /* 0: the verb's own */
	const char *config; /* NULL: the default */
	const char *socket; /* NULL: the configuration's */
};

#define MANNERS_USAGE                                                                              \
	"[--json] [--config FILE] [--socket PATH] [--timeout S] [--color WHEN] [-q|--quiet] "      \
	"[-y|--yes] [-h|--help] [--version]"

struct call {
	struct session *session;
	const struct verb *verb; /* NULL: the line has no verb */
	struct grammar grammar;
	const char *
		value[GRAMMAR_PARTS_MAX]; /* of each part; NULL: not given; "" for a plain option */
	char *word[GRAMMAR_PARTS_MAX];    /* every word that is no option, verb included */
	size_t words;
};

#define CALL_WHY_SIZE 1024

/* Reads the words of a line. manners is updated; strings are borrowed from word.
 * -EINVAL: why has a sentence, then usage lines. A required option that is missing is left to the caller:
 * call_missing(). */
int call_parse(struct call *ret, struct manners *manners, size_t count, char *const word[],
	       char why[static CALL_WHY_SIZE]);

/* The value of an argument ("ROOM") or an option ("--reason"); "" for a plain option; NULL: not given. */
const char *call_get(const struct call *call, const char *name);
bool call_has(const struct call *call, const char *name);

/* The first required option that was not given, or NULL. */
const struct part *call_missing(const struct call *call);
