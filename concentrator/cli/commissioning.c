/* commissioning.c - see commissioning.h. */
#include "concentrator/cli/commissioning.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/cli/csv.h"

#define ROWS_MAX     4096
#define VALUE_MAX    128
#define MESSAGE_SIZE 400

struct column {
	const char *name;
	bool required;
	int64_t min; /* a number between min and max where max is not 0 */
	int64_t max;
	const char *choice[3]; /* one of these where the first is set */
};

static const struct column columns[] = {
	{.name = "room", .required = true},
	{.name = "circuit", .required = true},
	{.name = "line"},
	{.name = "address", .min = 1, .max = 247},
	{.name = "model"},
	{.name = "channel", .min = 1, .max = 64},
	{.name = "relay"},
	{.name = "contact", .choice = {"no", "nc"}},
	{.name = "cut_order", .min = 1, .max = 9},
	{.name = "may_cut", .choice = {"yes", "no"}},
	{.name = "breaker_a", .min = 1, .max = 1000},
	{.name = "tenancy"},
	{.name = "persons", .max = 99},
	{.name = "opening_minor", .min = -INT64_C(1000000000000), .max = INT64_C(1000000000000)},
	{.name = "experimental", .choice = {"yes", "no"}},
};

#define COLUMNS_COUNT (sizeof(columns) / sizeof(columns[0]))

/* One file being read. */
struct reader {
	struct commissioning *into;
	size_t meaning[CSV_FIELDS_MAX]; /* of each field: index into columns */
	size_t fields;
	size_t room; /* rows that fit into `into` */
	bool failed; /* out of memory */
};

/* Column numbers count from 1, as in the file; 0: the whole line. */
__attribute__((format(printf, 5, 6))) static void fault(struct reader *reader, size_t line,
							size_t number, const char *column,
							const char *format, ...)
{
	char message[MESSAGE_SIZE];
	va_list arguments;
	json_t *row;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	row = json_pack("{s:i,s:s*,s:i,s:s}", "line", (int)line, "column", column, "column_number",
			(int)number, "message", message);
	/* A message cut inside a character, or with bytes that are not UTF-8, is not packed. */
	if (row == NULL)
		row = json_pack("{s:i,s:s*,s:i,s:s}", "line", (int)line, "column", column,
				"column_number", (int)number, "message",
				"bytes that are not UTF-8");
	if (row == NULL || json_array_append_new(reader->into->errors, row) < 0)
		reader->failed = true;
}

static size_t column_by_name(const char *name)
{
	size_t k = 0;

	while (k < COLUMNS_COUNT && strcmp(columns[k].name, name) != 0)
		k++;
	return k;
}

static void say_columns(char *buf, size_t size)
{
	size_t len = 0;

	for (size_t k = 0; k < COLUMNS_COUNT && len < size; k++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", k > 0 ? ", " : "",
					columns[k].name);
}

/* False when the rows cannot be understood under this header. */
static bool read_header(struct reader *reader, const struct csv_record *record)
{
	struct commissioning *into = reader->into;
	char known[256];
	bool good = true;

	say_columns(known, sizeof(known));
	reader->fields = record->count;
	for (size_t i = 0; i < record->count; i++) {
		size_t k = column_by_name(record->field[i]);

		reader->meaning[i] = k;
		if (k == COLUMNS_COUNT) {
			fault(reader, record->line, i + 1, NULL,
			      "\"%.60s\" is no column; the header line names the columns: %s",
			      record->field[i], known);
			good = false;
		} else if (into->column[k] != 0) {
			fault(reader, record->line, i + 1, columns[k].name,
			      "this column is there already, as column %zu", into->column[k]);
			good = false;
		} else {
			into->column[k] = i + 1;
		}
	}
	for (size_t k = 0; k < COLUMNS_COUNT; k++) {
		if (columns[k].required && into->column[k] == 0) {
			fault(reader, record->line, 0, NULL, "the header line has no column \"%s\"",
			      columns[k].name);
			good = false;
		}
	}
	return good;
}

static bool is_number(const char *text, int64_t min, int64_t max)
{
	const char *digits = *text == '-' ? text + 1 : text;
	size_t len = strspn(digits, "0123456789");
	int64_t value;

	if (len == 0 || len > 15 || digits[len] != '\0')
		return false;
	value = strtoll(text, NULL, 10);
	return value >= min && value <= max;
}

/* "meter", or MODEL@ADDRESS/CHANNEL. */
static bool is_relay(const char *text)
{
	const char *at = strchr(text, '@');
	const char *slash = at != NULL ? strchr(at, '/') : NULL;
	char address[8];

	if (strcmp(text, "meter") == 0)
		return true;
	if (slash == NULL || at == text || (size_t)(slash - at) > sizeof(address))
		return false;
	memcpy(address, at + 1, (size_t)(slash - at - 1));
	address[slash - at - 1] = '\0';
	return is_number(address, 1, 247) && is_number(slash + 1, 1, 64);
}

static bool check_value(struct reader *reader, size_t line, size_t number,
			const struct column *column, const char *value)
{
	if (strlen(value) > VALUE_MAX)
		fault(reader, line, number, column->name, "longer than %d bytes", VALUE_MAX);
	else if (column->max != 0 && !is_number(value, column->min, column->max))
		fault(reader, line, number, column->name,
		      "\"%s\" is not a number from %" PRId64 " to %" PRId64, value, column->min,
		      column->max);
	else if (column->choice[0] != NULL && strcmp(value, column->choice[0]) != 0 &&
		 strcmp(value, column->choice[1]) != 0)
		fault(reader, line, number, column->name, "\"%s\" is not %s or %s", value,
		      column->choice[0], column->choice[1]);
	else if (strcmp(column->name, "relay") == 0 && !is_relay(value))
		fault(reader, line, number, column->name,
		      "\"%s\" is no relay: \"meter\" for the one in the meter, or "
		      "MODEL@ADDRESS/CHANNEL for a board's",
		      value);
	else
		return true;
	return false;
}

static const char *value_of(const json_t *row, const char *name, const char *fallback)
{
	const char *value = json_string_value(json_object_get(row, name));

	return value != NULL ? value : fallback;
}

static bool same(const json_t *a, const json_t *b, const char *name, const char *fallback)
{
	return strcmp(value_of(a, name, fallback), value_of(b, name, fallback)) == 0;
}

/* A row that says again, or otherwise, what an earlier one said. */
static bool check_against(struct reader *reader, size_t line, const json_t *row)
{
	struct commissioning *into = reader->into;
	const json_t *earlier;
	size_t i;

	json_array_foreach(into->rows, i, earlier)
	{
		if (same(row, earlier, "room", "") && same(row, earlier, "circuit", "")) {
			fault(reader, line, into->column[column_by_name("circuit")], "circuit",
			      "room %s has \"%s\" already, in line %zu", value_of(row, "room", ""),
			      value_of(row, "circuit", ""), into->line[i]);
			return false;
		}
		if (*value_of(row, "address", "") != '\0' && same(row, earlier, "line", "") &&
		    same(row, earlier, "address", "") && same(row, earlier, "channel", "1")) {
			fault(reader, line, into->column[column_by_name("address")], "address",
			      "line %s address %s channel %s is room %s already, in line %zu",
			      value_of(row, "line", ""), value_of(row, "address", ""),
			      value_of(row, "channel", "1"), value_of(earlier, "room", ""),
			      into->line[i]);
			return false;
		}
		if (strchr(value_of(row, "relay", ""), '@') != NULL &&
		    same(row, earlier, "line", "") && same(row, earlier, "relay", "")) {
			fault(reader, line, into->column[column_by_name("relay")], "relay",
			      "%s on line %s switches room %s already, in line %zu",
			      value_of(row, "relay", ""), value_of(row, "line", ""),
			      value_of(earlier, "room", ""), into->line[i]);
			return false;
		}
	}
	return true;
}

static void keep_row(struct reader *reader, size_t line, json_t *row)
{
	struct commissioning *into = reader->into;
	size_t count = json_array_size(into->rows);

	if (count == reader->room) {
		size_t room = reader->room == 0 ? 64 : reader->room * 2;
		size_t *grown = reallocarray(into->line, room, sizeof(*grown));

		if (grown == NULL) {
			reader->failed = true;
			return;
		}
		into->line = grown;
		reader->room = room;
	}
	into->line[count] = line;
	if (json_array_append(into->rows, row) < 0)
		reader->failed = true;
}

static bool read_fields(struct reader *reader, const struct csv_record *record, json_t *row)
{
	bool good = true;

	for (size_t i = 0; i < record->count; i++) {
		const struct column *column = &columns[reader->meaning[i]];
		const char *value = record->field[i];

		if (*value == '\0') {
			if (column->required)
				fault(reader, record->line, i + 1, column->name,
				      "is empty; every row needs one");
			good &= !column->required;
		} else if (!check_value(reader, record->line, i + 1, column, value)) {
			good = false;
		} else if (json_object_set_new(row, column->name, json_string(value)) < 0) {
			reader->failed = true;
		}
	}
	return good;
}

/* A spreadsheet leaves rows of nothing but commas below the last. */
static bool is_empty(const struct csv_record *record)
{
	for (size_t i = 0; i < record->count; i++) {
		if (*record->field[i] != '\0')
			return false;
	}
	return true;
}

static void read_row(struct reader *reader, const struct csv_record *record)
{
	json_t *row;

	if (is_empty(record))
		return;
	if (record->count != reader->fields) {
		fault(reader, record->line,
		      record->count > reader->fields ? reader->fields + 1 : record->count, NULL,
		      "%zu fields where the header has %zu", record->count, reader->fields);
		reader->into->wrong++;
		return;
	}
	row = json_object();
	if (row == NULL)
		reader->failed = true;
	else if (read_fields(reader, record, row) && check_against(reader, record->line, row))
		keep_row(reader, record->line, row);
	else
		reader->into->wrong++;
	json_decref(row);
}

static void read_text(struct reader *reader, char *text)
{
	struct csv csv = csv_open(text);
	struct csv_record record;
	bool header = false;
	int r;

	while ((r = csv_next(&csv, &record)) != 0 && !reader->failed) {
		if (r < 0) {
			fault(reader, record.line, record.column, NULL, "%s", csv_error(r));
			reader->into->wrong++;
			if (!header)
				return;
		} else if (header && json_array_size(reader->into->rows) == ROWS_MAX) {
			fault(reader, record.line, 0, NULL, "more than %d rows", ROWS_MAX);
			return;
		} else if (header) {
			read_row(reader, &record);
		} else if (read_header(reader, &record)) {
			header = true;
		} else {
			return;
		}
	}
	if (!header)
		fault(reader, 1, 0, NULL, "the file is empty; its first line names the columns");
	else if (json_array_size(reader->into->rows) == 0 && reader->into->wrong == 0)
		fault(reader, 1, 0, NULL, "no room behind the header line");
}

int commissioning_read(struct commissioning *ret, char *text)
{
	struct commissioning into = {
		.rows = json_array(),
		.errors = json_array(),
		.column = calloc(COLUMNS_COUNT + 1, sizeof(*into.column)),
	};
	struct reader reader = {.into = &into};

	if (into.rows != NULL && into.errors != NULL && into.column != NULL)
		read_text(&reader, text);
	else
		reader.failed = true;
	if (reader.failed) {
		commissioning_clear(&into);
		return -ENOMEM;
	}
	*ret = into;
	return 0;
}

void commissioning_clear(struct commissioning *commissioning)
{
	json_decref(commissioning->rows);
	json_decref(commissioning->errors);
	free(commissioning->line);
	free(commissioning->column);
	*commissioning = (struct commissioning){0};
}

int commissioning_add_errors(struct commissioning *commissioning, const json_t *errors)
{
	struct reader reader = {.into = commissioning};
	const json_t *error;
	size_t i;

	json_array_foreach(errors, i, error)
	{
		json_int_t row = json_integer_value(json_object_get(error, "row"));
		const char *column = json_string_value(json_object_get(error, "column"));
		size_t k = column != NULL ? column_by_name(column) : COLUMNS_COUNT;
		bool known = row >= 1 && (size_t)row <= json_array_size(commissioning->rows);

		fault(&reader, known ? commissioning->line[row - 1] : 1, commissioning->column[k],
		      column, "%s", value_of(error, "message", "refused"));
	}
	return reader.failed ? -ENOMEM : 0;
}

static int compare_errors(const void *left, const void *right)
{
	const json_t *a = *(json_t *const *)left;
	const json_t *b = *(json_t *const *)right;
	static const char *const keys[] = {"line", "column_number"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		json_int_t x = json_integer_value(json_object_get(a, keys[i]));
		json_int_t y = json_integer_value(json_object_get(b, keys[i]));

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

/* The row with its place in front of the message. */
static json_t *placed(const json_t *error)
{
	json_int_t number = json_integer_value(json_object_get(error, "column_number"));
	const char *column = value_of(error, "column", "");
	const char *message = value_of(error, "message", "");
	json_t *row = json_copy((json_t *)(uintptr_t)error);
	json_t *text = NULL;

	if (number > 0 && *column != '\0')
		text = json_sprintf("column %d (%s): %s", (int)number, column, message);
	else if (number > 0)
		text = json_sprintf("column %d: %s", (int)number, message);
	else if (*column != '\0')
		text = json_sprintf("%s: %s", column, message);
	else
		text = json_string(message);
	(void)json_object_set_new(row, "message", text);
	return row;
}

json_t *commissioning_errors(const struct commissioning *commissioning)
{
	size_t count = json_array_size(commissioning->errors);
	json_t **sorted = calloc(count + 1, sizeof(*sorted));
	json_t *array = json_array();

	for (size_t i = 0; sorted != NULL && i < count; i++)
		sorted[i] = json_array_get(commissioning->errors, i);
	if (sorted != NULL)
		qsort(sorted, count, sizeof(*sorted), compare_errors);
	for (size_t i = 0; sorted != NULL && i < count; i++)
		(void)json_array_append_new(array, placed(sorted[i]));
	free(sorted);
	return array;
}
