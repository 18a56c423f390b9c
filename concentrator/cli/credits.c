#include "concentrator/cli/credits.h"

#include <string.h>

#include "concentrator/cli/figure.h"

static void show_line(const struct screen *out, const json_t *row, const char *type,
		      unsigned digits)
{
	const char *state = field_text(row, "state");
	char left[FIGURE_SIZE], used[FIGURE_SIZE], limit[FIGURE_SIZE];

	(void)figure_exact(row, "left_nano", digits, left);
	(void)figure_exact(row, "used_nano", digits, used);
	(void)figure_exact(row, "limit_nano", digits, limit);
	if (strcmp(type, "emergency") != 0)
		screen_fact(out, type, TONE_PLAIN, "%s used of %s", used, limit);
	else if (strcmp(state, "offered") == 0)
		screen_fact(out, type, TONE_WARN, "%s is offered", limit);
	else if (strcmp(state, "active") == 0)
		screen_fact(out, type, TONE_WARN, "active, %s used of %s", used, limit);
	else if (strcmp(state, "spent") == 0)
		screen_fact(out, type, TONE_BAD, "spent; %s must be repaid", used);
}

void credits_show(const struct screen *out, const json_t *data, unsigned digits)
{
	const json_t *row;
	char left[FIGURE_SIZE], until[FIGURE_SIZE];
	int64_t nano;
	size_t i;

	json_array_foreach(field_rows(data, "credits"), i, row)
	{
		const char *type = field_text(row, "type");

		if (field_nano(row, "limit_nano", &nano) && nano != 0)
			show_line(out, row, type, digits);
		else if (field_nano(row, "left_nano", &nano) && nano != 0 &&
			 field_count(row, "until_s") > 0)
			screen_fact(out, type, TONE_PLAIN, "%s left, until %s",
				    figure_exact(row, "left_nano", digits, left),
				    figure_field_time(row, "until_s", until));
		else if (field_nano(row, "left_nano", &nano) && nano != 0)
			screen_fact(out, type, TONE_PLAIN, "%s left",
				    figure_exact(row, "left_nano", digits, left));
	}
}
