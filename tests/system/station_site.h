/* station_site.h - a station on a real ledger file and a played building, for tests of the station.
 *
 * A function that fails ends the test.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "concentrator/station_state.h"
#include "tests/system/played_building.h"

#define HOUR_US     INT64_C(3600000000)
#define MINUTE_US   INT64_C(60000000)
#define START_S     INT64_C(1767196800) /* 2026-01-01 00:00 in Shanghai */
#define PRICE_MICRO 500000

struct site {
	char folder[64];
	const char *vfs;  /* of SQLite, which holds the ledger; NULL: it is in the folder */
	const char *boot; /* of the kernel */
	struct config config;
	struct models *models;
	struct ledger *ledger;
	struct played_building building;
	EVP_PKEY *key;
	int64_t read_period_us; /* of each meter; 0: a minute; below: as fast as prepayd does */
	const struct offset_table *zone; /* NULL: Shanghai */
};

/* Setup and teardown of cmocka: state is a struct site with one line, a tariff of 0.5 and the payment
 * key pay-1. */
int site_setup(void **state);
/* The same with the ledger on that SQLite VFS. */
int site_setup_on(void **state, const char *vfs);
int site_teardown(void **state);

/* Starts prepayd, and kills it: the building goes on by itself. */
void site_open(struct site *site);
/* The same, where it may refuse: -errno of ledger_open() or station_open(), and why. */
int site_try_open(struct site *site, struct ledger_failure *ret_failure);
void site_close(struct site *site);

/* A meter at the next address, and a room's circuit at the address of the meter added last. */
struct played_meter *site_add_meter(struct site *site, int64_t load_w);
void site_add_room(struct site *site, int number, int opening_minor, const char *circuit,
		   bool may_cut, int order);
/* The same of water: a meter at 345.678 m3, and a room's supply of it; may_cut NULL: as it is where nobody
 * says. */
struct played_meter *site_add_water_meter(struct site *site, int64_t flow_l_h);
void site_add_water(struct site *site, int number, const char *may_cut, int order);
struct station_room *site_room(struct site *site, const char *name);

/* A tariff of 0.5 per kWh in force from the start, with more lines behind the price. */
void site_tariff(struct site *site, const char *more);
/* Nights pass: the clock moves to a minute before midnight, and over it. */
void site_pass_days(struct site *site, int days);

/* A signed order as the feed brings it, and what becomes of it (takes item). */
json_t *site_credit(struct site *site, const char *mrid, const char *room, int64_t minor);
json_t *site_credit_of(struct site *site, const char *mrid, const char *room, const char *tenancy,
		       int64_t minor);
json_t *site_credit_typed(struct site *site, const char *mrid, const char *room, int64_t minor,
			  const char *credit_type);
json_t *site_reversal(struct site *site, const char *mrid, const char *room, int64_t minor,
		      const char *reverses);
/* Any item, signed with the payment key over prefix and payload. */
json_t *site_signed(struct site *site, const char *type, const char *mrid, const char *prefix,
		    const char *payload);
const char *site_deliver(struct site *site, json_t *item, const char *cursor);

/* Everything settled: charged equals the change of the registers, money is energy x price exactly. */
void site_assert_conserved(struct site *site, const int64_t first_wh[], int64_t credited_nano);
