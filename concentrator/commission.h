/* commission.h - one commissioning row (control.md), checked and turned into a supply.
 *
 * Pure but for looking up models and lines. Every finding names the column, and what would be right.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "concentrator/config.h"
#include "concentrator/ledger_room.h"
#include "concentrator/rules/tariff.h"
#include "meters/model_file.h"

#define COMMISSION_DETAIL_SIZE 160

struct commission_row {
	char room[LEDGER_NAME_MAX + 1];
	char tenancy[LEDGER_ID_MAX + 1];
	int32_t persons; /* -1: nobody says */
	int64_t opening_minor;
	struct ledger_supply supply; /* without ids */
};

/* Called once for each finding. */
typedef void (*commission_finding)(const char *column, const char *detail, void *userdata);

/* Checks one row: an object of strings. 0, or -EINVAL after at least one finding. What can be told only
 * against other rooms (a channel in use) is the station's to check. */
int commission_parse(const json_t *row, const struct config *config, const struct models *models,
		     commission_finding finding, void *userdata, struct commission_row *ret);
