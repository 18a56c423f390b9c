/* station_tenancy.h - tenants come and go, and balances with them, where no cloud does it.
 *
 * All inside a change.
 */
#pragma once

#include "concentrator/station_change.h"
#include "concentrator/station_state.h"

/* What became of a balance. */
struct station_closing {
	int64_t paid_nano;    /* carried out, or moved: positive is the tenant's, negative a debt */
	int64_t rounded_nano; /* less than the smallest coin, left in an entry of its own */
	int64_t debts_nano;   /* owed beside the balance, and not paid by it */
	int64_t given_up_nano;  /* a debt that was written off instead */
	int64_t forfeited_nano; /* allowance and subsidy left, which nobody paid for */
};

/* Brings the balance to exactly zero: what was not paid for is forfeited, debts take what they can and
 * end, the rest is carried out, and what is less than a coin is left in a rounding entry. give_up: what is
 * owed is written off, and not carried out. In the caller's transaction, after a settlement. */
int station_pay_out(struct station *station, const struct station_change *change,
		    struct station_room *room, bool give_up, struct station_closing *ret);
/* -EEXIST: the room has a tenancy; -EAGAIN: another one of it began in this second; -ESTALE: as
 * station_move_out(): with last_reading what a meter counts up to its next reading is the house's. */
int station_move_in(struct station *station, const struct station_change *change,
		    struct station_room *room, const char *tenancy, bool last_reading,
		    struct station_closing *ret);
/* Charges to the final reading and carries the balance out. -ENOENT: there is no tenancy; -ESTALE: a meter
 * was not read lately or is in quarantine, and last_reading does not say that its last good one counts. */
int station_move_out(struct station *station, const struct station_change *change,
		     struct station_room *room, bool last_reading, struct station_closing *ret);
/* The tenant and the whole balance go to another room. As station_move_out(); -EEXIST: to has a tenancy;
 * -EAGAIN: one of it began in this second; -ENOTEMPTY: it has a balance. */
int station_transfer(struct station *station, const struct station_change *change,
		     struct station_room *from, struct station_room *to, bool last_reading,
		     struct station_closing *ret);
int station_adjust(struct station *station, const struct station_change *change,
		   struct station_room *room, int64_t amount_nano, int64_t refers);
/* A debt is given up. -ENOTEMPTY: there is none. */
int station_write_off(struct station *station, const struct station_change *change,
		      struct station_room *room, struct station_closing *ret);
