/* charge_table.c - see charge_table.h.
 *
 * What explains the price stays the longest: the pair of registers, band, block, price and rule. A part
 * that was split by time, or has no time, stands out: it is no reading's.
 */
#include "concentrator/cli/charge_table.h"

#include <inttypes.h>
#include <string.h>

#include "concentrator/cli/figure.h"

static const struct table_column columns[] = {
	{.title = "ENTRY", .right = true, .drop = 3},
	{.title = "FROM", .drop = 1},
	{.title = "TO", .drop = 5},
	{.title = "CIRCUIT", .drop = 8, .least = 7},
	{.title = "REGISTER", .right = true},
	{.title = "REGISTER", .right = true},
	{.title = "KWH", .right = true, .drop = 4},
	{.title = "BAND", .least = 4},
	{.title = "BLOCK", .right = true},
	{.title = "PRICE", .right = true},
	{.title = "TARIFF", .drop = 7, .least = 8},
	{.title = "RULE", .least = 6},
	{.title = "AMOUNT", .right = true},
	{.title = "TAX IN IT", .right = true, .rare = true, .drop = 2},
	{.title = "BALANCE", .right = true, .drop = 6},
	{.title = "WHY", .drop = 9, .least = 10},
};

/* Empty for what is no energy, and no water. */
static const char *used(const json_t *row, const char *name, char buf[static FIGURE_SIZE])
{
	int64_t all = 0;

	return field_used(row, "energy_wh", &all) && all != 0 ? figure_used(row, name, "", buf)
							      : "";
}

static const char *price(const json_t *row, char buf[static FIGURE_SIZE])
{
	int64_t all = 0;

	return field_used(row, "energy_wh", &all) && all != 0
		       ? figure_price(row, "price_micro_per_kwh", buf)
		       : "";
}

/* An empty cell where the tariff has no blocks, or this one cannot be told. */
static const char *block(const json_t *row, char buf[static FIGURE_SIZE])
{
	if (!json_is_integer(json_object_get(row, "block")))
		return "";
	(void)snprintf(buf, FIGURE_SIZE, "%" PRId64, field_count(row, "block"));
	return buf;
}

static void put(struct table *table, const json_t *row)
{
	unsigned digits = field_digits(row, "amount");
	const char *rule = field_text(row, "rule");
	bool guessed = strcmp(rule, "split-by-time") == 0 ||
		       strcmp(rule, "by-register-and-time") == 0 || strcmp(rule, "untimed") == 0;
	char number[FIGURE_SIZE];
	char buf[FIGURE_SIZE];

	table_row(table);
	table_cell(table, TONE_DIM, "%" PRId64, field_count(row, "seq"));
	table_cell(table, TONE_PLAIN, "%s", figure_field_time(row, "from_s", buf));
	table_cell(table, TONE_PLAIN, "%s", figure_field_time(row, "to_s", buf));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "circuit"));
	table_cell(table, TONE_DIM, "%s", used(row, "from_wh", number));
	table_cell(table, TONE_DIM, "%s", used(row, "to_wh", number));
	table_cell(table, TONE_PLAIN, "%s", used(row, "energy_wh", number));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "band"));
	table_cell(table, TONE_PLAIN, "%s", block(row, number));
	table_cell(table, TONE_PLAIN, "%s", price(row, buf));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "tariff"));
	table_cell(table, guessed ? TONE_WARN : TONE_PLAIN, "%s", rule);
	table_cell(table, TONE_BOLD, "%s", figure_exact(row, "amount_nano", digits, buf));
	table_cell(table, TONE_DIM, "%s", figure_tax(row, digits, buf));
	table_cell(table, TONE_PLAIN, "%s", figure_exact(row, "balance_nano", digits, buf));
	table_cell(table, TONE_PLAIN, "%s", field_text(row, "why"));
}

const struct listing charge_listing = {
	.columns = columns,
	.count = sizeof(columns) / sizeof(columns[0]),
	.put = put,
	.name = "seq",
	.one = "charge",
	.many = "charges",
};
