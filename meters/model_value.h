/* model_value.h - the values a model file writes: numbers, words, fractions, lists.
 *
 * Each reads one key and says in the file's error what was expected. Once the error is set, all that
 * follows is passed over and yields nothing: the first complaint is the one that is shown.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "meters/fraction.h"
#include "meters/sections.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Where a file's reading stands: 0, or the first error. */
struct model_reader {
	const struct file_error *error;
	struct sections *sections;
	const struct section *section; /* being read */
	int result;
};

struct word {
	const char *name;
	int value;
};

/* Sets the first error at a line; keeps an older one. */
__attribute__((format(printf, 3, 4))) void model_complain(struct model_reader *reader, int line,
							  const char *format, ...);

/* The key of the section being read. need_ complains where it is missing; what names what it holds. */
const struct section_key *model_take(struct model_reader *reader, const char *name);
const struct section_key *model_need(struct model_reader *reader, const char *name,
				     const char *what);

/* Each leaves *ret alone where key is NULL or wrong. */
void model_number(struct model_reader *reader, const struct section_key *key, uint64_t least,
		  uint64_t most, uint64_t *ret);
void model_word(struct model_reader *reader, const struct section_key *key,
		const struct word *words, size_t n, int *ret);
void model_text(struct model_reader *reader, const struct section_key *key, char *ret, size_t size);

/* "0.01", "-0.1" or "10000/65536". */
void model_fraction(struct model_reader *reader, const struct section_key *key,
		    struct fraction *ret);

/* "45..65", each times factor, as whole numbers. */
void model_bounds(struct model_reader *reader, const struct section_key *key, int64_t factor,
		  int64_t *ret_least, int64_t *ret_most);

/* "0x001A" or "0..7". */
void model_range(struct model_reader *reader, const struct section_key *key, uint16_t *ret_first,
		 uint16_t *ret_last);

/* Numbers parted by blanks, 1 to max of them. */
void model_list(struct model_reader *reader, const struct section_key *key, const char *text,
		uint64_t most, uint64_t *ret, size_t max, size_t *ret_count);
