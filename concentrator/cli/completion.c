/* completion.c - see completion.h; the script for bash is in completion_bash.c. */
#include "concentrator/cli/completion.h"

#include <string.h>

#include "concentrator/cli/verb.h"

struct search {
	struct completion *found;
	size_t count;
	char *word[GRAMMAR_PARTS_MAX]; /* that are no options */
	size_t words;
	char *const *used; /* every word, to leave out options that are there */
	size_t used_count;
};

static void add(struct search *search, const char *text, const char *help, bool argument)
{
	struct completion *completion;

	for (size_t i = 0; i < search->count; i++) {
		if (strcmp(search->found[i].text, text) == 0) {
			/* Several verbs go on with this word: no one help line fits. */
			search->found[i].help = NULL;
			return;
		}
	}
	if (search->count == COMPLETIONS_MAX)
		return;
	completion = &search->found[search->count++];
	*completion = (struct completion){.help = help, .argument = argument};
	strncpy(completion->text, text, sizeof(completion->text) - 1);
}

/* The value that an option takes ("" for none), or NULL for one that is not known. */
static bool find_value(const char *name, char ret[static GRAMMAR_NAME_SIZE])
{
	struct grammar grammar;
	const struct verb *verb = NULL;
	const struct part *part = NULL;

	if (grammar_parse(&grammar, MANNERS_USAGE) == 0)
		part = grammar_option(&grammar, name);
	while (part == NULL && (verb = verb_next(verb)) != NULL) {
		if (grammar_parse(&grammar, verb->usage) == 0)
			part = grammar_option(&grammar, name);
	}
	if (part == NULL)
		return false;
	memcpy(ret, part->value, GRAMMAR_NAME_SIZE);
	return true;
}

/* Leaves the words that are no options. True when the last word is an option that still wants its value,
 * which is then the only thing that may come. */
static bool sort_words(struct search *search)
{
	char value[GRAMMAR_NAME_SIZE];

	for (size_t i = 0; i < search->used_count; i++) {
		char *word = search->used[i];

		if (word[0] != '-' || word[1] == '\0') {
			if (search->words < GRAMMAR_PARTS_MAX)
				search->word[search->words++] = word;
		} else if (strchr(word, '=') == NULL && find_value(word, value) && *value != '\0') {
			if (++i == search->used_count) {
				add(search, value, verb_option_help(word), true);
				return true;
			}
		}
	}
	return false;
}

static void add_options(struct search *search, const struct grammar *grammar)
{
	for (size_t i = 0; i < grammar->count; i++) {
		const struct part *part = &grammar->part[i];
		bool used = false;

		for (size_t k = 0; k < search->used_count; k++)
			used |= strcmp(search->used[k], part->name) == 0;
		if (part->kind == PART_OPTION && !used)
			add(search, part->name, verb_option_help(part->name), false);
	}
}

static void search_verb(struct search *search, const struct verb *verb)
{
	struct grammar grammar;
	size_t at = 0;
	bool rest = false;

	if (grammar_parse(&grammar, verb->usage) < 0)
		return;
	for (size_t i = 0; i < grammar.count; i++) {
		const struct part *part = &grammar.part[i];

		if (part->kind == PART_OPTION)
			continue;
		if (at == search->words) {
			add(search, part->name, verb->help, part->kind == PART_ARGUMENT);
			if (part->required)
				return;
			continue;
		}
		if (part->kind == PART_WORD && strcmp(part->name, search->word[at]) != 0)
			return;
		rest = part->rest;
		at = rest ? search->words : at + 1;
	}
	if (at == search->words && at > 0)
		add_options(search, &grammar);
}

size_t completion_find(size_t count, char *const word[],
		       struct completion ret[static COMPLETIONS_MAX])
{
	struct search search = {.found = ret, .used = word, .used_count = count};

	if (sort_words(&search))
		return search.count;
	for (const struct verb *verb = verb_next(NULL); verb != NULL; verb = verb_next(verb))
		search_verb(&search, verb);
	return search.count;
}
