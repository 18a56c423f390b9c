/* The table that explains charges, at 80 and at 200 columns, letter by letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "concentrator/cli/charge_table.h"

/* Two blocks of the peak in one settlement, an evening that no reading divides, a gap without a time, free
 * energy, and a standing charge. */
static const struct {
	const char *kind, *rule, *band;
	int64_t block; /* 0: none */
	int64_t from_s, to_s, from_wh, to_wh, price_micro;
	const char *nano, *why;
} charges[] = {
	{"charge", "metered", "peak", 1, 1767254400, 1767268800, 1246250, 1247000, 538000,
	 "-403500000", "price boundary"},
	{"charge", "metered", "peak", 2, 1767254400, 1767268800, 1247000, 1248250, 588000,
	 "-735000000", "price boundary"},
	{"charge", "split-by-time", "valley", 2, 1767297600, 1767304800, 1248250, 1248450, 338000,
	 "-67600000", "midnight"},
	{"charge", "untimed", NULL, 0, 1767304800, 1767312000, 1248450, 1248550, 288000,
	 "-28800000", "period"},
	{"charge", "free", "valley", 0, 1767312000, 1767315600, 1248550, 1248590, 0, "0", "period"},
	{"standing", "by-date", NULL, 0, 1767225600, 1767312000, 0, 0, 0, "-100000000",
	 "standing charge 2026-01-01"},
};

/* As of control.md. */
static json_t *row_of(size_t i)
{
	return json_pack("{s:I,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:s?,s:o,s:I,s:s,s:s,s:{s:i,s:i},s:s,"
			 "s:s,s:s}",
			 "seq", (json_int_t)(412 + i), "kind", charges[i].kind, "circuit",
			 charges[i].to_wh > 0 ? "sockets" : "", "from_wh",
			 (json_int_t)charges[i].from_wh, "to_wh", (json_int_t)charges[i].to_wh,
			 "energy_wh", (json_int_t)(charges[i].to_wh - charges[i].from_wh), "from_s",
			 (json_int_t)charges[i].from_s, "to_s", (json_int_t)charges[i].to_s, "band",
			 charges[i].band, "block",
			 charges[i].block > 0 ? json_integer(charges[i].block) : json_null(),
			 "price_micro_per_kwh", (json_int_t)charges[i].price_micro, "tariff",
			 "dormitory 2026", "rule", charges[i].rule, "amount", "value", -1,
			 "multiplier", -2, "amount_nano", charges[i].nano, "balance_nano",
			 "13827500000", "why", charges[i].why);
}

static const char golden_80[] =
	"FROM                 REGISTER  REGISTER  BAND    BLOCK  PRICE  RULE       AMOUNT\n"
	"2026-01-01 08:00:00  1246.250  1247.000  peak        1  0.538  metered   -0.4035\n"
	"2026-01-01 08:00:00  1247.000  1248.250  peak        2  0.588  metered    -0.735\n"
	"2026-01-01 20:00:00  1248.250  1248.450  valley      2  0.338  split-b~  -0.0676\n"
	"2026-01-01 22:00:00  1248.450  1248.550                 0.288  untimed   -0.0288\n"
	"2026-01-02 00:00:00  1248.550  1248.590  valley          0.00  free         0.00\n"
	"2026-01-01 00:00:00                                            by-date     -0.10\n";

static const char golden_200[] =
	"ENTRY  FROM                 TO                   CIRCUIT  REGISTER  REGISTER    "
	"KWH  BAND    BLOCK  PRICE  TARIFF          RULE            AMOUNT  BALANCE  WHY\n"
	"  412  2026-01-01 08:00:00  2026-01-01 12:00:00  sockets  1246.250  1247.000  0."
	"750  peak        1  0.538  dormitory 2026  metered        -0.4035  13.8275  pric"
	"e boundary\n"
	"  413  2026-01-01 08:00:00  2026-01-01 12:00:00  sockets  1247.000  1248.250  1."
	"250  peak        2  0.588  dormitory 2026  metered         -0.735  13.8275  pric"
	"e boundary\n"
	"  414  2026-01-01 20:00:00  2026-01-01 22:00:00  sockets  1248.250  1248.450  0."
	"200  valley      2  0.338  dormitory 2026  split-by-time  -0.0676  13.8275  midn"
	"ight\n"
	"  415  2026-01-01 22:00:00  2026-01-02 00:00:00  sockets  1248.450  1248.550  0."
	"100                 0.288  dormitory 2026  untimed        -0.0288  13.8275  peri"
	"od\n"
	"  416  2026-01-02 00:00:00  2026-01-02 01:00:00  sockets  1248.550  1248.590  0."
	"040  valley          0.00  dormitory 2026  free              0.00  13.8275  peri"
	"od\n"
	"  417  2026-01-01 00:00:00  2026-01-02 00:00:00                                 "
	"                           dormitory 2026  by-date          -0.10  13.8275  stan"
	"ding charge 2026-01-01\n";

static char *print_rows(size_t width)
{
	struct screen screen = {.width = width};
	struct table *table = NULL;
	char *text = NULL;
	size_t size = 0;

	screen.file = open_memstream(&text, &size);
	assert_non_null(screen.file);
	assert_int_equal(table_open(&table, charge_listing.columns, charge_listing.count), 0);
	for (size_t i = 0; i < sizeof(charges) / sizeof(charges[0]); i++) {
		json_t *row = row_of(i);

		assert_non_null(row);
		charge_listing.put(table, row);
		json_decref(row);
	}
	assert_int_equal(table_print(table, &screen), 0);
	assert_int_equal(fclose(screen.file), 0);
	table_close(table);
	return text;
}

static void pair_band_block_price_and_rule_fit_80_columns(void **state)
{
	char *text = print_rows(80);

	(void)state;
	assert_string_equal(text, golden_80);
	free(text);
}

static void everything_fits_200_columns(void **state)
{
	char *text = print_rows(200);

	(void)state;
	assert_string_equal(text, golden_200);
	free(text);
}

static void no_line_is_wider_than_asked(void **state)
{
	(void)state;
	for (size_t width = 66; width <= 210; width++) {
		char *text = print_rows(width);

		for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
			assert_true(strlen(line) <= width);
			assert_true(line[strlen(line) - 1] != ' ');
		}
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pair_band_block_price_and_rule_fit_80_columns),
		cmocka_unit_test(everything_fits_200_columns),
		cmocka_unit_test(no_line_is_wider_than_asked),
	};

	(void)setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests_name("cli_charge", tests, NULL, NULL);
}
