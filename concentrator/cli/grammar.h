/* grammar.h - a usage line read as what it says.
 *
 * The line that help prints is the only description of what a verb takes; matching, completion and the
 * help page are all derived from it:
 *
 *     room show ROOM                  lower-case words are the verb, upper-case ones its arguments
 *     meter read ROOM|LINE/ADDRESS [CIRCUIT]      in brackets: may be left out
 *     help [VERB...]                  dots: takes all that is left
 *     credit list [--room ROOM]       an option with a value
 *     status [--brief|--check]        one of several, or none
 *     cuts confirm --reason TEXT      an option that must be there
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define GRAMMAR_PARTS_MAX 24
#define GRAMMAR_NAME_SIZE 24
#define GRAMMAR_LINE_MAX  400

enum part_kind { PART_WORD, PART_ARGUMENT, PART_OPTION };

struct part {
	enum part_kind kind;
	bool required;
	bool rest;                     /* an argument that takes all that is left */
	int choice;                    /* options of one choice exclude each other; 0: none */
	char name[GRAMMAR_NAME_SIZE];  /* "room", "ROOM", "--reason" */
	char value[GRAMMAR_NAME_SIZE]; /* what an option's value is called; "": takes none */
};

struct grammar {
	size_t count;
	struct part part[GRAMMAR_PARTS_MAX];
};

/* -EINVAL: not a usage line as described above (our bug: a test reads the whole table). */
int grammar_parse(struct grammar *ret, const char *usage);

const struct part *grammar_option(const struct grammar *grammar, const char *name);
