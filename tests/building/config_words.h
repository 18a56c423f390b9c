/* config_words.h - one line of the building's configuration, for the files that read it (config.c). */
#pragma once

#include <stdint.h>

#include "tests/building/building.h"

enum { CONFIG_WORDS = 24 };

/* The words of one line, taken from the front. */
struct config_words {
	const char *word[CONFIG_WORDS];
	unsigned n, at;
	char problem[192];
};

/* The next word; "" at the end. */
const char *config_next(struct config_words *words);

/* Says what is wrong. -EINVAL, always. */
int config_wrong(struct config_words *words, const char *what, const char *word);

/* The next word as a number within bounds; -EINVAL. */
int config_number(struct config_words *words, int64_t low, int64_t high, int64_t *ret_value);

/* "A/1" or "A/1/3"; NULL: there is none. */
struct device *config_device_named(struct building *building, const char *name);

/* The things: meter, relay-board, contactor. 0 or -EINVAL. */
int config_meter(struct building *building, struct config_words *words);
int config_board(struct building *building, struct config_words *words);
int config_contactor(struct building *building, struct config_words *words);
