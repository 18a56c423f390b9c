/* ledger_house.h - a folder, a ledger in it and a few rooms, for the tests of the ledger. */
#pragma once

#include "concentrator/ledger.h"
#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_event.h"
#include "concentrator/ledger_order.h"
#include "concentrator/ledger_room.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#define HOUSE_NOW_S 1767225600 /* 2026-01-01 00:00 UTC */

struct house {
	char folder[64];
	char path[96];
	struct ledger_settings settings;
	struct ledger *ledger;
	struct ledger_failure failure;
};

struct house_room {
	struct ledger_room room;
	struct ledger_supply supply;
	struct ledger_life life;
};

static inline int64_t house_clock_us(void)
{
	static int64_t now_us;

	return now_us += 1000;
}

static inline void house_make(struct house *house)
{
	memset(house, 0, sizeof(*house));
	(void)snprintf(house->folder, sizeof(house->folder), "/tmp/prepay-ledger-XXXXXX");
	assert_non_null(mkdtemp(house->folder));
	(void)snprintf(house->path, sizeof(house->path), "%s/ledger.db", house->folder);
	house->settings = (struct ledger_settings){
		.path = house->path,
		.site = "S-0001",
		.built_s = HOUSE_NOW_S - 86400,
		.now_s = HOUSE_NOW_S,
		.clock_us = house_clock_us,
	};
}

static inline void house_open(struct house *house)
{
	if (ledger_open(&house->ledger, &house->settings, &house->failure) < 0)
		fail_msg("%s", house->failure.text);
}

static inline void house_close(struct house *house)
{
	house->ledger = ledger_close(house->ledger);
}

static inline void house_remove(struct house *house)
{
	char command[128];

	house_close(house);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", house->folder);
	assert_int_equal(system(command), 0);
}

/* A room with one metered supply at its own address; in the caller's transaction. */
static inline void house_room(struct house *house, struct house_room *ret, int number,
			      int64_t first_wh)
{
	memset(ret, 0, sizeof(*ret));
	(void)snprintf(ret->room.name, sizeof(ret->room.name), "%d", 300 + number);
	(void)snprintf(ret->room.tenancy, sizeof(ret->room.tenancy), "T-%d", number);
	ret->room.opened_s = HOUSE_NOW_S;
	assert_int_equal(ledger_room_add(house->ledger, &ret->room), 0);
	ret->supply = (struct ledger_supply){
		.room_id = ret->room.id,
		.circuit = "sockets",
		.has_point = true,
		.point = {.line = "A", .address = number, .channel = 1, .model = "eastron_sdm120"},
		.has_relay = true,
		.relay = {.line = "A", .address = 200, .channel = number, .model = "waveshare_8ch"},
		.may_cut = true,
		.cut_order = 1,
		.breaker_a = 16,
	};
	assert_int_equal(ledger_supply_add(house->ledger, &ret->supply), 0);
	ret->life = (struct ledger_life){
		.point_id = ret->supply.point_id,
		.first_wh = first_wh,
		.started_s = HOUSE_NOW_S,
	};
	assert_int_equal(ledger_life_begin(house->ledger, &ret->life), 0);
}

static inline struct entry house_credit(const struct house_room *room, const char *order,
					int64_t amount_nano)
{
	struct entry entry = {
		.kind = ENTRY_RECHARGE,
		.account_id = room->room.account_id,
		.at_s = HOUSE_NOW_S + 60,
		.at_trusted = true,
		.boot = "0123456789abcdef0123456789abcdef",
		.amount_nano = amount_nano,
		.who = "cloud",
		.why = "recharge",
	};

	(void)snprintf(entry.order, sizeof(entry.order), "%s", order);
	return entry;
}

/* energy_wh from where the life stands, at 0.538 a kWh; moves room->life along. */
static inline struct entry house_charge(struct house_room *room, int64_t energy_wh)
{
	struct entry entry = {
		.kind = ENTRY_CHARGE,
		.account_id = room->room.account_id,
		.point_id = room->supply.point_id,
		.life_id = room->life.id,
		.at_s = HOUSE_NOW_S + 120,
		.at_trusted = true,
		.boot = "0123456789abcdef0123456789abcdef",
		.amount_nano = -538000 * energy_wh,
		.energy_wh = energy_wh,
		.from_wh = room->life.settled_wh,
		.to_wh = room->life.settled_wh + energy_wh,
		.from_s = room->life.settled_s,
		.to_s = HOUSE_NOW_S + 120,
		.price_micro_per_kwh = 538000,
		.who = "settle",
	};

	room->life.settled_wh = entry.to_wh;
	room->life.settled_s = entry.to_s;
	return entry;
}

static inline void house_append(struct house *house, struct entry entry)
{
	assert_int_equal(ledger_entry_append(house->ledger, &entry), 0);
}

/* Credit by an order, with the order's row. */
static inline void house_recharge(struct house *house, const struct house_room *room,
				  const char *order, int64_t amount_nano)
{
	struct entry entry = house_credit(room, order, amount_nano);
	struct ledger_order row = {.type = "CreditRegister",
				   .kid = "k1",
				   .payload = order,
				   .payload_size = strlen(order),
				   .signature = "s",
				   .signature_size = 1,
				   .result = "applied",
				   .receipt = "{\"result\":\"applied\"}",
				   .account_id = room->room.account_id,
				   .amount_nano = amount_nano,
				   .day = 20260101,
				   .received_s = HOUSE_NOW_S + 60,
				   .received_trusted = true};

	assert_int_equal(ledger_entry_append(house->ledger, &entry), 0);
	(void)snprintf(row.mrid, sizeof(row.mrid), "%s", order);
	row.entry_seq = entry.seq;
	assert_int_equal(ledger_order_put(house->ledger, &row), 0);
}

static inline int64_t house_balance(struct house *house, const struct house_room *room)
{
	int64_t balance_nano = INT64_MIN;

	assert_int_equal(ledger_balance_nano(house->ledger, room->room.account_id, &balance_nano),
			 0);
	return balance_nano;
}

/* SQL on a connection of its own, as someone with a shell could; returns the extended result code. */
static inline int house_sql(const struct house *house, const char *sql)
{
	sqlite3 *db;
	int code;

	assert_int_equal(sqlite3_open_v2(house->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	(void)sqlite3_extended_result_codes(db, 1);
	assert_int_equal(sqlite3_exec(db,
				      "PRAGMA recursive_triggers = ON; PRAGMA foreign_keys = ON",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	code = sqlite3_exec(db, sql, NULL, NULL, NULL);
	(void)sqlite3_close(db);
	return code;
}
