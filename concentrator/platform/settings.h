/* settings.h - INI text as sections and typed keys, with every error at its file and line.
 *
 * Read by inih, guarded against what inih does quietly: it splits long lines, cuts long names and
 * merges sections of one name. Used for the configuration and for tariffs.
 *
 *     [kind]            # one unnamed section of a kind
 *     [kind name]       # one of many; name is letters, digits, '.', '_' and '-'
 *     key = value       # a comment begins with '#' or ';', inside a line after a blank
 *
 * A key set again by a later file replaces the value; within one file a second section of the same
 * title and a second key of the same name are errors. Lines have at most 198 bytes of UTF-8 without
 * control characters (a line that is only a comment may be longer).
 *
 * Errors are collected, not returned one by one: read all, get all, call settings_unknown(), then look
 * at settings_error_count(). Each reads `file:line: what; what to do`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETTINGS_VALUE_SIZE 200 /* every value fits, with its terminator */

struct settings;
struct settings_section;

struct settings_error {
	const char *file;
	int line; /* 0: the file as a whole */
	const char *message;
};

int settings_new(struct settings **ret);
struct settings *settings_free(struct settings *settings);

/* Adds a file. 0 also when its text is wrong (look at the errors); -errno when it cannot be read, which is
 * recorded as an error as well, -EFBIG past 1 MiB. Blocks on the disk. */
int settings_read_file(struct settings *settings, const char *file);

/* Adds each *.conf of a folder in the order of their names. A missing folder is an empty one. */
int settings_read_folder(struct settings *settings, const char *folder);

/* Adds text from memory; name stands for the file in errors. */
int settings_read_text(struct settings *settings, const char *name, const char *text, size_t len);

/* The section of that kind and name (NULL or "": the unnamed one), or NULL. */
struct settings_section *settings_find(struct settings *settings, const char *kind,
				       const char *name);

/* The sections of one kind in the order read: the first for NULL, NULL after the last. */
struct settings_section *settings_next(struct settings *settings, const char *kind,
				       const struct settings_section *previous);

/* "" for an unnamed section. */
const char *settings_name(const struct settings_section *section);

/* Is the key set? Does not count as asking for it. */
bool settings_has(const struct settings_section *section, const char *key);

/* The getters. section may be NULL (absent): the fallback. So it is when the value is wrong, and then an
 * error is recorded. Asking for a key is what makes it known. Strings live as long as the settings. */

/* A decimal integer in [min, max]. */
int64_t settings_int64(struct settings_section *section, const char *key, int64_t min, int64_t max,
		       int64_t fallback);

/* A decimal fraction as an integer of 10^-digits: "0.55" with 6 digits is 550000. More digits than
 * that are an error, never rounded. min and max are in the same unit. */
int64_t settings_fixed(struct settings_section *section, const char *key, int digits, int64_t min,
		       int64_t max, int64_t fallback);

/* yes, no, true, false, on, off. */
bool settings_bool(struct settings_section *section, const char *key, bool fallback);

/* Index of the value in a NULL-terminated list of names. */
int settings_choice(struct settings_section *section, const char *key, const char *const names[],
		    int fallback);

/* Text of min to max bytes. fallback may be NULL. */
const char *settings_string(struct settings_section *section, const char *key, size_t min,
			    size_t max, const char *fallback);

/* An absolute path; none at all where fallback is none. fallback may be NULL. */
const char *settings_path(struct settings_section *section, const char *key, const char *fallback);

/* Makes a missing key an error, at the section's title. Does not count as asking for it. */
void settings_require(struct settings_section *section, const char *key);

/* Marks a kind of section with all of its keys as somebody else's: not unknown. */
void settings_accept(struct settings *settings, const char *kind);

/* Records an error for every section and key that nobody asked for. */
void settings_unknown(struct settings *settings);

/* Records the caller's own finding at the line of the key, or of the section's title when key is NULL or
 * absent. "what; what to do", without file and line. */
void settings_fault(struct settings_section *section, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As settings_fault(), about a file as a whole. */
void settings_fault_file(struct settings *settings, const char *file, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

size_t settings_error_count(const struct settings *settings);
struct settings_error settings_error(const struct settings *settings, size_t index);

/* All errors, one a line, "file:line: what; what to do\n". The caller frees it. NULL without memory. */
char *settings_errors(const struct settings *settings);
