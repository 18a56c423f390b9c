/* call.c - reads the words of a line against the verb table; see verb.h. */
#include "concentrator/cli/verb.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MAX_S 3600

struct option_use {
	char name[GRAMMAR_NAME_SIZE];
	const char *value;
};

struct reader {
	struct manners *manners;
	struct grammar common; /* MANNERS_USAGE */
	struct option_use option[GRAMMAR_PARTS_MAX];
	size_t options;
	char *word[GRAMMAR_PARTS_MAX];
	size_t words;
	char *why;
};

__attribute__((format(printf, 2, 3))) static int refuse(char *why, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(why, CALL_WHY_SIZE, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static void add_usage(char *why, const struct verb *verb)
{
	size_t len = strlen(why);

	(void)snprintf(why + len, CALL_WHY_SIZE - len, "\n%s prepay %s",
		       strstr(why, "\nUsage:") == NULL ? "Usage:" : "      ", verb->usage);
}

/* An option takes a value for all verbs or for none (a test holds the table to it), so the words can be
 * told from the options before the verb is known. */
static bool find_option(const char *name, struct part *ret)
{
	for (const struct verb *verb = verb_next(NULL); verb != NULL; verb = verb_next(verb)) {
		struct grammar grammar;
		const struct part *part;

		if (strstr(verb->usage, name) == NULL || grammar_parse(&grammar, verb->usage) < 0)
			continue;
		part = grammar_option(&grammar, name);
		if (part != NULL) {
			*ret = *part;
			return true;
		}
	}
	return false;
}

static int set_manner(struct reader *reader, const char *name, const char *value)
{
	struct manners *manners = reader->manners;
	char *end;

	if (strcmp(name, "--json") == 0) {
		manners->json = true;
	} else if (strcmp(name, "-q") == 0 || strcmp(name, "--quiet") == 0) {
		manners->quiet = true;
	} else if (strcmp(name, "-y") == 0 || strcmp(name, "--yes") == 0) {
		manners->yes = true;
	} else if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0) {
		manners->help = true;
	} else if (strcmp(name, "--version") == 0) {
		manners->version = true;
	} else if (strcmp(name, "--config") == 0) {
		manners->config = value;
	} else if (strcmp(name, "--socket") == 0) {
		manners->socket = value;
	} else if (strcmp(name, "--color") == 0) {
		if (strcmp(value, "auto") != 0 && strcmp(value, "yes") != 0 &&
		    strcmp(value, "no") != 0)
			return refuse(reader->why, "--color is auto, yes or no, not %s", value);
		manners->colour = *value == 'a'   ? COLOUR_AUTO
				  : *value == 'y' ? COLOUR_YES
						  : COLOUR_NO;
	} else {
		long seconds = strtol(value, &end, 10);

		if (end == value || *end != '\0' || seconds < 1 || seconds > TIMEOUT_MAX_S)
			return refuse(reader->why, "--timeout is 1 to %d seconds, not %s",
				      TIMEOUT_MAX_S, value);
		manners->timeout_ms = seconds * 1000;
	}
	return 0;
}

/* One option at word[*at], with its value behind it or behind its "=". */
static int take_option(struct reader *reader, size_t count, char *const word[], size_t *at)
{
	const char *text = word[*at];
	size_t len = strcspn(text, "=");
	const char *value = text[len] == '=' ? text + len + 1 : NULL;
	const struct part *common;
	struct part part;
	char *own;

	if (len >= GRAMMAR_NAME_SIZE || reader->options == GRAMMAR_PARTS_MAX)
		return refuse(reader->why, "unknown option %.40s", text);
	own = reader->option[reader->options].name;
	memcpy(own, text, len);
	own[len] = '\0';
	common = grammar_option(&reader->common, own);
	if (common != NULL)
		part = *common;
	else if (!find_option(own, &part))
		return refuse(reader->why, "unknown option %.40s; see prepay help", own);
	if (part.value[0] == '\0' && value != NULL)
		return refuse(reader->why, "%s takes no value", own);
	if (part.value[0] != '\0' && value == NULL) {
		if (*at + 1 >= count || strncmp(word[*at + 1], "--", 2) == 0)
			return refuse(reader->why, "%s needs a value: %s %s", own, own, part.value);
		value = word[++*at];
	}
	if (value == NULL)
		value = "";
	if (common != NULL)
		return set_manner(reader, own, value);
	for (size_t i = 0; i < reader->options; i++) {
		if (strcmp(reader->option[i].name, own) == 0)
			return refuse(reader->why, "%s is given twice", own);
	}
	reader->option[reader->options++].value = value;
	return 0;
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0' && !(word[1] >= '0' && word[1] <= '9');
}

static int sort_words(struct reader *reader, size_t count, char *const word[])
{
	bool only_words = false;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		if (!only_words && strcmp(word[i], "--") == 0)
			only_words = true;
		else if (!only_words && is_option(word[i]))
			r = take_option(reader, count, word, &i);
		else if (reader->words == GRAMMAR_PARTS_MAX)
			r = refuse(reader->why, "too many words");
		else
			reader->word[reader->words++] = word[i];
	}
	return r;
}

struct match {
	size_t words;               /* of the verb that agree */
	bool whole;                 /* everything agrees */
	const struct part *missing; /* an argument that is not there */
	const char *extra;          /* a word too many */
	const char *misfit;         /* a word that stands where the verb has another */
};

static struct match match_verb(struct call *call, char *const word[], size_t words)
{
	struct match match = {0};
	size_t at = 0;

	for (size_t i = 0; i < call->grammar.count; i++) {
		const struct part *part = &call->grammar.part[i];

		if (part->kind == PART_OPTION)
			continue;
		if (at == words) {
			if (!part->required)
				continue;
			if (part->kind == PART_ARGUMENT)
				match.missing = part;
			return match;
		}
		if (part->kind == PART_WORD) {
			if (strcmp(part->name, word[at]) != 0) {
				match.misfit = word[at];
				return match;
			}
			match.words++;
		} else {
			call->value[i] = word[at];
		}
		at = part->rest ? words : at + 1;
	}
	if (at < words)
		match.extra = word[at];
	match.whole = at == words;
	return match;
}

static int set_options(struct call *call, const struct reader *reader)
{
	for (size_t i = 0; i < reader->options; i++) {
		const struct option_use *use = &reader->option[i];
		size_t k = 0;

		while (k < call->grammar.count &&
		       strcmp(call->grammar.part[k].name, use->name) != 0)
			k++;
		if (k == call->grammar.count) {
			(void)refuse(reader->why, "%s is no option of this verb", use->name);
			add_usage(reader->why, call->verb);
			return -EINVAL;
		}
		for (size_t other = 0; other < call->grammar.count; other++) {
			if (other != k && call->value[other] != NULL &&
			    call->grammar.part[k].choice != 0 &&
			    call->grammar.part[other].kind == PART_OPTION &&
			    call->grammar.part[other].choice == call->grammar.part[k].choice)
				return refuse(reader->why, "%s and %s exclude each other",
					      call->grammar.part[other].name, use->name);
		}
		call->value[k] = use->value;
	}
	return 0;
}

/* No row agrees: says what is wrong with the nearest ones. */
static int explain(const struct reader *reader, size_t best)
{
	struct call call;
	size_t near = 0;

	if (best == 0)
		return refuse(reader->why, "unknown verb %.60s; see prepay help", reader->word[0]);
	(void)refuse(reader->why, "%s", "");
	for (const struct verb *verb = verb_next(NULL); verb != NULL; verb = verb_next(verb)) {
		struct match match;

		call = (struct call){.verb = verb};
		if (grammar_parse(&call.grammar, verb->usage) < 0)
			continue;
		match = match_verb(&call, reader->word, reader->words);
		if (match.words != best)
			continue;
		if (near++ == 0 && match.missing != NULL)
			(void)refuse(reader->why, "%s is missing", match.missing->name);
		else if (near == 1 && match.extra != NULL)
			(void)refuse(reader->why, "unexpected word %.60s", match.extra);
		else if (near == 1 && match.misfit != NULL)
			(void)refuse(reader->why, "%.60s does not fit here", match.misfit);
		else if (near == 1)
			(void)refuse(reader->why, "%.60s wants more words",
				     reader->word[reader->words - 1]);
		add_usage(reader->why, verb);
	}
	return -EINVAL;
}

int call_parse(struct call *ret, struct manners *manners, size_t count, char *const word[],
	       char why[static CALL_WHY_SIZE])
{
	struct reader reader = {.manners = manners, .why = why};
	size_t best = 0;
	int r = grammar_parse(&reader.common, MANNERS_USAGE);

	assert(r == 0);
	r = sort_words(&reader, count, word);
	if (r < 0)
		return r;
	*ret = (struct call){.words = reader.words};
	memcpy(ret->word, reader.word, sizeof(ret->word));
	if (reader.words == 0 || manners->help || manners->version)
		return 0;
	for (const struct verb *verb = verb_next(NULL); verb != NULL; verb = verb_next(verb)) {
		struct match match;

		memset(ret->value, 0, sizeof(ret->value));
		if (grammar_parse(&ret->grammar, verb->usage) < 0)
			continue;
		match = match_verb(ret, reader.word, reader.words);
		if (match.whole) {
			ret->verb = verb;
			return set_options(ret, &reader);
		}
		if (match.words > best)
			best = match.words;
	}
	return explain(&reader, best);
}

const char *call_get(const struct call *call, const char *name)
{
	for (size_t i = 0; i < call->grammar.count; i++) {
		if (strcmp(call->grammar.part[i].name, name) == 0)
			return call->value[i];
	}
	return NULL;
}

bool call_has(const struct call *call, const char *name)
{
	return call_get(call, name) != NULL;
}

const struct part *call_missing(const struct call *call)
{
	for (size_t i = 0; i < call->grammar.count; i++) {
		const struct part *part = &call->grammar.part[i];

		if (part->kind == PART_OPTION && part->required && call->value[i] == NULL)
			return part;
	}
	return NULL;
}
