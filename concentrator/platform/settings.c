/* settings.c - the sections, keys and findings; see settings.h. Reading is settings_read.c, the typed
 * getters are settings_value.c. */
#include "concentrator/platform/settings_tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more; arrays grow by one element because a file is read once and is short. */
static void *settings_grow(void *array, size_t count, size_t size)
{
	return reallocarray(array, count + 1, size);
}

int settings_new(struct settings **ret)
{
	struct settings *settings = calloc(1, sizeof(*settings));

	if (settings == NULL)
		return -ENOMEM;
	*ret = settings;
	return 0;
}

static void settings_free_section(struct settings_section *section)
{
	for (size_t i = 0; i < section->key_count; i++) {
		free(section->keys[i].name);
		free(section->keys[i].value);
	}
	free(section->keys);
	free(section->kind);
	free(section->name);
	free(section);
}

struct settings *settings_free(struct settings *settings)
{
	if (settings == NULL)
		return NULL;
	for (size_t i = 0; i < settings->section_count; i++)
		settings_free_section(settings->sections[i]);
	for (size_t i = 0; i < settings->finding_count; i++)
		free(settings->findings[i].message);
	for (size_t i = 0; i < settings->file_count; i++)
		free(settings->files[i]);
	free(settings->sections);
	free(settings->findings);
	free(settings->files);
	free(settings);
	return NULL;
}

const char *settings_keep_file(struct settings *settings, const char *file)
{
	char **files = settings_grow(settings->files, settings->file_count, sizeof(*files));
	char *copy;

	if (files == NULL)
		return NULL;
	settings->files = files;
	copy = strdup(file);
	if (copy == NULL)
		return NULL;
	files[settings->file_count++] = copy;
	return copy;
}

struct settings_section *settings_look_up(const struct settings *settings, const char *kind,
					  const char *name)
{
	for (size_t i = 0; i < settings->section_count; i++) {
		struct settings_section *section = settings->sections[i];

		if (strcmp(section->kind, kind) == 0 && strcmp(section->name, name) == 0)
			return section;
	}
	return NULL;
}

struct settings_key *settings_look_up_key(const struct settings_section *section, const char *name)
{
	for (size_t i = 0; i < section->key_count; i++) {
		if (strcmp(section->keys[i].name, name) == 0)
			return &section->keys[i];
	}
	return NULL;
}

struct settings_section *settings_add_section(struct settings *settings, const char *kind,
					      const char *name)
{
	struct settings_section **sections = settings_grow(
		settings->sections, settings->section_count, sizeof(*sections));
	struct settings_section *section;

	if (sections == NULL)
		return NULL;
	settings->sections = sections;
	section = calloc(1, sizeof(*section));
	if (section == NULL)
		return NULL;
	section->settings = settings;
	section->kind = strdup(kind);
	section->name = strdup(name);
	if (section->kind == NULL || section->name == NULL) {
		settings_free_section(section);
		return NULL;
	}
	sections[settings->section_count++] = section;
	return section;
}

struct settings_key *settings_add_key(struct settings_section *section, const char *name)
{
	struct settings_key *keys = settings_grow(section->keys, section->key_count, sizeof(*keys));
	struct settings_key key = {0};

	if (keys == NULL)
		return NULL;
	section->keys = keys;
	key.name = strdup(name);
	if (key.name == NULL)
		return NULL;
	keys[section->key_count] = key;
	return &keys[section->key_count++];
}

struct settings_section *settings_find(struct settings *settings, const char *kind,
				       const char *name)
{
	struct settings_section *section = settings_look_up(settings, kind,
							    name == NULL ? "" : name);

	if (section != NULL)
		section->asked = true;
	return section;
}

struct settings_section *settings_next(struct settings *settings, const char *kind,
				       const struct settings_section *previous)
{
	bool reached = previous == NULL;

	for (size_t i = 0; i < settings->section_count; i++) {
		struct settings_section *section = settings->sections[i];

		if (reached && strcmp(section->kind, kind) == 0) {
			section->asked = true;
			return section;
		}
		reached = reached || section == previous;
	}
	return NULL;
}

const char *settings_name(const struct settings_section *section)
{
	return section->name;
}

bool settings_has(const struct settings_section *section, const char *key)
{
	return section != NULL && settings_look_up_key(section, key) != NULL;
}

void settings_accept(struct settings *settings, const char *kind)
{
	for (size_t i = 0; i < settings->section_count; i++) {
		if (strcmp(settings->sections[i]->kind, kind) == 0)
			settings->sections[i]->accepted = true;
	}
}

void settings_unknown(struct settings *settings)
{
	for (size_t i = 0; i < settings->section_count; i++) {
		const struct settings_section *section = settings->sections[i];

		if (section->accepted)
			continue;
		if (!section->asked) {
			settings_fault_at(
				settings, section->file, section->line,
				"unknown section [%s%s%s]; remove it or correct its title",
				section->kind, section->name[0] == '\0' ? "" : " ", section->name);
			continue;
		}
		for (size_t k = 0; k < section->key_count; k++) {
			const struct settings_key *key = &section->keys[k];

			if (!key->asked)
				settings_fault_at(settings, key->file, key->line,
						  "unknown key `%s` in [%s%s%s]; remove it or "
						  "correct its spelling",
						  key->name, section->kind,
						  section->name[0] == '\0' ? "" : " ",
						  section->name);
		}
	}
}

void settings_find_fault(struct settings *settings, const char *file, int line, const char *format,
			 va_list args)
{
	struct settings_finding *findings = settings_grow(
		settings->findings, settings->finding_count, sizeof(*findings));
	char *message = NULL;

	if (findings != NULL)
		settings->findings = findings;
	if (findings == NULL || vasprintf(&message, format, args) < 0) {
		settings->out_of_memory = true;
		return;
	}
	findings[settings->finding_count++] = (struct settings_finding){
		.file = file, .line = line, .message = message};
}

void settings_fault_at(struct settings *settings, const char *file, int line, const char *format,
		       ...)
{
	va_list args;

	va_start(args, format);
	settings_find_fault(settings, file, line, format, args);
	va_end(args);
}

void settings_fault(struct settings_section *section, const char *key, const char *format, ...)
{
	const struct settings_key *found = key == NULL ? NULL : settings_look_up_key(section, key);
	va_list args;

	va_start(args, format);
	settings_find_fault(section->settings, found == NULL ? section->file : found->file,
			    found == NULL ? section->line : found->line, format, args);
	va_end(args);
}

void settings_fault_file(struct settings *settings, const char *file, const char *format, ...)
{
	const char *kept = settings_keep_file(settings, file);
	va_list args;

	if (kept == NULL) {
		settings->out_of_memory = true;
		return;
	}
	va_start(args, format);
	settings_find_fault(settings, kept, 0, format, args);
	va_end(args);
}

size_t settings_error_count(const struct settings *settings)
{
	return settings->finding_count + (settings->out_of_memory ? 1 : 0);
}

struct settings_error settings_error(const struct settings *settings, size_t index)
{
	const struct settings_finding *finding;

	if (index >= settings->finding_count)
		return (struct settings_error){.file = "settings", .message = "out of memory"};
	finding = &settings->findings[index];
	return (struct settings_error){
		.file = finding->file, .line = finding->line, .message = finding->message};
}

char *settings_errors(const struct settings *settings)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	bool failed;

	if (stream == NULL)
		return NULL;
	for (size_t i = 0; i < settings_error_count(settings); i++) {
		struct settings_error error = settings_error(settings, i);

		if (error.line > 0)
			(void)fprintf(stream, "%s:%d: %s\n", error.file, error.line, error.message);
		else
			(void)fprintf(stream, "%s: %s\n", error.file, error.message);
	}
	failed = ferror(stream) != 0;
	if (fclose(stream) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}
