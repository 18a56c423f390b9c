/* help.c - help and completion, both written from the verb table. */
#include "concentrator/cli/handlers.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/cli/completion.h"

#define USAGE_COLUMN 34

static void put_line(const struct screen *out, enum tone tone, const char *text)
{
	screen_put(out, tone, text);
	screen_end_line(out);
}

/* The verb without its options: what the list has room for. */
static void say_short(const struct verb *verb, char *buf, size_t size)
{
	struct grammar grammar;
	size_t len = 0;
	int r = grammar_parse(&grammar, verb->usage);

	assert(r == 0);
	buf[0] = '\0';
	for (size_t i = 0; i < grammar.count && len < size; i++) {
		const struct part *part = &grammar.part[i];
		bool optional = !part->required;

		if (part->kind == PART_OPTION)
			continue;
		len += (size_t)snprintf(buf + len, size - len, "%s%s%s%s", i > 0 ? " " : "",
					optional ? "[" : "", part->name, optional ? "]" : "");
	}
}

static void list_verbs(const struct screen *out)
{
	char text[GRAMMAR_LINE_MAX];

	for (size_t i = 0; i < verb_groups_count; i++) {
		put_line(out, TONE_BOLD, verb_groups[i].title);
		for (size_t k = 0; k < verb_groups[i].count; k++) {
			const struct verb *verb = &verb_groups[i].verb[k];

			say_short(verb, text, sizeof(text));
			screen_say(out, TONE_PLAIN, "  %-*s", USAGE_COLUMN - 2, text);
			put_line(out, TONE_DIM, verb->help);
		}
	}
}

static void list_options(const struct screen *out, const char *usage)
{
	struct grammar grammar;
	char text[2 * GRAMMAR_NAME_SIZE + 2];
	int r = grammar_parse(&grammar, usage);

	assert(r == 0);
	for (size_t i = 0; i < grammar.count; i++) {
		const struct part *part = &grammar.part[i];
		const char *help;

		if (part->kind != PART_OPTION)
			continue;
		help = verb_option_help(part->name);
		(void)snprintf(text, sizeof(text), "%s %s", part->name, part->value);
		screen_say(out, TONE_PLAIN, "  %-*s", USAGE_COLUMN - 2, text);
		put_line(out, TONE_DIM, help != NULL ? help : "");
	}
}

static void show_overview(struct session *session)
{
	const struct screen *out = &session->out;

	if (!session->interactive)
		put_line(out, TONE_PLAIN, "Usage: prepay [OPTION...] VERB ...");
	list_verbs(out);
	put_line(out, TONE_BOLD, "With any verb");
	list_options(out, MANNERS_USAGE);
	put_line(out, TONE_PLAIN,
		 session->interactive ? "Tab completes, ? shows what may come next, quit leaves."
				      : "prepay help VERB tells more; without a verb on a "
					"terminal: a prompt. See "
					"prepay(1).");
}

static void put_more(const struct screen *out, const char *text)
{
	char line[256];

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		(void)snprintf(line, sizeof(line), "%.*s", (int)len, text);
		put_line(out, TONE_PLAIN, line);
		text += len;
		text += *text == '\n';
	}
}

static void show_verb(const struct screen *out, const struct verb *verb)
{
	screen_say(out, TONE_BOLD, "prepay %s", verb->usage);
	screen_end_line(out);
	screen_say(out, TONE_PLAIN, "%s (%s)", verb->help, role_name(verb->role));
	screen_end_line(out);
	list_options(out, verb->usage);
	if (verb->more != NULL)
		put_more(out, verb->more);
}

/* Does the verb begin with these words? Its arguments may be given, left out or jumped over. */
static bool begins_with(const struct verb *verb, size_t words, char *const word[])
{
	struct grammar grammar;
	size_t at = 0;

	if (grammar_parse(&grammar, verb->usage) < 0)
		return false;
	for (size_t i = 0; i < grammar.count && at < words; i++) {
		const struct part *part = &grammar.part[i];

		if (part->kind == PART_WORD && strcmp(part->name, word[at]) != 0)
			return false;
		if (part->kind == PART_WORD)
			at++;
		else if (part->kind == PART_ARGUMENT && i + 1 < grammar.count &&
			 grammar.part[i + 1].kind == PART_WORD &&
			 strcmp(grammar.part[i + 1].name, word[at]) != 0)
			at++;
		else if (part->kind == PART_ARGUMENT &&
			 (i + 1 == grammar.count || grammar.part[i + 1].kind != PART_WORD))
			at++;
	}
	return at == words;
}

int help_verb(struct session *session, size_t words, char *const word[])
{
	size_t shown = 0;

	if (words == 0) {
		show_overview(session);
		return 0;
	}
	for (const struct verb *verb = verb_next(NULL); verb != NULL; verb = verb_next(verb)) {
		if (!begins_with(verb, words, word))
			continue;
		if (shown++ > 0)
			screen_end_line(&session->out);
		show_verb(&session->out, verb);
	}
	if (shown == 0)
		return session_problem(session, PROBLEM_USAGE, NULL,
				       "no verb begins with %.60s; prepay help lists all", word[0]);
	return 0;
}

int run_help(struct call *call)
{
	return help_verb(call->session, call->words - 1, call->word + 1);
}

int run_completion(struct call *call)
{
	completion_write_bash(call->session->out.file);
	return 0;
}
