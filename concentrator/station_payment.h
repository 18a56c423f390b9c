/* station_payment.h - a quarantined order is decided by a person: credited to a room, or given back, once
 * (M3).
 */
#pragma once

#include "concentrator/station_change.h"
#include "concentrator/station_state.h"

struct station_payment {
	struct order_item item;     /* station_payment_clear() */
	struct order_credit credit; /* what it says */
	char result[LEDGER_NAME_MAX + 1];
	char detail[LEDGER_TEXT_MAX + 1]; /* why it is there, or what is wrong with it */
};

/* Reads the order back. -ENOENT: it never came; -EPERM: it is not quarantined (result says what it is);
 * -EINVAL: its payload is no credit for this box. */
int station_payment_read(struct station *station, const char *mrid, struct station_payment *ret);
void station_payment_clear(struct station_payment *payment);
/* Inside a change of the room: credits it there. -EPERM: a reversal that may not be (detail says why);
 * -ERANGE: the balance would not fit. */
int station_payment_accept(struct station *station, const struct station_change *change,
			   struct station_room *room, struct station_payment *payment);
/* In the caller's transaction: it is never credited; whoever sent it is told to give it back. */
int station_payment_reject(struct station *station, const struct station_payment *payment,
			   const char *who, const char *why);
