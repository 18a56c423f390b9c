/* completion.h - what may come next on a line, from the verb table. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "concentrator/cli/grammar.h"

struct completion {
	char text[GRAMMAR_NAME_SIZE]; /* "room", "--reason", or "ROOM" for an argument */
	const char *help;             /* of a verb that is whole, or of the option; NULL: none */
	bool argument;                /* text names what is to be typed */
};

#define COMPLETIONS_MAX 64

/* What may stand behind the first `count` words, options among them, each once. Returns how many. */
size_t completion_find(size_t count, char *const word[],
		       struct completion ret[static COMPLETIONS_MAX]);

/* A bash script with the table as it is; it asks the daemon for names of rooms and lines. */
void completion_write_bash(FILE *file);
