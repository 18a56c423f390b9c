/* The bytes of an entry that are hashed, against hashes made by another implementation (Python's
 * struct and hashlib, from the table in ledger.md). */
#include "concentrator/ledger_chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void to_hex(const uint8_t hash[static 32], char ret[static 65])
{
	for (int i = 0; i < 32; i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", hash[i]);
}

static struct entry vector(void)
{
	struct entry entry = {
		.seq = 7,
		.format = 1,
		.kind = ENTRY_CHARGE,
		.account_id = 3,
		.point_id = 4,
		.life_id = 9,
		.at_s = 1767225720,
		.at_trusted = true,
		.at_us = 123456789,
		.boot = "0123456789abcdef0123456789abcdef",
		.amount_nano = -1484880000000,
		.energy_wh = 2760000,
		.from_wh = 1000,
		.to_wh = 2761000,
		.from_s = 1767225600,
		.to_s = 1767225720,
		.price_micro_per_kwh = 538000,
		.tariff_id = 2,
		.flags = ENTRY_SPLIT_BY_TIME,
		.refers = 6,
		.order = "ORDER-1",
		.who = "settle",
		.why = "Zähler",
	};

	assert_int_equal(chain_genesis("S-0001", entry.previous), 0);
	return entry;
}

static void m8_the_hash_is_what_the_table_of_bytes_says(void **state)
{
	struct entry entry = vector();
	uint8_t bytes[CHAIN_BYTES_MAX], hash[32];
	char hex[65];

	(void)state;
	to_hex(entry.previous, hex);
	assert_string_equal(hex,
			    "e5a0596369bcff6a2882c883ee0b957f3c3eab61e1a04f199913705365207b4d");
	assert_int_equal(chain_bytes(&entry, bytes), 265);
	assert_int_equal(chain_hash(&entry, hash), 0);
	to_hex(hash, hex);
	assert_string_equal(hex,
			    "50b9e38c62584abf6827e79112d2e3d3b6eb483100eee26270d61da3fce7b7da");
}

static void the_longest_texts_fit(void **state)
{
	struct entry entry = vector();
	uint8_t bytes[CHAIN_BYTES_MAX];

	(void)state;
	memset(entry.order, 'o', ENTRY_ORDER_MAX);
	memset(entry.who, 'w', ENTRY_TEXT_MAX);
	memset(entry.why, 'y', ENTRY_TEXT_MAX);
	entry.order[ENTRY_ORDER_MAX] = entry.who[ENTRY_TEXT_MAX] = entry.why[ENTRY_TEXT_MAX] = '\0';
	assert_int_equal(chain_bytes(&entry, bytes), CHAIN_BYTES_MAX);
}

static void texts_that_run_into_each_other_differ(void **state)
{
	struct entry left = vector(), right = vector();
	uint8_t a[32], b[32];

	(void)state;
	(void)strcpy(left.who, "ab");
	(void)strcpy(left.why, "c");
	(void)strcpy(right.who, "a");
	(void)strcpy(right.why, "bc");
	assert_int_equal(chain_hash(&left, a), 0);
	assert_int_equal(chain_hash(&right, b), 0);
	assert_memory_not_equal(a, b, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(m8_the_hash_is_what_the_table_of_bytes_says),
		cmocka_unit_test(the_longest_texts_fit),
		cmocka_unit_test(texts_that_run_into_each_other_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
