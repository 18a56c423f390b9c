/* grammar.c - see grammar.h. */
#include "concentrator/cli/grammar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static int copy_name(char name[static GRAMMAR_NAME_SIZE], const char *from, size_t len)
{
	if (len == 0 || len >= GRAMMAR_NAME_SIZE)
		return -EINVAL;
	memcpy(name, from, len);
	name[len] = '\0';
	return 0;
}

static struct part *add_part(struct grammar *grammar, enum part_kind kind, bool required)
{
	struct part *part;

	if (grammar->count == GRAMMAR_PARTS_MAX)
		return NULL;
	part = &grammar->part[grammar->count++];
	*part = (struct part){.kind = kind, .required = required};
	return part;
}

/* "--room ROOM", "-n N" or "--all"; text ends at its terminator. */
static int add_option(struct grammar *grammar, const char *text, bool required, int choice)
{
	struct part *part = add_part(grammar, PART_OPTION, required);
	size_t len = strcspn(text, " ");

	if (part == NULL || !is_lower(text[strspn(text, "-")]) ||
	    copy_name(part->name, text, len) < 0)
		return -EINVAL;
	part->choice = choice;
	if (text[len] == '\0')
		return 0;
	return copy_name(part->value, text + len + 1, strlen(text + len + 1));
}

/* An argument is asked for by its leading capitals: "ROOM" of "ROOM[/CIRCUIT]". */
static int add_argument(struct grammar *grammar, const char *text, bool required)
{
	struct part *part = add_part(grammar, PART_ARGUMENT, required);
	size_t len = 0;

	if (part == NULL)
		return -EINVAL;
	while (is_upper(text[len]))
		len++;
	part->rest = strstr(text, "...") != NULL;
	return copy_name(part->name, text, len);
}

/* What stands in one pair of brackets. */
static int add_optional(struct grammar *grammar, char *text, int choice)
{
	char *save = NULL;

	if (is_upper(*text))
		return add_argument(grammar, text, false);
	if (strchr(text, '|') == NULL)
		return *text == '-' ? add_option(grammar, text, false, 0) : -EINVAL;
	for (char *one = strtok_r(text, "|", &save); one != NULL;
	     one = strtok_r(NULL, "|", &save)) {
		if (*one != '-' || add_option(grammar, one, false, choice) < 0)
			return -EINVAL;
	}
	return 0;
}

/* Cuts the next piece off *line: up to a blank outside brackets, and for an option with a value the value
 * too. */
static char *cut_piece(char **line)
{
	char *start = *line + strspn(*line, " ");
	char *p = start;
	int depth = 0;

	for (; *p != '\0' && (depth > 0 || *p != ' '); p++)
		depth += *p == '[' ? 1 : *p == ']' ? -1 : 0;
	if (*start == '-' && *p == ' ' && is_upper(p[1]))
		p += 1 + strcspn(p + 1, " ");
	*line = *p == '\0' ? p : p + 1;
	*p = '\0';
	return *start == '\0' ? NULL : start;
}

int grammar_parse(struct grammar *ret, const char *usage)
{
	struct grammar grammar = {0};
	char text[GRAMMAR_LINE_MAX];
	char *line = text;
	char *piece;
	int choice = 0;
	int r = 0;

	if (strlen(usage) >= sizeof(text))
		return -EINVAL;
	(void)snprintf(text, sizeof(text), "%s", usage);
	while (r == 0 && (piece = cut_piece(&line)) != NULL) {
		size_t len = strlen(piece);

		if (*piece == '[' && piece[len - 1] == ']') {
			piece[len - 1] = '\0';
			r = add_optional(&grammar, piece + 1, ++choice);
		} else if (*piece == '-') {
			r = add_option(&grammar, piece, true, 0);
		} else if (is_upper(*piece)) {
			r = add_argument(&grammar, piece, true);
		} else if (is_lower(*piece)) {
			struct part *part = add_part(&grammar, PART_WORD, true);

			r = part == NULL ? -EINVAL : copy_name(part->name, piece, len);
		} else {
			r = -EINVAL;
		}
	}
	if (r < 0)
		return r;
	*ret = grammar;
	return 0;
}

const struct part *grammar_option(const struct grammar *grammar, const char *name)
{
	for (size_t i = 0; i < grammar->count; i++) {
		const struct part *part = &grammar->part[i];

		if (part->kind == PART_OPTION && strcmp(part->name, name) == 0)
			return part;
	}
	return NULL;
}
