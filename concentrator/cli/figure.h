/* figure.h - figures as people read them, and the fields of an answer they come from.
 *
 * A field that is absent or null is unknown, and shown as such: never as zero.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#define FIGURE_SIZE 48

/* What is shown for what is not known. */
#define FIGURE_UNKNOWN "-"

/* The text of a field, "" when it is not there. */
const char *field_text(const json_t *object, const char *name);
/* False when the field is absent or null. */
bool field_int(const json_t *object, const char *name, int64_t *ret);
/* The integer, or 0: for counts, where the contract says it is there. */
int64_t field_count(const json_t *object, const char *name);
bool field_true(const json_t *object, const char *name);
const json_t *field_object(const json_t *object, const char *name);
/* The rows of an answer, or of a field of it; NULL iterates as empty. */
const json_t *field_rows(const json_t *object, const char *name);

/* Each fills buf and returns it. */
/* "3s", "4m", "2h", "5d"; seconds. */
const char *figure_age(int64_t age_s, char buf[static FIGURE_SIZE]);
/* "45s", "12m 5s", "3h 4m", "5d 6h" */
const char *figure_duration(int64_t duration_s, char buf[static FIGURE_SIZE]);
/* "2026-11-01 08:00:00" in the zone of the process; FIGURE_UNKNOWN for 0 and less. */
const char *figure_time(int64_t at_s, char buf[static FIGURE_SIZE]);
/* An optional time field. */
const char *figure_field_time(const json_t *object, const char *name, char buf[static FIGURE_SIZE]);
/* Thousandths with one decimal, half up: 231250 is "231.3". */
const char *figure_milli(int64_t milli, char buf[static FIGURE_SIZE]);
/* Rows tell of water by the names of their fields: what is energy_wh, register_wh and price_micro_per_kwh of
 * electricity is volume_l, register_l and price_micro_per_m3. Below, name is the one of electricity. */
bool field_water(const json_t *object);
/* Wh, or litres. False when the field is absent or null. */
bool field_used(const json_t *object, const char *name, int64_t *ret);
/* "12.345", of water "12.345 m3", for tables of kWh; unknown where it is not known. */
const char *figure_used(const json_t *object, const char *name, const char *unknown,
			char buf[static FIGURE_SIZE]);
/* The same for a column of one medium alone: "" in rows of the other. */
const char *figure_column(const json_t *object, const char *name, bool water,
			  char buf[static FIGURE_SIZE]);
/* "12.345 kWh" of a field in Wh, "12.345 m3" of litres. */
const char *figure_energy(const json_t *object, const char *name, char buf[static FIGURE_SIZE]);
/* "1.2 MiB" */
const char *figure_bytes(int64_t bytes, char buf[static FIGURE_SIZE]);
/* "-12.34" of a money field {value, multiplier, monetaryUnit}, without the currency. */
const char *figure_money(const json_t *object, const char *name, char buf[static FIGURE_SIZE]);
/* A field of billionths (a string of an integer) floored to digits decimals. */
const char *figure_nano(const json_t *object, const char *name, unsigned digits,
			char buf[static FIGURE_SIZE]);
/* The same, exact: with at least digits decimals and no idle zeros behind them. */
const char *figure_exact(const json_t *object, const char *name, unsigned digits,
			 char buf[static FIGURE_SIZE]);
/* What a row's amount includes of tax, exact; "" where it includes none, and for a row that is a tax. */
const char *figure_tax(const json_t *row, unsigned digits, char buf[static FIGURE_SIZE]);
/* The money field, or where an answer has none its billionths to two decimals. */
const char *figure_amount(const json_t *object, const char *money, const char *nano,
			  char buf[static FIGURE_SIZE]);
bool field_nano(const json_t *object, const char *name, int64_t *ret);
/* "0.538" of a field in millionths; of water price_micro_per_m3. */
const char *figure_price(const json_t *object, const char *name, char buf[static FIGURE_SIZE]);
/* Decimals of a money field's minor unit; 2 when it is not there. */
unsigned field_digits(const json_t *object, const char *name);
