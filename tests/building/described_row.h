/* described_row.h - one line of the table of register maps, put into a described device. */
#pragma once

#include <stddef.h>

#include "tests/building/described.h"

enum { ROW_WORDS = 32 };

/* The words of one line. They point into it. */
struct words {
	char *word[ROW_WORDS];
	unsigned n;
};

void words_split(struct words *words, char *line);
void words_join(const struct words *words, char *ret_text, size_t size);

/* What follows "KEY="; NULL: it is not said. */
const char *words_option(const struct words *words, const char *key);

/* "3/4" as bits: bit f for function f. */
uint8_t described_functions(const char *word);

/* given is the line of the model, words that of its map. 0; -EINVAL: not understood; -ENOSPC. */
int described_take_register(struct described *described, const struct words *given,
			    const struct words *words);
int described_take_state(struct described *described, const struct words *given,
			 const struct words *words);
int described_take_mark(struct described *described, const struct words *given,
			const struct words *words);
int described_take_text(struct described *described, const struct words *given,
			const struct words *words);
int described_take_relay(struct described *described, const struct words *given,
			 const struct words *words);
int described_take_block(struct described *described, const struct words *given,
			 const struct words *words);

/* When all lines are taken. */
int described_finish(struct described *described);
