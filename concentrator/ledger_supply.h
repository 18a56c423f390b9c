/* ledger_supply.h - what must be known about supplies after a restart.
 *
 * Wishes that cannot be recomputed (S3: operator, lock-out, cloud), the relay as last commanded (S5,
 * S8), and each account's money state: its notice (S2), its hold (S1), its cut. What a layer or position
 * means is the business of rules/supply.h; here they are small integers.
 */
#pragma once

#include "concentrator/ledger.h"

struct ledger_wish {
	int64_t supply_id;
	int32_t layer;    /* enum of rules/supply.h, 0..63 */
	int32_t position; /* enum of rules/supply.h, 0..15 */
	int64_t uid;
	char owner[LEDGER_TEXT_MAX + 1];
	char reason[LEDGER_TEXT_MAX + 1];
	int64_t at_s;
	bool trusted;
	int64_t until_s; /* 0: until taken back */
};

struct ledger_relay {
	int64_t supply_id;
	int32_t commanded; /* position last commanded; enum of rules/supply.h, 0..15 */
	int32_t layer;     /* who wished it */
	int64_t at_s;
	bool trusted;
	bool armed;  /* S5: found open; a person confirms */
	bool proven; /* a reading has agreed since the command */
};

/* What is kept of struct supply_money in rules/supply.h, under its names. All zero: in credit. */
struct ledger_money {
	int64_t account_id;
	bool low;
	bool noticed;
	int64_t notice_run_us;
	int64_t notice_wait_us;
	int64_t notice_nano;
	int32_t hold; /* enum supply_hold, 0..15 */
	int64_t hold_run_us;
	int64_t hold_from_nano;
	bool hold_begun;
	bool hold_spent;
	bool cut;
	int64_t cut_run_us;
};

typedef int (*ledger_wish_fn)(const struct ledger_wish *wish, void *userdata);
typedef int (*ledger_relay_fn)(const struct ledger_relay *relay, void *userdata);
typedef int (*ledger_money_fn)(const struct ledger_money *money, void *userdata);

/* All setters need a transaction and replace what was there. */
LEDGER_CHECKED int ledger_wish_set(struct ledger *ledger, const struct ledger_wish *wish);
/* 0 also when there was none. */
LEDGER_CHECKED int ledger_wish_clear(struct ledger *ledger, int64_t supply_id, int32_t layer);
LEDGER_CHECKED int ledger_relay_set(struct ledger *ledger, const struct ledger_relay *relay);
LEDGER_CHECKED int ledger_money_set(struct ledger *ledger, const struct ledger_money *money);

/* Only those of supplies and accounts in use. */
LEDGER_CHECKED int ledger_wishes_each(struct ledger *ledger, ledger_wish_fn row, void *userdata);
LEDGER_CHECKED int ledger_relays_each(struct ledger *ledger, ledger_relay_fn row, void *userdata);
LEDGER_CHECKED int ledger_money_each(struct ledger *ledger, ledger_money_fn row, void *userdata);
