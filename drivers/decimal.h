/* decimal.h - the numbers that IIO attributes hold, without floating point.
 *
 * Pure. An attribute is a decimal text ("1234", "-0.062500000"); here it is an integer of
 * billionths. */
#pragma once

#include <stdint.h>

#define DECIMAL_ONE INT64_C(1000000000)

/* Digits behind the ninth place are cut off. Errors: -EBADMSG no decimal number, -ERANGE too
 * large. */
int decimal_parse_nano(const char *text, int64_t *ret_nano);

/* (raw + offset) x scale x ratio_ppm / 1,000,000, to the nearest integer, halves away from zero.
 * Errors: -ERANGE. */
int decimal_scale(int64_t raw_nano, int64_t offset_nano, int64_t scale_nano, int64_t ratio_ppm,
		  int64_t *ret);
