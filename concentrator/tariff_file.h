/* tariff_file.h - a tariff as people write it and the cloud sends it: prepay-tariff(5).
 *
 *     [tariff]
 *     name = dormitory-2026
 *     activation = 2026-09-01 00:00     # the building's local time; or: receipt
 *     [energy]
 *     price = 0.538                     # of the currency per kWh, at most 6 decimals
 *
 * and, where the price depends on use or time, blocks in [energy], and [band NAME], [days NAME],
 * [season NAME], [special NAME]; and what an account costs besides: [allowance], [minimum],
 * [standing], [tax]; and [water], with a price per m3. Validated whole: every finding with its line. Pure but for memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "concentrator/rules/calendar.h"
#include "concentrator/rules/tariff.h"

#define TARIFF_FILE_MAX        32768
#define LEDGER_TARIFF_NAME_MAX 32 /* what the ledger keeps of a name */

/* Parses text into ret (id 0). *ret_from_receipt: activation is "receipt" and stays 0. -EINVAL: rows of
 * {line, message} are in ret_errors (the caller's), -EMSGSIZE: longer than TARIFF_FILE_MAX, -ENOMEM. */
int tariff_file_parse(const char *text, size_t size, const struct offset_table *zone,
		      struct tariff *ret, bool *ret_from_receipt, json_t **ret_errors);
