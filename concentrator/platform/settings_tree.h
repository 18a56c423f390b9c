/* settings_tree.h - the inside of struct settings, for settings*.c alone. */
#pragma once

#include "concentrator/platform/settings.h"

#include <stdarg.h>

#define BLANKS " \t"

struct settings_key {
	char *name;
	char *value;
	const char *file; /* the settings' */
	int line;
	bool asked;
};

struct settings_section {
	struct settings *settings;
	char *kind;
	char *name; /* "" for none */
	const char *file;
	int line;
	bool asked;
	bool accepted;
	size_t key_count;
	struct settings_key *keys;
};

struct settings_finding {
	const char *file;
	int line;
	char *message;
};

struct settings {
	size_t file_count;
	char **files; /* names, kept for as long as something points to them */
	size_t section_count;
	struct settings_section **sections; /* in the order read */
	size_t finding_count;
	struct settings_finding *findings;
	bool out_of_memory; /* a finding could not be kept: never report success */
};

/* Keeps a copy of the name of a file; NULL without memory. Each call makes another one, so that its address
 * tells two files of one name apart. */
const char *settings_keep_file(struct settings *settings, const char *file);

/* NULL when there is none; asks for nothing. */
struct settings_section *settings_look_up(const struct settings *settings, const char *kind,
					  const char *name);
struct settings_key *settings_look_up_key(const struct settings_section *section, const char *name);

/* NULL without memory. */
struct settings_section *settings_add_section(struct settings *settings, const char *kind,
					      const char *name);
struct settings_key *settings_add_key(struct settings_section *section, const char *name);

void settings_find_fault(struct settings *settings, const char *file, int line, const char *format,
			 va_list args) __attribute__((format(printf, 4, 0)));
void settings_fault_at(struct settings *settings, const char *file, int line, const char *format,
		       ...) __attribute__((format(printf, 4, 5)));

/* Is the line well-formed UTF-8 without control characters? Tabs count as blanks; the control characters above ASCII
 * (C1) are refused like those below. */
bool settings_line_is_plain(const char *line, size_t len);

/* Cuts the comment and the blanks at both ends. */
void settings_line_trim(const char **line, size_t *len);
