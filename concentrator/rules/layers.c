/* layers.c - see layers.h. S3 is kept here. */
#include "concentrator/rules/layers.h"

#define MAY(wish) (1U << (wish))

/* What each layer may wish; anything else is no wish. */
static const unsigned int allowed[LAYER_COUNT] = {
	[LAYER_LOCKOUT] = MAY(SUPPLY_OFF),
	[LAYER_SAFETY] = MAY(SUPPLY_OFF),
	[LAYER_OPERATOR] = MAY(SUPPLY_ON) | MAY(SUPPLY_OFF),
	[LAYER_KEEP] = MAY(SUPPLY_ON),
	[LAYER_CLOUD] = MAY(SUPPLY_ON) | MAY(SUPPLY_OFF),
	[LAYER_MONEY] = MAY(SUPPLY_ON) | MAY(SUPPLY_OFF) | MAY(SUPPLY_HOLD),
	[LAYER_SCHEDULE] = MAY(SUPPLY_ON) | MAY(SUPPLY_OFF),
};

struct layers_verdict supply_combine(const struct layers *layers)
{
	for (enum layer layer = LAYER_LOCKOUT; layer < LAYER_COUNT; layer++) {
		enum supply_wish wish = layers->wish[layer];

		if (allowed[layer] & MAY(wish))
			return (struct layers_verdict){.wish = wish, .layer = layer};
	}
	return (struct layers_verdict){.wish = SUPPLY_ON, .layer = LAYER_NOBODY};
}

const char *layer_name(enum layer layer)
{
	static const char *const names[] = {
		[LAYER_LOCKOUT] = "lockout",   [LAYER_SAFETY] = "safety",
		[LAYER_OPERATOR] = "operator", [LAYER_KEEP] = "keep",
		[LAYER_CLOUD] = "cloud",       [LAYER_MONEY] = "money",
		[LAYER_SCHEDULE] = "schedule", [LAYER_NOBODY] = "none",
	};

	return layer <= LAYER_NOBODY ? names[layer] : "unknown";
}

const char *supply_wish_name(enum supply_wish wish)
{
	switch (wish) {
	case SUPPLY_NO_WISH:
		return "none";
	case SUPPLY_ON:
		return "on";
	case SUPPLY_OFF:
		return "off";
	case SUPPLY_HOLD:
		return "hold";
	}
	return "unknown";
}

/* How many different lower cut orders go before this one. */
static int64_t stage_of(const struct supply_circuit circuits[], size_t count, size_t index)
{
	int64_t stage = 0;

	for (size_t i = 0; i < count; i++) {
		bool first = circuits[i].may_cut &&
			     circuits[i].cut_order < circuits[index].cut_order;

		for (size_t k = 0; k < i && first; k++)
			first = !circuits[k].may_cut ||
				circuits[k].cut_order != circuits[i].cut_order;
		stage += first;
	}
	return stage;
}

void supply_money_wishes(const struct supply_money *state, const struct supply_circuit circuits[],
			 size_t count, int64_t stage_us, enum supply_wish ret_wish[])
{
	for (size_t i = 0; i < count; i++) {
		if (!state->evaluated)
			ret_wish[i] = SUPPLY_HOLD;
		else if (!state->cut || !circuits[i].may_cut)
			ret_wish[i] = SUPPLY_NO_WISH;
		else if (stage_us <= 0 ||
			 state->cut_run_us / stage_us >= stage_of(circuits, count, i))
			ret_wish[i] = SUPPLY_OFF;
		else
			ret_wish[i] = SUPPLY_HOLD;
	}
}
