/* options.h - what the verbs of prepay-sign share: options read, values checked, errors said.
 *
 * Functions that return an exit code return 0, or have said on standard error what is wrong.
 */
#pragma once

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXIT_FAILED  1
#define EXIT_USAGE   2
#define NAME_MAX_LEN 64
#define KEYS_MAX     64

enum option_id {
	OPTION_ROOT = 1,
	OPTION_VERSION,
	OPTION_KEY,
	OPTION_KID,
	OPTION_SITE,
	OPTION_MRID,
	OPTION_ROOM,
	OPTION_TENANCY,
	OPTION_AMOUNT,
	OPTION_CURRENCY,
	OPTION_TYPE,
	OPTION_SEQ,
	OPTION_REVERSES,
	OPTION_IAT,
	OPTION_EFFECTIVE,
	OPTION_EXP,
	OPTION_DESCRIPTION,
	OPTION_COUNT
};

/* Says it, led by the program's name; returns EXIT_USAGE. */
int wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The last value of each option, NULL where it is not given. keys (or NULL) collects each --key, of which
 * at most KEYS_MAX are taken. */
int options_read(int argc, char *argv[], const struct option options[],
		 const char *values[static OPTION_COUNT], char *keys[], size_t *keys_n);

/* A decimal integer in [least, most]. */
bool integer_read(const char *text, int64_t least, int64_t most, int64_t *ret);

/* Printable ASCII without space, 1 to 64 characters: what the contract allows for ids. */
bool is_name(const char *text);

/* 1 to 64 bytes without control characters. */
bool is_text(const char *text);

/* Unix seconds. */
int64_t now_s(void);

/* The verbs; argv[0] is the verb. Return the exit code. */
int run_keyset(int argc, char *argv[]);
int run_credit(int argc, char *argv[]);
int run_checkpoint(int argc, char *argv[]);
