/* device.c - see device.h. */
#include "concentrator/cli/device.h"

#include <inttypes.h>
#include <string.h>

#include "concentrator/cli/figure.h"
#include "concentrator/cli/listing.h"

#define QUALITY_GOOD_PPM 999000
#define QUALITY_BAD_PPM  900000

enum tone device_tone(const char *state)
{
	if (strcmp(state, "ok") == 0 || strcmp(state, "alive") == 0)
		return TONE_GOOD;
	if (strcmp(state, "unknown") == 0)
		return TONE_DIM;
	return strcmp(state, "silent") == 0 ? TONE_WARN : TONE_BAD;
}

static enum tone quality_tone(int64_t ppm)
{
	if (ppm >= QUALITY_GOOD_PPM)
		return TONE_PLAIN;
	return ppm >= QUALITY_BAD_PPM ? TONE_WARN : TONE_BAD;
}

/* "99.8 %": rounded down, so that 100 means all. */
static const char *quality(int64_t ppm, char buf[static FIGURE_SIZE])
{
	(void)snprintf(buf, FIGURE_SIZE, "%" PRId64 ".%" PRId64 " %%", ppm / 10000,
		       ppm / 1000 % 10);
	return buf;
}

static void put_ms(struct table *table, const json_t *hour, const char *name)
{
	char buf[FIGURE_SIZE];
	int64_t value;

	if (field_int(hour, name, &value))
		table_cell(table, TONE_PLAIN, "%s ms", figure_milli(value, buf));
	else
		table_cell(table, TONE_DIM, "%s", FIGURE_UNKNOWN);
}

void device_put_hour(struct table *table, const json_t *row)
{
	static const char *const errors[] = {"timeouts", "crc_errors", "garbled", "exceptions"};
	const json_t *hour = field_object(row, "hour");
	char buf[FIGURE_SIZE];
	int64_t value;

	if (field_int(hour, "quality_ppm", &value))
		table_cell(table, quality_tone(value), "%s", quality(value, buf));
	else
		table_cell(table, TONE_DIM, "%s", FIGURE_UNKNOWN);
	put_ms(table, hour, "p50_us");
	put_ms(table, hour, "p99_us");
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		table_cell(table, TONE_PLAIN, "%" PRId64, field_count(hour, errors[i]));
}

static void show_counts(const struct screen *out, const char *title, const json_t *counts)
{
	screen_fact(out, title, TONE_PLAIN,
		    "%" PRId64 " polls, %" PRId64 " time-outs, %" PRId64 " CRC errors, %" PRId64
		    " garbled, %" PRId64 " exceptions",
		    field_count(counts, "polls"), field_count(counts, "timeouts"),
		    field_count(counts, "crc_errors"), field_count(counts, "garbled"),
		    field_count(counts, "exceptions"));
}

void device_show_figures(const struct screen *out, const json_t *row)
{
	const json_t *hour = field_object(row, "hour");
	char buf[FIGURE_SIZE];
	char p50[FIGURE_SIZE];
	char p99[FIGURE_SIZE];
	int64_t value;
	int64_t slow;

	if (field_int(hour, "quality_ppm", &value))
		screen_fact(out, "quality", quality_tone(value),
			    "%s of the polls of the last hour answered", quality(value, buf));
	else
		screen_fact(out, "quality", TONE_DIM, "not asked in the last hour");
	if (field_int(hour, "p50_us", &value) && field_int(hour, "p99_us", &slow))
		screen_fact(out, "turnaround", TONE_PLAIN, "%s ms, 1 of 100 slower than %s ms",
			    figure_milli(value, p50), figure_milli(slow, p99));
	show_counts(out, "last hour", hour);
	show_counts(out, "since start", row);
}

/* The first is left out for the devices of one line. */
static const struct table_column columns[] = {
	{.title = "LINE"},
	{.title = "ADDRESS", .right = true},
	{.title = "STATE"},
	{.title = "MODEL", .least = 12},
	{.title = "ROOMS", .least = 8},
	{.title = "AGE", .right = true},
	{.title = "POLLS", .right = true, .drop = 5},
	{.title = "QUALITY", .right = true},
	{.title = "P50", .right = true, .drop = 4},
	{.title = "P99", .right = true, .drop = 1},
	{.title = "TIMEOUTS", .right = true},
	{.title = "CRC", .right = true},
	{.title = "GARBLED", .right = true, .drop = 2},
	{.title = "EXCEPTIONS", .right = true, .drop = 3},
};

static void put_device(struct table *table, const json_t *row)
{
	const char *state = field_text(row, "state");
	char rooms[256] = "";
	char buf[FIGURE_SIZE];
	size_t len = 0;
	const json_t *room;
	int64_t value;
	size_t i;

	json_array_foreach(field_rows(row, "rooms"), i, room)
	{
		const char *name = json_string_value(room);

		if (name != NULL && len < sizeof(rooms))
			len += (size_t)snprintf(rooms + len, sizeof(rooms) - len, "%s%s",
						i > 0 ? " " : "", name);
	}
	table_cell(table, TONE_BOLD, "%" PRId64, field_count(row, "address"));
	table_cell(table, device_tone(state), "%s", state);
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "model"));
	table_cell(table, TONE_PLAIN, "%s", rooms);
	if (field_int(row, "age_s", &value))
		table_cell(table, TONE_PLAIN, "%s%s", figure_age(value, buf),
			   strcmp(state, "alive") == 0 ? "" : " ago");
	else
		table_cell(table, TONE_WARN, "never");
	table_cell(table, TONE_PLAIN, "%" PRId64, field_count(field_object(row, "hour"), "polls"));
	device_put_hour(table, row);
}

static void put_row(struct table *table, const json_t *row)
{
	table_row(table);
	put_device(table, row);
}

static void put_row_with_line(struct table *table, const json_t *row)
{
	table_row(table);
	table_cell(table, TONE_BOLD, "%s", field_text(row, "line"));
	put_device(table, row);
}

static void remark(const json_t *rows, char *buf, size_t size)
{
	size_t unknown = listing_matches(rows, "state", "unknown");
	size_t silent = json_array_size(rows) - listing_matches(rows, "state", "alive") - unknown;
	size_t len = 0;

	if (silent > 0)
		len = (size_t)snprintf(buf, size, ", %zu silent or dead", silent);
	if (unknown > 0)
		len += (size_t)snprintf(buf + len, size - len, ", %zu not asked", unknown);
	(void)snprintf(buf + len, size - len, "; figures of the last hour");
}

int device_show_rows(struct session *session, const json_t *rows, bool with_line)
{
	const struct listing devices = {
		.columns = columns + (with_line ? 0 : 1),
		.count = sizeof(columns) / sizeof(columns[0]) - (with_line ? 0 : 1),
		.put = with_line ? put_row_with_line : put_row,
		.name = "address",
		.one = "device",
		.many = "devices",
		.remark = remark,
	};

	return listing_show(session, &devices, rows);
}
