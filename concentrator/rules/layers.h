/* layers.h - who decides about a supply, and which supply of a room goes first.
 *
 * S3  Each layer sets and releases only its own wish. The one precedence table is the order of
 *     enum layer, lock-out first: the first layer that wishes anything decides. Lock-out and safety
 *     can only open, never-cut can only close, so nothing overrides the first two and a relay
 *     closes only when no layer above wishes it open. Every cell is tested.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "concentrator/rules/supply.h"

#define LAYERS_SUPPLIES_MAX 16

enum layer {
	LAYER_LOCKOUT,  /* a person at work */
	LAYER_SAFETY,   /* overload, temperature, malignant load */
	LAYER_OPERATOR, /* relay ROOM on|off|auto */
	LAYER_KEEP,     /* never-cut and keep-power */
	LAYER_CLOUD,    /* signed commands */
	LAYER_MONEY,    /* supply.h */
	LAYER_SCHEDULE, /* curfew and night limits */
	LAYER_COUNT,
	LAYER_NOBODY = LAYER_COUNT /* no layer wishes anything: the supply is on */
};

/* What one layer wishes. SUPPLY_HOLD: leave the relay as it is (money, before its first facts: a
 * start moves no relay). */
enum supply_wish { SUPPLY_NO_WISH, SUPPLY_ON, SUPPLY_OFF, SUPPLY_HOLD };

struct layers {
	enum supply_wish wish[LAYER_COUNT];
};

struct layers_verdict {
	enum supply_wish wish; /* SUPPLY_ON, SUPPLY_OFF or SUPPLY_HOLD */
	enum layer layer;      /* who decided; LAYER_NOBODY */
};

struct layers_verdict supply_combine(const struct layers *layers);

/* "lockout", "safety", "operator", "keep", "cloud", "money", "schedule", "none". */
const char *layer_name(enum layer layer);

/* "none", "on", "off", "hold". */
const char *supply_wish_name(enum supply_wish wish);

/* A room's supplies in a cut for money. */
struct supply_circuit {
	int64_t cut_order; /* lower goes first; equal goes together */
	bool may_cut;
};

/* What money wishes of each supply of a room. Before the state was evaluated: SUPPLY_HOLD. In a
 * cut: the lowest cut order is off at once, each next order stage_us later, and until then
 * SUPPLY_HOLD, so that a restart in the middle of the stages moves nothing back. Supplies that may
 * not be cut, and a room in credit: SUPPLY_NO_WISH. */
void supply_money_wishes(const struct supply_money *state, const struct supply_circuit circuits[],
			 size_t count, int64_t stage_us, enum supply_wish ret_wish[]);
