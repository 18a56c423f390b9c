/* listing.c - see listing.h. */
#include "concentrator/cli/listing.h"

#include <inttypes.h>
#include <string.h>

#include "concentrator/cli/figure.h"

static void put_names(struct session *session, const char *name, const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		int64_t number;

		if (field_int(row, name, &number))
			screen_say(&session->out, TONE_PLAIN, "%" PRId64, number);
		else
			screen_put(&session->out, TONE_PLAIN, field_text(row, name));
		screen_end_line(&session->out);
	}
}

int listing_show(struct session *session, const struct listing *listing, const json_t *rows)
{
	struct table *table = NULL;
	char remark[200] = "";
	const json_t *row;
	size_t count = json_array_size(rows);
	size_t i;
	int r = table_open(&table, listing->columns, listing->count);

	if (r < 0)
		return session_no_memory(session);
	json_array_foreach(rows, i, row) listing->put(table, row);
	r = table_print(table, &session->out);
	table_close(table);
	if (r < 0)
		return session_no_memory(session);
	if (listing->remark != NULL)
		listing->remark(rows, remark, sizeof(remark));
	if (count == 0)
		screen_say(&session->out, TONE_DIM, "no %s", listing->many);
	else
		screen_say(&session->out, TONE_DIM, "%zu %s%s", count,
			   count == 1 ? listing->one : listing->many, remark);
	screen_end_line(&session->out);
	return 0;
}

int listing_run(struct session *session, const struct listing *listing, json_t *args)
{
	json_t *data = NULL;
	int exit_code = session_ask(session, listing->verb, args, &data);

	if (exit_code != 0)
		return exit_code;
	if (session->manners.json)
		exit_code = session_json(session, data);
	else if (session->manners.quiet)
		put_names(session, listing->name, field_rows(data, "rows"));
	else
		exit_code = listing_show(session, listing, field_rows(data, "rows"));
	json_decref(data);
	return exit_code;
}

size_t listing_matches(const json_t *rows, const char *field, const char *text)
{
	const json_t *row;
	size_t count = 0;
	size_t i;

	json_array_foreach(rows, i, row) count += strcmp(field_text(row, field), text) == 0;
	return count;
}
