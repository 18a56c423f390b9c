/* sections.c - the reader given to inih sees every line first and refuses what inih would let pass. */
#include "meters/sections.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#define BLANK " \t"

struct splitter {
	const char *text; /* what is left */
	size_t size;
	int line;
	int result; /* the first error ends the text */
	const struct file_error *error;
	struct sections *sections;
};

int file_error_set(const struct file_error *error, int line, const char *format, ...)
{
	va_list arguments;
	int n;

	if (error->size == 0)
		return -EINVAL;
	if (line > 0)
		n = snprintf(error->text, error->size, "%s:%d: ", error->path, line);
	else
		n = snprintf(error->text, error->size, "%s: ", error->path);
	if (n < 0 || (size_t)n >= error->size)
		return -EINVAL;
	va_start(arguments, format);
	(void)vsnprintf(error->text + n, error->size - (size_t)n, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static int splitter_section(struct splitter *s, char *line)
{
	struct sections *sections = s->sections;
	struct section *section = &sections->section[sections->count];
	char *name = line + 1;
	char *end = strchr(name, ']');
	size_t length;

	if (end == NULL || end[1 + strspn(end + 1, BLANK)] != '\0')
		return file_error_set(s->error, s->line, "expected [section] alone on its line");
	length = (size_t)(end - name);
	if (length == 0 || length > SECTION_NAME_MAX)
		return file_error_set(s->error, s->line,
				      "a section's name has 1 to %d bytes, this one %zu",
				      SECTION_NAME_MAX, length);
	for (unsigned i = 0; i < sections->count; i++)
		if (strncmp(sections->section[i].name, name, length) == 0 &&
		    sections->section[i].name[length] == '\0')
			return file_error_set(
				s->error, s->line,
				"section [%.*s] is here twice: the first is in line %d",
				(int)length, name, sections->section[i].line);
	if (sections->count == SECTIONS_MAX)
		return file_error_set(s->error, s->line, "more than %d sections", SECTIONS_MAX);
	section->line = s->line;
	section->first = sections->keys_count;
	memcpy(section->name, name, length);
	section->name[length] = '\0';
	sections->count++;
	return 0;
}

static int splitter_look(struct splitter *s, char *line)
{
	size_t blank = strspn(line, BLANK);

	if (line[blank] == '\0' || line[blank] == '#' || line[blank] == ';')
		return 0;
	if (blank > 0)
		return file_error_set(s->error, s->line,
				      "begins with white space: a value ends with its line");
	if (line[0] == '[')
		return splitter_section(s, line);
	if (line[strcspn(line, "=:")] != '=')
		return file_error_set(s->error, s->line,
				      "expected [section], key = value or # comment");
	if (s->sections->count == 0)
		return file_error_set(s->error, s->line,
				      "a key before the first section: expected [model]");
	return 0;
}

/* Copies one line without its end; -EINVAL if inih could not hold it as it is. */
static int splitter_copy(struct splitter *s, char *buffer, size_t size)
{
	const char *newline = memchr(s->text, '\n', s->size);
	size_t length = newline == NULL ? s->size : (size_t)(newline - s->text);
	size_t next = newline == NULL ? length : length + 1;

	s->line++;
	if (length > 0 && s->text[length - 1] == '\r')
		length--;
	if (length > SECTION_LINE_MAX || length >= size)
		return file_error_set(s->error, s->line, "%zu bytes: expected at most %d a line",
				      length, SECTION_LINE_MAX);
	for (size_t i = 0; i < length; i++)
		if (((unsigned char)s->text[i] < ' ' && s->text[i] != '\t') || s->text[i] == 0x7F)
			return file_error_set(s->error, s->line,
					      "byte 0x%02X in column %zu: expected text",
					      (unsigned)(unsigned char)s->text[i], i + 1);
	memcpy(buffer, s->text, length);
	buffer[length] = '\0';
	s->text += next;
	s->size -= next;
	return 0;
}

static char *splitter_read(char *buffer, int size, void *stream)
{
	struct splitter *s = stream;

	if (s->result < 0 || s->size == 0)
		return NULL;
	s->result = splitter_copy(s, buffer, (size_t)size);
	if (s->result == 0)
		s->result = splitter_look(s, buffer);
	return s->result < 0 ? NULL : buffer;
}

static int splitter_add(struct splitter *s, const char *name, const char *value)
{
	struct sections *sections = s->sections;
	struct section *section = &sections->section[sections->count - 1];
	struct section_key *key = &sections->key[sections->keys_count];

	if (*name == '\0' || strlen(name) > SECTION_NAME_MAX)
		return file_error_set(s->error, s->line, "a key's name has 1 to %d bytes",
				      SECTION_NAME_MAX);
	if (*value == '\0')
		return file_error_set(s->error, s->line,
				      "%s has no value: leave the key out where it is not known",
				      name);
	for (unsigned i = section->first; i < sections->keys_count; i++)
		if (strcmp(sections->key[i].name, name) == 0)
			return file_error_set(s->error, s->line,
					      "%s is here twice in [%s]: the first is in line %d",
					      name, section->name, sections->key[i].line);
	if (sections->keys_count == SECTION_KEYS_MAX)
		return file_error_set(s->error, s->line, "more than %d keys", SECTION_KEYS_MAX);
	*key = (struct section_key){.line = s->line};
	memcpy(key->name, name, strlen(name) + 1);
	memcpy(key->value, value, strlen(value) + 1);
	sections->keys_count++;
	section->count++;
	return 0;
}

/* The section inih names may be cut short; the line's own section was noted when it was read. */
static int splitter_handle(void *user, const char *section, const char *name, const char *value)
{
	struct splitter *s = user;

	(void)section;
	if (s->result == 0)
		s->result = splitter_add(s, name, value);
	return s->result == 0;
}

int sections_open(struct sections **ret, const char *text, size_t size,
		  const struct file_error *error)
{
	struct splitter s = {.text = text, .size = size, .error = error};
	int r;

	s.sections = calloc(1, sizeof(*s.sections));
	if (s.sections == NULL)
		return -ENOMEM;
	r = ini_parse_stream(splitter_read, &s, splitter_handle, &s);
	if (s.result == 0 && r > 0)
		s.result = file_error_set(error, r, "expected [section], key = value or # comment");
	if (s.result == 0 && r < 0)
		s.result = -ENOMEM;
	if (s.result < 0) {
		sections_close(s.sections);
		return s.result;
	}
	*ret = s.sections;
	return 0;
}

struct sections *sections_close(struct sections *sections)
{
	free(sections);
	return NULL;
}

const struct section_key *section_take(struct sections *sections, const struct section *section,
				       const char *name)
{
	for (unsigned i = section->first; i < section->first + section->count; i++)
		if (strcmp(sections->key[i].name, name) == 0) {
			sections->key[i].used = true;
			return &sections->key[i];
		}
	return NULL;
}
