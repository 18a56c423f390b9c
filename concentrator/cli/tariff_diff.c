/* tariff_diff.c - what a tariff file says otherwise than the tariff in force.
 *
 * Compared key by key as the files are written, whatever their order, comments and blanks: what nobody
 * wrote otherwise is not a difference. prepayd has checked both texts, so they are read plainly here.
 */
#include "concentrator/cli/handlers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"
#include "concentrator/cli/tariff.h"

static const struct table_column diff_columns[] = {
	{.title = "SECTION"},
	{.title = "KEY"},
	{.title = "NOW", .least = 16},
	{.title = "NEW", .least = 16},
};

static void put_difference(struct table *table, const json_t *row)
{
	table_row(table);
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "section"));
	table_cell(table, TONE_BOLD, "%s", field_text(row, "key"));
	table_cell(table, TONE_DIM, "%s",
		   json_is_null(json_object_get(row, "now")) ? FIGURE_UNKNOWN
							     : field_text(row, "now"));
	table_cell(table, TONE_WARN, "%s",
		   json_is_null(json_object_get(row, "new")) ? FIGURE_UNKNOWN
							     : field_text(row, "new"));
}

static const struct listing differences = {
	.columns = diff_columns,
	.count = sizeof(diff_columns) / sizeof(diff_columns[0]),
	.put = put_difference,
	.name = "key",
	.one = "difference",
	.many = "differences",
};

/* Lists may be written with blanks or commas: one blank stands for any of them. */
static void tidy(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; from++) {
		bool gap = isspace((unsigned char)*from) || *from == ',';

		if (!gap)
			*to++ = *from;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	}
	while (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
}

static void cut_comment(char *line)
{
	for (char *at = line; *at != '\0'; at++)
		if ((*at == '#' || *at == ';') && (at == line || isspace((unsigned char)at[-1]))) {
			*at = '\0';
			return;
		}
}

/* {section: {key: value}} of a text that is known to be good; text is cut up. NULL: no memory. */
static json_t *keys_of(char *text)
{
	json_t *sections = json_object(), *section = NULL;
	char *rest = NULL;

	for (char *line = strtok_r(text, "\r\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\r\n", &rest)) {
		cut_comment(line);
		tidy(line);
		char *end = strrchr(line, ']');
		char *equals = strchr(line, '=');
		if (line[0] == '[' && end != NULL) {
			*end = '\0';
			section = json_object();
			if (json_object_set_new(sections, line + 1, section) < 0)
				return json_decref(sections), NULL;
		} else if (equals != NULL && section != NULL) {
			*equals = '\0';
			tidy(line);
			tidy(equals + 1);
			const char *value = equals[1] == ' ' ? equals + 2 : equals + 1;
			if (json_object_set_new(section, line, json_string(value)) < 0)
				return json_decref(sections), NULL;
		}
	}
	return sections;
}

json_t *tariff_keys(const char *text)
{
	char *copy = strdup(text);
	json_t *keys = copy != NULL ? keys_of(copy) : NULL;

	free(copy);
	return keys;
}

/* Rows for the keys of one that the other has not, or has with another value. */
static void compare(json_t *rows, json_t *now, json_t *new, bool swapped)
{
	const char *section, *key;
	json_t *keys, *value;

	json_object_foreach(new, section, keys)
	{
		json_t *others = json_object_get(now, section);

		json_object_foreach(keys, key, value)
		{
			json_t *other = json_object_get(others, key);

			/* The second time only what is not on the other side at all. */
			if (swapped ? other != NULL : other != NULL && json_equal(value, other))
				continue;
			(void)json_array_append_new(
				rows, json_pack("{s:s,s:s,s:O?,s:O?}", "section", section, "key",
						key, swapped ? "new" : "now", other,
						swapped ? "now" : "new", value));
		}
	}
}

/* The text of the tariff in force; NULL: none is. */
static const char *text_in_force(const json_t *data)
{
	const json_t *row;
	size_t i;

	json_array_foreach(field_rows(data, "rows"), i,
			   row) if (strcmp(field_text(row, "state"), "current") ==
				    0) return field_text(row, "text");
	return NULL;
}

static int show(struct session *session, const char *now_text, const char *new_text)
{
	json_t *now = tariff_keys(now_text), *new = tariff_keys(new_text);
	json_t *rows = json_array();
	int exit_code;

	if (now == NULL || new == NULL || rows == NULL) {
		exit_code = session_no_memory(session);
	} else {
		compare(rows, now, new, false);
		compare(rows, new, now, true);
		if (session->manners.json) {
			json_t *data = json_pack("{s:O}", "rows", rows);

			exit_code = session_json(session, data);
			json_decref(data);
		} else {
			exit_code = listing_show(session, &differences, rows);
		}
	}
	json_decref(now);
	json_decref(new);
	json_decref(rows);
	return exit_code;
}

int run_tariff_diff(struct call *call)
{
	struct session *session = call->session;
	json_t *checked = NULL, *shown = NULL;
	const char *now;
	int exit_code = tariff_ask(call, "tariff.check", json_object(), &checked);

	if (exit_code == 0)
		exit_code = session_ask(session, "tariff.show", NULL, &shown);
	if (exit_code == 0) {
		now = text_in_force(shown);
		exit_code = now == NULL ? session_problem(session, PROBLEM_NOT_FOUND, NULL,
							  "no tariff is in force to compare with")
					: show(session, now, field_text(checked, "text"));
	}
	json_decref(checked);
	json_decref(shown);
	return exit_code;
}
