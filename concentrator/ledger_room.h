/* ledger_room.h - who there is: rooms with their account, tenancies, supplies and meter lives.
 *
 * Nothing here is deleted: a room that is removed is closed and its name is free again. Loading calls
 * the row function in the order of ids; what it returns other than 0 stops the walk and is returned.
 * Writing needs a transaction. Common errors: ledger.h.
 */
#pragma once

#include "concentrator/ledger.h"
#include "concentrator/ledger_stay.h"
#include "concentrator/rules/medium.h"

struct ledger_room {
	int64_t id;         /* assigned */
	int64_t account_id; /* assigned: every room has one account while it is open */
	char name[LEDGER_NAME_MAX + 1];
	char tenancy[LEDGER_ID_MAX + 1]; /* the current one; empty: none */
	int64_t tenancy_s;               /* when it began; 0: there is none */
	struct ledger_stay stay; /* opened_s is tenancy_s where nothing came from another room */
	/* The last entry of before the tenancy; 0: there was none, or there was never a tenancy.
	 * Of a vacant room INT64_MAX: no entry is a tenant's. */
	int64_t after_seq;
	bool vacant; /* it had a tenancy and has none */
	int64_t opened_s;
	int64_t closed_s; /* 0: open */
};

/* Where a channel is on the wires. */
struct ledger_device {
	char line[LEDGER_NAME_MAX + 1];
	int32_t address; /* Modbus, 1..247 */
	int32_t channel; /* from 1 */
	char model[LEDGER_NAME_MAX + 1];
};

struct ledger_supply {
	int64_t id; /* assigned */
	int64_t room_id;
	int64_t account_id; /* filled when loading */
	char circuit[LEDGER_NAME_MAX + 1];
	bool has_point;
	int64_t point_id; /* assigned where has_point; 0 else */
	struct ledger_device point;
	bool has_relay;
	struct ledger_device relay;
	bool normally_closed; /* the contactor is closed without coil current */
	bool may_cut;         /* false: never cut for money */
	int32_t cut_order;    /* 1..9, lower is cut first */
	int32_t breaker_a;    /* rated current in amperes, at least 1 */
	int64_t closed_s;     /* 0: in use */
};

/* One meter at one point from commissioning to exchange. Registers here are unwrapped: what the
 * meter shows plus offset_wh; litres where the medium is water. */
struct ledger_life {
	int64_t id; /* assigned */
	int64_t point_id;
	enum medium medium;
	char serial[LEDGER_ID_MAX + 1]; /* empty: unknown */
	int64_t first_wh;
	int64_t offset_wh; /* grows by the modulus with each believed rollover */
	int64_t started_s;
	int64_t ended_s;    /* 0: in use */
	int64_t settled_wh; /* up to here energy is in entries; derived, first_wh when none */
	int64_t settled_s; /* end of the last entry's interval; started_s when none; 0: not known */
	int64_t floor_s;   /* settled_s is not known: no earlier than this; 0: nothing says so */
};

typedef int (*ledger_room_fn)(const struct ledger_room *room, void *userdata);
typedef int (*ledger_supply_fn)(const struct ledger_supply *supply, void *userdata);
typedef int (*ledger_life_fn)(const struct ledger_life *life, void *userdata);

/* Makes the room and its account, and the tenancy where one is named; fills room->id and
 * account_id. -EEXIST an open room has that name. */
LEDGER_CHECKED int ledger_room_add(struct ledger *ledger, struct ledger_room *room);
/* Closes the room, its account, tenancy, supplies, points and lives. -ENOTEMPTY the balance is not
 * zero: append the closing entries first. -EALREADY it is closed. */
LEDGER_CHECKED int ledger_room_close(struct ledger *ledger, int64_t room_id, int64_t at_s);
/* Ends the current tenancy and, unless tenancy is empty, begins the named one behind the entries that there are.
 * -EAGAIN another tenancy of the account began at at_s: what is kept by its beginning could not be told apart. */
LEDGER_CHECKED int ledger_tenancy_set(struct ledger *ledger, int64_t account_id,
				      const char *tenancy, int64_t at_s);
/* Fills supply->id and point_id. -EEXIST the room has that circuit, or the point or relay is in use. */
LEDGER_CHECKED int ledger_supply_add(struct ledger *ledger, struct ledger_supply *supply);
/* Fills life->id, settled_wh, settled_s and floor_s: with started_s 0 the greatest time that the ledger has from a
 * trusted clock. first_wh and offset_wh may not be negative; a life keeps its medium. -EEXIST the point has a life in use. */
LEDGER_CHECKED int ledger_life_begin(struct ledger *ledger, struct ledger_life *life);
/* -EALREADY it has ended. */
LEDGER_CHECKED int ledger_life_end(struct ledger *ledger, int64_t life_id, int64_t at_s);
/* A rollover is believed: raw plus offset_wh is the unwrapped register from here on. It only grows:
 * -ERANGE else. */
LEDGER_CHECKED int ledger_life_unwrap(struct ledger *ledger, int64_t life_id, int64_t offset_wh);

/* What a life counts. -ENOENT there is none. */
LEDGER_CHECKED int ledger_life_medium(struct ledger *ledger, int64_t life_id, enum medium *ret);

/* Names the meter of a life that had none named. -EALREADY it has. */
LEDGER_CHECKED int ledger_life_bind(struct ledger *ledger, int64_t life_id, const char *serial);

/* all: closed ones too. */
LEDGER_CHECKED int ledger_rooms_each(struct ledger *ledger, bool all, ledger_room_fn row,
				     void *userdata);
LEDGER_CHECKED int ledger_supplies_each(struct ledger *ledger, bool all, ledger_supply_fn row,
					void *userdata);
LEDGER_CHECKED int ledger_lives_each(struct ledger *ledger, bool all, ledger_life_fn row,
				     void *userdata);
