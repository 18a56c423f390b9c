/* entry.h - one line of a room's account, as a value.
 *
 * The rules produce entries, the ledger appends them (M5: never changes them) and chains them (M8).
 * Energy is in Wh, of a water meter in litres (medium.h: the meter life says which), money in billionths of the currency (nano): price in micro per kWh times Wh, or per m3
 * times litres, is nano exactly, so such a charge is never rounded.
 *
 * M1  An account's balance is the sum of amount_nano over its entries.
 * M2  Per meter life: unwrapped(last settled) - first register =
 *     the sum of energy_wh over CHARGE, HOUSE, QUARANTINE and WRITE_OFF entries.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ENTRY_FORMAT    1
#define ENTRY_TEXT_MAX  128
#define ENTRY_ORDER_MAX 64
#define BOOT_ID_LEN     32

enum entry_kind {
	ENTRY_OPENING = 1, /* balance brought in at commissioning, or from another room */
	ENTRY_RECHARGE,    /* a signed order that adds credit; order names it */
	ENTRY_REVERSAL,    /* a signed negative order; refers names the entry it reverses, if any */
	ENTRY_CASH,   /* local cash taken by an admin; order is "cash:" and the receipt number */
	ENTRY_CHARGE, /* energy, or water, at a price */
	ENTRY_HOUSE,  /* energy nobody pays for (vacant room) */
	ENTRY_QUARANTINE, /* energy set aside by a person's decision, charged to nobody yet */
	ENTRY_WRITE_OFF,  /* energy, or a debt, given up by a person's decision */
	ENTRY_ADJUSTMENT, /* correction; refers names the old entry */
	ENTRY_ROUNDING,   /* remainder when an account closes */
	ENTRY_CLOSING,    /* balance carried out when an account closes or a tenancy ends */
	ENTRY_STANDING,   /* standing charge of a day; from_s to to_s is the day */
	ENTRY_TAX,        /* tax added to charges of its transaction; from_s to to_s covers them */
	ENTRY_FORFEIT,    /* credit that was not paid for, and ends with the tenancy */
	ENTRY_DEBT,       /* taken for a debt beside the balance; order is "debt:" and its id */
	ENTRY_ALLOWANCE,  /* money given by the tariff for a period; from_s to to_s is the period */
	ENTRY_MINIMUM, /* what the energy of a period, from_s to to_s, costs less than the least */
	ENTRY_KIND_END /* one behind the last */
};

enum entry_flag {
	ENTRY_SPLIT_BY_TIME = 1 << 0, /* the step crossed a boundary without a reading there */
	ENTRY_UNTIMED = 1 << 1,       /* committed while the clock was not trusted */
	ENTRY_OF_SUBSIDY = 1 << 2, /* the credit given or taken back is not the tenant's own ... */
	ENTRY_OF_ALLOWANCE = 1 << 3, /* ... but a subsidy, or an allowance (credit.h) */
	ENTRY_FREE = 1 << 4,         /* covered by an allowance of energy: price 0 */
	ENTRY_UNCOUNTED = 1 << 5,    /* counts in no block */
	/* The step crossed a boundary, and the meter's own band registers split it. With SPLIT_BY_TIME: what
	 * one of them moved was shared by time among several stretches of its band. */
	ENTRY_BY_REGISTER = 1 << 6,
};

struct entry {
	int64_t seq; /* assigned by the ledger; 0 before */
	int32_t format;
	enum entry_kind kind;
	int64_t account_id;
	int64_t point_id; /* 0: not about energy */
	int64_t life_id;  /* the meter life the registers belong to; 0: none */
	int64_t at_s;     /* Unix; when committed */
	bool at_trusted;
	int64_t at_us; /* CLOCK_BOOTTIME of boot */
	char boot[BOOT_ID_LEN + 1];
	int64_t amount_nano; /* signed: positive adds to the balance */
	int64_t energy_wh;   /* >= 0 */
	int64_t from_wh;     /* unwrapped registers of the step charged */
	int64_t to_wh;
	int64_t from_s; /* interval charged, Unix */
	int64_t to_s;
	int64_t price_micro_per_kwh;
	int64_t tariff_id;
	uint32_t flags; /* enum entry_flag */
	int64_t refers; /* seq of an older entry; 0: none */
	char order[ENTRY_ORDER_MAX + 1];
	char who[ENTRY_TEXT_MAX + 1];
	char why[ENTRY_TEXT_MAX + 1];
	uint8_t previous[32]; /* filled by the ledger */
	uint8_t hash[32];     /* SHA-256 over the documented bytes, filled by the ledger */
};

/* A stable name for people and programs: "charge", "write-off". */
const char *entry_kind_name(enum entry_kind kind);
