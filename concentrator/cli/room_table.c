/* room_table.c - see room_table.h. */
#include "concentrator/cli/room_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/figure.h"

/* Beyond this an answer of the daemon is no longer what is the case. */
#define ANSWER_OLD_S 10

static const struct table_column room_columns[] = {
	{.title = "ROOM"},
	{.title = "BALANCE", .right = true},
	{.title = "CREDIT", .drop = 4},
	{.title = "SUPPLY"},
	{.title = "POWER", .right = true},
	{.title = "VOLT", .right = true, .drop = 2},
	{.title = "AGE", .right = true},
	{.title = "LEFT", .right = true, .drop = 3},
	{.title = "STATE", .least = 26},
	{.title = "CIRCUITS", .least = 24, .drop = 5},
};

const char *room_order_name(enum room_order order)
{
	static const char *const names[] = {
		[ROOM_BY_NAME] = "room",
		[ROOM_BY_BALANCE] = "balance",
		[ROOM_BY_POWER] = "power",
		[ROOM_BY_AGE] = "age",
	};

	return order < ROOM_ORDERS ? names[order] : "";
}

const char *room_supply_word(const char *service_status)
{
	static const struct {
		const char *status;
		const char *word;
	} words[] = {
		{"Connected", "on"},          {"Disconnected", "off"},
		{"ArmedForConnect", "armed"}, {"ArmedForDisconnect", "going off"},
		{"NoContactor", "no relay"},  {"LoadLimited", "limited"},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].status, service_status) == 0)
			return words[i].word;
	}
	return *service_status != '\0' ? service_status : FIGURE_UNKNOWN;
}

const char *room_position_word(const json_t *supply)
{
	const char *position = field_text(supply, "position");
	bool closed = strcmp(position, "closed") == 0;
	int64_t age_s;

	if (field_object(supply, "relay") == NULL)
		return "no relay";
	if (!closed && strcmp(position, "open") != 0)
		return "unknown";
	if (!field_int(supply, "position_age_s", &age_s))
		return closed ? "on?" : "off?";
	return closed ? "on" : "off";
}

enum tone room_supply_tone(const char *service_status)
{
	if (strcmp(service_status, "Disconnected") == 0)
		return TONE_BAD;
	if (strncmp(service_status, "Armed", 5) == 0 || strcmp(service_status, "LoadLimited") == 0)
		return TONE_WARN;
	return strcmp(service_status, "Connected") == 0 ? TONE_GOOD : TONE_PLAIN;
}

enum tone room_credit_tone(const char *credit_status)
{
	if (strcmp(credit_status, "Exhausted") == 0 || strcmp(credit_status, "Negative") == 0)
		return TONE_BAD;
	return strcmp(credit_status, "Low") == 0 ? TONE_WARN : TONE_PLAIN;
}

/* Numbers inside names count as numbers: room 9 comes before room 10. */
static int compare_names(const json_t *a, const json_t *b)
{
	return strverscmp(field_text(a, "room"), field_text(b, "room"));
}

/* Where a is unknown it comes last. */
static int compare_known(bool has_a, int64_t a, bool has_b, int64_t b)
{
	if (!has_a || !has_b)
		return (int)has_b - (int)has_a;
	return a < b ? -1 : a > b;
}

static int compare_rooms(const void *left, const void *right, void *context)
{
	const json_t *a = *(const json_t *const *)left;
	const json_t *b = *(const json_t *const *)right;
	const enum room_order *order = context;
	int64_t x = 0;
	int64_t y = 0;
	bool has_x;
	bool has_y;
	int r = 0;

	switch (*order) {
	case ROOM_BY_BALANCE:
		has_x = field_nano(a, "balance_nano", &x);
		has_y = field_nano(b, "balance_nano", &y);
		r = compare_known(has_x, x, has_y, y);
		break;
	case ROOM_BY_POWER:
		has_x = field_int(a, "power_w", &x);
		has_y = field_int(b, "power_w", &y);
		r = has_x && has_y ? compare_known(true, y, true, x)
				   : compare_known(has_x, x, has_y, y);
		break;
	case ROOM_BY_AGE:
		has_x = field_int(a, "age_s", &x);
		has_y = field_int(b, "age_s", &y);
		/* The oldest first, and never read is older than any. */
		r = has_x && has_y ? compare_known(true, y, true, x) : (int)has_x - (int)has_y;
		break;
	case ROOM_BY_NAME:
	case ROOM_ORDERS:
		break;
	}
	return r != 0 ? r : compare_names(a, b);
}

/* "sockets on, ac off" */
static void say_circuits(const json_t *room, char *buf, size_t size)
{
	const json_t *supply;
	size_t len = 0;
	size_t i;

	buf[0] = '\0';
	json_array_foreach(field_rows(room, "supplies"), i, supply)
	{
		int n = snprintf(buf + len, size - len, "%s%s %s", i > 0 ? ", " : "",
				 field_text(supply, "circuit"), room_position_word(supply));

		if (n < 0 || (size_t)n >= size - len)
			return;
		len += (size_t)n;
	}
}

static bool room_matches(const json_t *room, const char *filter)
{
	char circuits[256];

	if (filter == NULL || *filter == '\0')
		return true;
	say_circuits(room, circuits, sizeof(circuits));
	return strcasestr(field_text(room, "room"), filter) != NULL ||
	       strcasestr(field_text(room, "state"), filter) != NULL ||
	       strcasestr(room_supply_word(field_text(room, "service_status")), filter) != NULL ||
	       strcasestr(field_text(room, "credit_status"), filter) != NULL ||
	       strcasestr(circuits, filter) != NULL;
}

/* The voltage of the first circuit that knows one. */
static const char *say_voltage(const json_t *room, char buf[static FIGURE_SIZE])
{
	const json_t *supply;
	int64_t mv;
	size_t i;

	json_array_foreach(field_rows(room, "supplies"), i, supply)
	{
		if (field_int(supply, "voltage_mv", &mv))
			return figure_milli(mv, buf);
	}
	return FIGURE_UNKNOWN;
}

static void put_room(struct table *table, const json_t *room, int64_t aged_s, bool stale)
{
	const char *service = field_text(room, "service_status");
	const char *credit = field_text(room, "credit_status");
	enum tone reading = stale ? TONE_DIM : TONE_PLAIN;
	char buf[FIGURE_SIZE];
	char circuits[256];
	int64_t value;

	table_row(table);
	table_cell(table, TONE_BOLD, "%s", field_text(room, "room"));
	table_cell(table, room_credit_tone(credit), "%s", figure_money(room, "balance", buf));
	table_cell(table, room_credit_tone(credit), "%s", credit);
	table_cell(table, room_supply_tone(service), "%s", room_supply_word(service));
	if (field_int(room, "power_w", &value))
		table_cell(table, reading, "%" PRId64 " W", value);
	else
		table_cell(table, TONE_DIM, "%s", FIGURE_UNKNOWN);
	table_cell(table, reading, "%s", say_voltage(room, buf));
	if (field_int(room, "age_s", &value))
		table_cell(table, stale ? TONE_WARN : TONE_DIM, "%s%s",
			   figure_age(value + aged_s, buf), stale ? " ago" : "");
	else
		table_cell(table, TONE_WARN, "never");
	if (field_int(room, "days_left", &value))
		table_cell(table, value < 2 ? TONE_WARN : TONE_PLAIN, "%" PRId64 "d", value);
	else
		table_cell(table, TONE_DIM, "%s", FIGURE_UNKNOWN);
	table_cell(table, TONE_PLAIN, "%s", field_text(room, "state"));
	say_circuits(room, circuits, sizeof(circuits));
	table_cell(table, TONE_DIM, "%s", circuits);
}

static void count_room(struct room_count *count, const json_t *room, bool stale)
{
	const char *service = field_text(room, "service_status");

	count->rooms++;
	count->off += strcmp(service, "Disconnected") == 0;
	count->armed += strcmp(service, "ArmedForConnect") == 0;
	count->stale += stale;
	count->low += strcmp(field_text(room, "credit_status"), "OK") != 0;
}

int room_table_open(struct table **ret, const json_t *rows, enum room_order order,
		    const char *filter, int64_t aged_s, struct room_count *ret_count)
{
	size_t count = json_array_size(rows);
	const json_t **sorted = calloc(count + 1, sizeof(*sorted));
	struct room_count counted = {0};
	struct table *table = NULL;
	int r = -ENOMEM;

	if (sorted != NULL)
		r = table_open(&table, room_columns,
			       sizeof(room_columns) / sizeof(room_columns[0]));
	if (r < 0) {
		free(sorted);
		return r;
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = json_array_get(rows, i);
	qsort_r(sorted, count, sizeof(*sorted), compare_rooms, &order);
	for (size_t i = 0; i < count; i++) {
		bool stale = field_true(sorted[i], "stale") || aged_s > ANSWER_OLD_S;

		if (!room_matches(sorted[i], filter))
			continue;
		count_room(&counted, sorted[i], stale);
		put_room(table, sorted[i], aged_s, stale);
	}
	free(sorted);
	*ret = table;
	*ret_count = counted;
	return 0;
}

void room_count_say(const struct room_count *count, char *buf, size_t size)
{
	const struct {
		size_t count;
		const char *what;
	} parts[] = {
		{count->off, "off"},
		{count->armed, "armed"},
		{count->low, "low"},
		{count->stale, "stale"},
	};
	size_t len = (size_t)snprintf(buf, size, "%zu room%s", count->rooms,
				      count->rooms == 1 ? "" : "s");

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && len < size; i++) {
		if (parts[i].count > 0)
			len += (size_t)snprintf(buf + len, size - len, ", %zu %s", parts[i].count,
						parts[i].what);
	}
}
