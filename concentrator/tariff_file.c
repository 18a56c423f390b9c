#include "concentrator/tariff_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "concentrator/platform/settings.h"

/* The instant whose local date and time is written, or false when there is none (skipped by a change of
 * the clocks) or it is no date. Of two (the repeated hour) the earlier. */
static bool local_instant(const char *text, const struct offset_table *zone, int64_t *ret_s)
{
	int year, month, day, hour, minute, end = 0;
	if (sscanf(text, "%4d-%2d-%2d %2d:%2d%n", &year, &month, &day, &hour, &minute, &end) != 5 ||
	    text[end] != '\0' || strlen(text) != strlen("2026-09-01 00:00"))
		return false;
	if (year < 2000 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 ||
	    hour > 23 || minute < 0 || minute > 59)
		return false;

	int64_t as_utc = calendar_day_number(year, month, day) * CALENDAR_DAY_S + hour * 3600 +
			 minute * 60;
	int32_t before = calendar_offset_s(zone, as_utc - CALENDAR_DAY_S);
	int32_t after = calendar_offset_s(zone, as_utc + CALENDAR_DAY_S);
	int64_t first = as_utc - (before > after ? before : after);
	int64_t second = as_utc - (before > after ? after : before);
	const int64_t candidates[] = {first, second};
	for (size_t i = 0; i < 2; i++) {
		struct civil local = calendar_local(zone, candidates[i]);
		if (local.year == year && local.month == month && local.day == day &&
		    local.hour == hour && local.minute == minute) {
			*ret_s = candidates[i];
			return true;
		}
	}
	return false;
}

/* What is missing as a whole is missing at the end. */
static int last_line(const char *text, size_t size)
{
	int line = 1;
	for (size_t i = 0; i + 1 < size; i++)
		line += text[i] == '\n';
	return line;
}

static json_t *error_rows(const struct settings *settings, int end)
{
	json_t *rows = json_array();
	for (size_t i = 0; rows != NULL && i < settings_error_count(settings); i++) {
		struct settings_error error = settings_error(settings, i);
		json_array_append_new(rows, json_pack("{s:i,s:s}", "line",
						      error.line > 0 ? error.line : end, "message",
						      error.message));
	}
	return rows;
}

int tariff_file_parse(const char *text, size_t size, const struct offset_table *zone,
		      struct tariff *ret, bool *ret_from_receipt, json_t **ret_errors)
{
	if (size > TARIFF_FILE_MAX)
		return -EMSGSIZE;

	struct settings *settings;
	int r = settings_new(&settings);
	if (r < 0)
		return r;
	r = settings_read_text(settings, "tariff", text, size);
	if (r < 0)
		goto finish;

	struct settings_section *head = settings_find(settings, "tariff", NULL);
	struct settings_section *energy = settings_find(settings, "energy", NULL);
	struct tariff tariff = {0};
	bool from_receipt = false;
	if (head == NULL)
		settings_fault_file(settings, "tariff",
				    "no section [tariff]; name and activation belong there");
	if (energy == NULL)
		settings_fault_file(settings, "tariff",
				    "no section [energy]; the price belongs there");
	if (head != NULL) {
		settings_require(head, "name");
		settings_require(head, "activation");
		const char *name = settings_string(head, "name", 1, LEDGER_TARIFF_NAME_MAX, NULL);
		if (name != NULL)
			snprintf(tariff.name, sizeof(tariff.name), "%s", name);
		const char *activation = settings_string(head, "activation", 1, 32, NULL);
		if (activation != NULL && strcmp(activation, "receipt") == 0)
			from_receipt = true;
		else if (activation != NULL &&
			 !local_instant(activation, zone, &tariff.activation_s))
			settings_fault(
				head, "activation",
				"%s is no local date and time; write 2026-09-01 00:00, or receipt",
				activation);
	}
	if (energy != NULL) {
		settings_require(energy, "price");
		tariff.price_micro_per_kwh = settings_fixed(energy, "price", 6, 0, TARIFF_PRICE_MAX,
							    0);
	}
	settings_unknown(settings);

	if (settings_error_count(settings) > 0) {
		*ret_errors = error_rows(settings, last_line(text, size));
		r = *ret_errors == NULL ? -ENOMEM : -EINVAL;
		goto finish;
	}
	*ret = tariff;
	*ret_from_receipt = from_receipt;
finish:
	settings_free(settings);
	return r;
}
