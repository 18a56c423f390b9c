/* room_table.h - rooms as rows of a table: the same for `room list` and for the live view.
 *
 * A stale reading is shown with its age and never as current.
 */
#pragma once

#include <jansson.h>

#include "concentrator/cli/table.h"

enum room_order { ROOM_BY_NAME, ROOM_BY_BALANCE, ROOM_BY_POWER, ROOM_BY_AGE, ROOM_ORDERS };

const char *room_order_name(enum room_order order);

struct room_count {
	size_t rooms;
	size_t off;
	size_t armed;
	size_t stale;
	size_t low; /* low, exhausted or negative */
};

/* Fills a table with the rooms whose name, state or circuits contain filter (NULL or "": all), in that order.
 * aged_s is added to every age: the answer itself is that old, and beyond ten seconds every
 * reading of it is stale. rows is an array of room rows (control.md). -ENOMEM. */
int room_table_open(struct table **ret, const json_t *rows, enum room_order order,
		    const char *filter, int64_t aged_s, struct room_count *ret_count);

/* "64 rooms, 3 off, 1 stale" */
void room_count_say(const struct room_count *count, char *buf, size_t size);

/* What people call a service status: "on", "off", "armed" ... */
const char *room_supply_word(const char *service_status);
/* ... and the position of a circuit's relay: "on", "off", "unknown", "no relay"; "on?" and "off?" where it was
 * concluded and never read back. */
const char *room_position_word(const json_t *supply);
enum tone room_supply_tone(const char *service_status);
enum tone room_credit_tone(const char *credit_status);
