/* sections.h - a model file's text as named sections of keys, each with its line.
 *
 * inih splits lines into keys and values; what it would let pass is refused here with the line: lines
 * past its buffer, a section or a key that is there twice (it would merge them), a line continued by
 * white space, a key without a section. Sections and keys keep their order.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SECTIONS_MAX     64
#define SECTION_KEYS_MAX 640 /* of a whole file */
#define SECTION_NAME_MAX 63
#define SECTION_LINE_MAX 199

/* Where a complaint about a file goes: "path:line: what". */
struct file_error {
	const char *path;
	char *text;
	size_t size;
};

/* Line 0: about the file as a whole. Returns -EINVAL. */
__attribute__((format(printf, 3, 4))) int file_error_set(const struct file_error *error, int line,
							 const char *format, ...);

struct section_key {
	int line;
	bool used; /* the reader has looked at it */
	char name[SECTION_NAME_MAX + 1];
	char value[SECTION_LINE_MAX + 1];
};

struct section {
	int line;
	char name[SECTION_NAME_MAX + 1]; /* "row voltage_l1" */
	unsigned first;                  /* index of its first key */
	unsigned count;
};

struct sections {
	unsigned count;
	unsigned keys_count;
	struct section section[SECTIONS_MAX];
	struct section_key key[SECTION_KEYS_MAX];
};

/* Splits size bytes of text. -EINVAL with the error set, -ENOMEM. */
__attribute__((warn_unused_result)) int sections_open(struct sections **ret, const char *text,
						      size_t size, const struct file_error *error);
struct sections *sections_close(struct sections *sections);

/* NULL where the section has no such key. Marks it as used. */
const struct section_key *section_take(struct sections *sections, const struct section *section,
				       const char *name);
