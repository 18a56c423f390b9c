/* station_register.h - what people decide about a register: accept, reject, exchange (M6). */
#pragma once

#include "concentrator/station_change.h"
#include "concentrator/station_state.h"

/* What a decision did; all of them inside a change. */
struct station_decision {
	enum entry_kind kind; /* what became of the energy; 0: there was none */
	int64_t energy_wh;
	int64_t amount_nano; /* negative or 0 */
	int64_t from_wh;     /* unwrapped, of the old life */
	int64_t to_wh;
	bool life_ended;
	int64_t baseline_wh; /* where the register goes on from */
	char refusal[256];   /* why it cannot be, with -EPERM */
};

struct ledger_quarantine;
/* The quarantined register is true: kind ENTRY_CHARGE, or ENTRY_QUARANTINE to set the energy aside. */
int station_register_accept(struct station *station, const struct station_change *change,
			    struct station_supply *supply, const struct ledger_quarantine *record,
			    enum entry_kind kind, bool rolled_over, struct station_decision *ret);
/* It is not: what the meter shows now is where it goes on from, and nobody pays for the way there. */
int station_register_reject(struct station *station, const struct station_change *change,
			    struct station_supply *supply, const struct ledger_quarantine *record,
			    struct station_decision *ret);
/* Another meter of the same model took its place. final_wh as the old one showed it; -1: it cannot be
 * read, the last accepted register counts. */
int station_register_exchange(struct station *station, const struct station_change *change,
			      struct station_supply *supply, int64_t final_wh, int64_t initial_wh,
			      const char *serial, struct station_decision *ret);
/* After the commit: alarms that are over. */
void station_register_decided(struct station *station, struct station_supply *supply);
