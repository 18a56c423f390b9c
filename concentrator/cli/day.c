#include "concentrator/cli/day.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int day_parse(const char *text, int64_t *ret_s)
{
	struct tm tm = {.tm_isdst = -1};
	struct tm back;
	char separator = ' ';
	int length = 0, parts;
	time_t at;

	parts = sscanf(text, "%4d-%2d-%2d%n%c%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		       &length, &separator, &tm.tm_hour, &tm.tm_min, &length);
	if ((parts != 3 && parts != 6) || text[length] != '\0' ||
	    (separator != ' ' && separator != 'T') || tm.tm_year < 1970)
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	back = tm;
	at = mktime(&back);
	/* mktime() moves the 31st of June to July. */
	if (at == (time_t)-1 || back.tm_mday != tm.tm_mday || back.tm_mon != tm.tm_mon)
		return -EINVAL;
	*ret_s = at;
	return 0;
}

int day_option(struct call *call, const char *option, json_t *args, const char *name)
{
	const char *text = call_get(call, option);
	int64_t at_s;

	if (text == NULL)
		return 0;
	if (day_parse(text, &at_s) < 0)
		return session_problem(
			call->session, PROBLEM_USAGE, NULL,
			"%s %s: not a date such as 2026-11-01 or \"2026-11-01 08:30\"", option,
			text);
	(void)json_object_set_new(args, name, json_integer(at_s));
	return 0;
}
