/* credit.c - see credit.h. */
#include "concentrator/rules/credit.h"

#include <errno.h>
#include <stddef.h>

#include "concentrator/rules/money.h"

enum credit_type credit_entry_type(const struct entry *entry)
{
	bool back = entry->kind == ENTRY_REVERSAL || entry->kind == ENTRY_FORFEIT ||
		    entry->kind == ENTRY_CLOSING || entry->kind == ENTRY_ROUNDING ||
		    entry->kind == ENTRY_DEBT;

	if (entry->amount_nano <= 0 && !back)
		return CREDIT_TYPES;
	if (entry->flags & ENTRY_OF_ALLOWANCE)
		return CREDIT_ALLOWANCE;
	return entry->flags & ENTRY_OF_SUBSIDY ? CREDIT_SUBSIDY : CREDIT_PAID;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t *bucket(struct credit_purse *purse, enum credit_type type)
{
	if (type == CREDIT_ALLOWANCE)
		return &purse->allowance_nano;
	return type == CREDIT_SUBSIDY ? &purse->subsidy_nano : NULL;
}

/* Takes nano out of what is not paid, the type named first; what they do not hold is paid, or owed. */
static void take(struct credit_purse *purse, int64_t nano, enum credit_type first)
{
	int64_t paid = purse->balance_nano - purse->allowance_nano - purse->subsidy_nano;
	int64_t *own = bucket(purse, first);

	if (own) {
		int64_t part = least(*own, nano);

		*own -= part;
		nano -= part;
	} else if (first == CREDIT_PAID && paid > 0) {
		nano -= least(paid, nano);
	}
	int64_t *const held[] = {&purse->allowance_nano, &purse->subsidy_nano};

	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		int64_t part = least(*held[i], nano);

		*held[i] -= part;
		nano -= part;
	}
}

static int change(struct credit_purse *purse, int64_t amount_nano, enum credit_type type)
{
	int64_t owed = purse->balance_nano < 0 ? purse->balance_nano : 0;
	int64_t *held = bucket(purse, type);
	int64_t balance, minus;

	if (money_add(purse->balance_nano, amount_nano, &balance) < 0)
		return -ERANGE;
	if (amount_nano < 0) {
		if (money_subtract(0, amount_nano, &minus) < 0)
			return -ERANGE;
		take(purse, minus, type);
	} else if (held && owed + amount_nano > 0) {
		/* What repays a line is no credit of any type. */
		*held += owed + amount_nano;
	}
	purse->balance_nano = balance;
	return 0;
}

int credit_apply(struct credit_purse *purse, const struct entry *entry)
{
	return change(purse, entry->amount_nano, credit_entry_type(entry));
}

int credit_spend(struct credit_purse *purse, int64_t nano)
{
	return change(purse, -nano, CREDIT_TYPES);
}

static int64_t base_nano(const struct credit_terms *terms)
{
	return terms->cutoff_nano - terms->overdraft_nano;
}

int64_t credit_cutoff_nano(const struct credit_terms *terms, enum emergency_state state)
{
	return base_nano(terms) - (state == EMERGENCY_ACTIVE ? terms->emergency_nano : 0);
}

bool emergency_offered(const struct credit_emergency *emergency, const struct credit_terms *terms,
		       int64_t balance_nano)
{
	return emergency->state == EMERGENCY_NONE && terms->emergency_nano > 0 &&
	       balance_nano <= terms->emergency_at_nano;
}

enum emergency_event emergency_step(struct credit_emergency *emergency,
				    const struct credit_terms *terms, int64_t best_nano)
{
	bool repaid = best_nano >= base_nano(terms) + terms->restore_min_nano;

	if (emergency->state == EMERGENCY_NONE)
		return EMERGENCY_NOTHING;
	if (emergency->state == EMERGENCY_ACTIVE && best_nano < base_nano(terms))
		emergency->used = true;
	if (!repaid || (!emergency->used && best_nano <= terms->emergency_at_nano))
		return EMERGENCY_NOTHING;
	*emergency = (struct credit_emergency){0};
	return EMERGENCY_REPAID;
}

bool emergency_cut(struct credit_emergency *emergency, const struct credit_terms *terms,
		   int64_t best_nano)
{
	if (emergency->state != EMERGENCY_ACTIVE ||
	    best_nano > credit_cutoff_nano(terms, EMERGENCY_ACTIVE))
		return false;
	*emergency = (struct credit_emergency){.state = EMERGENCY_SPENT, .used = true};
	return true;
}

/* A line that reaches from one balance down to a lower one. */
static struct credit_line line(int64_t balance_nano, int64_t from_nano, int64_t to_nano)
{
	struct credit_line got = {.limit_nano = from_nano - to_nano};

	if (balance_nano < from_nano)
		got.used_nano = balance_nano > to_nano ? from_nano - balance_nano : got.limit_nano;
	got.left_nano = got.limit_nano - got.used_nano;
	return got;
}

void credit_list(const struct credit_purse *purse, const struct credit_terms *terms,
		 const struct credit_emergency *emergency, struct credit_line ret[CREDIT_TYPES])
{
	int64_t base = base_nano(terms);
	int64_t paid = purse->balance_nano - purse->allowance_nano - purse->subsidy_nano;

	ret[CREDIT_ALLOWANCE] = (struct credit_line){.left_nano = purse->allowance_nano};
	ret[CREDIT_SUBSIDY] = (struct credit_line){.left_nano = purse->subsidy_nano};
	ret[CREDIT_PAID] = (struct credit_line){.left_nano = paid > 0 ? paid : 0};
	ret[CREDIT_OVERDRAFT] = line(purse->balance_nano, 0, base);
	ret[CREDIT_EMERGENCY] = (struct credit_line){.limit_nano = terms->emergency_nano};
	if (emergency->state != EMERGENCY_NONE)
		ret[CREDIT_EMERGENCY] = line(purse->balance_nano, base,
					     base - terms->emergency_nano);
	if (emergency->state != EMERGENCY_ACTIVE)
		ret[CREDIT_EMERGENCY].left_nano = 0;
}

const char *credit_type_name(enum credit_type type)
{
	switch (type) {
	case CREDIT_ALLOWANCE:
		return "allowance";
	case CREDIT_SUBSIDY:
		return "subsidy";
	case CREDIT_PAID:
		return "paid";
	case CREDIT_OVERDRAFT:
		return "overdraft";
	case CREDIT_EMERGENCY:
		return "emergency";
	case CREDIT_TYPES:
		break;
	}
	return "";
}

const char *emergency_state_name(enum emergency_state state)
{
	switch (state) {
	case EMERGENCY_NONE:
		return "none";
	case EMERGENCY_ACTIVE:
		return "active";
	case EMERGENCY_SPENT:
		return "spent";
	}
	return "unknown";
}
