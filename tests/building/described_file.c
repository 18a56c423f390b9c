/* described_file.c - see described_file.h. The table's head describes its language. */
#include "tests/building/described_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/building/described_row.h"

enum { LINE_CHARS = 512 };

struct reader {
	FILE *in;
	const char *path;
	unsigned line;
	char text[LINE_CHARS];
	struct words words;
};

/* The next line that says something. */
static bool next_line(struct reader *reader)
{
	while (fgets(reader->text, sizeof(reader->text), reader->in)) {
		reader->line++;
		words_split(&reader->words, reader->text);
		if (reader->words.n > 0 && reader->words.word[0][0] != '#')
			return true;
	}
	return false;
}

static bool is(const struct reader *reader, const char *kind, const char *name)
{
	return reader->words.n > 1 && strcmp(reader->words.word[0], kind) == 0 &&
	       strcmp(reader->words.word[1], name) == 0;
}

/* A fact of the map, unless the model has its own; 0 where it is not evidenced. */
static unsigned fact(const struct words *given, const struct words *facts, const char *key)
{
	const char *value = words_option(given, key);

	if (!value)
		value = words_option(facts, key);
	return value ? (unsigned)strtoul(value, NULL, 0) : 0;
}

static void take_facts(struct described *described, const struct words *given,
		       const struct words *facts)
{
	struct model *model = &described->model;
	const char *kind = words_option(given, "kind");
	unsigned channels = fact(given, facts, "channels"), most = fact(given, facts, "max");

	if (!kind)
		kind = words_option(facts, "kind");
	model->meters = kind && strcmp(kind, "relay") == 0 ? 0 : channels;
	model->channels = channels; /* relays, if there is a command for them */
	model->phases = fact(given, facts, "phases");
	if (model->phases == 0)
		model->phases = 1;
	model->max_registers = (uint16_t)(most > 0 ? most : 125);
	model->modulus_wh = fact(given, facts, "modulus");
}

static int take_line(struct described *described, const struct words *given,
		     const struct words *words)
{
	static const struct {
		const char *kind;
		int (*take)(struct described *described, const struct words *given,
			    const struct words *words);
	} kinds[] = {
		{"reg", described_take_register}, {"also", described_take_register},
		{"state", described_take_state},  {"mark", described_take_mark},
		{"relay", described_take_relay},  {"block", described_take_block},
		{"text", described_take_text},
	};
	const char *variant = words_option(words, "variant");
	const char *wanted = words_option(given, "variant");

	if (variant && (!wanted || strcmp(variant, wanted) != 0))
		return 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].kind, words->word[0]) == 0)
			return kinds[i].take(described, given, words);
	if (strcmp(words->word[0], "facts") == 0) {
		take_facts(described, given, words);
		return 0;
	}
	return strcmp(words->word[0], "source") == 0 ? 0 : -EINVAL;
}

static int find_model(struct reader *reader, const char *name, struct words *ret_given,
		      char ret_text[static LINE_CHARS])
{
	while (next_line(reader))
		if (is(reader, "model", name) && reader->words.n > 2) {
			/* The words point into the line they were cut from. */
			words_join(&reader->words, ret_text, LINE_CHARS);
			words_split(ret_given, ret_text);
			return 0;
		}
	return -ENOENT;
}

static int read_map(struct reader *reader, const struct words *given, struct described *described)
{
	int r = 0;

	rewind(reader->in);
	reader->line = 0;
	while (next_line(reader))
		if (is(reader, "map", given->word[2]))
			break;
	while (r == 0 && next_line(reader) && strcmp(reader->words.word[0], "map") != 0 &&
	       strcmp(reader->words.word[0], "model") != 0)
		r = take_line(described, given, &reader->words);
	return r;
}

int described_load(const char *path, const char *name, struct described *ret,
		   char ret_problem[static DESCRIBED_PROBLEM])
{
	struct reader reader = {.path = path, .in = fopen(path, "re")};
	char text[LINE_CHARS];
	struct words given;
	int r;

	if (!reader.in) {
		r = -errno;
		(void)snprintf(ret_problem, DESCRIBED_PROBLEM, "%s: %s", path, strerror(-r));
		return r;
	}
	memset(ret, 0, sizeof(*ret));
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
	r = find_model(&reader, name, &given, text);
	if (r == 0)
		r = read_map(&reader, &given, ret);
	if (r == 0)
		r = described_finish(ret);
	if (r < 0)
		(void)snprintf(ret_problem, DESCRIBED_PROBLEM, "%s:%u: %s: %s", path, reader.line,
			       name, strerror(-r));
	(void)fclose(reader.in);
	return r;
}
