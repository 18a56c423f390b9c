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

/* The stages of a cut: cut_run_us after it began, which supplies does money wish off? The lowest
 * cut order at once, each next order stage_us later. Supplies that may not be cut never. */
void supply_stages(const struct supply_circuit circuits[], size_t count, int64_t cut_run_us,
		   int64_t stage_us, bool ret_off[]);
