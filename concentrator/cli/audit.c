/* audit.c - who did what, when and why. */
#include "concentrator/cli/handlers.h"

#include <inttypes.h>
#include <stdlib.h>

#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"

#define AUDIT_MAX 10000

static const struct table_column columns[] = {
	{.title = "ID", .right = true, .drop = 1},
	{.title = "TIME"},
	{.title = "WHO", .least = 6},
	{.title = "VERB"},
	{.title = "WHAT", .drop = 2, .least = 20},
	{.title = "WHY", .least = 10},
};

static void put(struct table *table, const json_t *row)
{
	char buf[FIGURE_SIZE];

	table_row(table);
	table_cell(table, TONE_DIM, "%" PRId64, field_count(row, "id"));
	table_cell(table, field_true(row, "trusted") ? TONE_PLAIN : TONE_WARN, "%s%s",
		   figure_field_time(row, "at_s", buf), field_true(row, "trusted") ? "" : "?");
	table_cell(table, TONE_BOLD, "%s", field_text(row, "who"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "verb"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "what"));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "why"));
}

static const struct listing audits = {
	.verb = "audit.list",
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.put = put,
	.name = "id",
	.one = "act",
	.many = "acts",
};

int run_audit_list(struct call *call)
{
	const char *count = call_get(call, "-n");
	json_t *args = json_pack("{s:s*,s:s*}", "who", call_get(call, "--who"), "verb",
				 call_get(call, "--verb"));

	if (count != NULL) {
		char *end;
		long n = strtol(count, &end, 10);

		if (end == count || *end != '\0' || n < 1 || n > AUDIT_MAX) {
			json_decref(args);
			return session_problem(call->session, PROBLEM_USAGE, NULL,
					       "-n is 1 to %d, not %s", AUDIT_MAX, count);
		}
		(void)json_object_set_new(args, "n", json_integer(n));
	}
	return listing_run(call->session, &audits, args);
}
