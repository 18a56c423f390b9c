/* station_money.h - the room's money: live balance, settlements, and whether it may have power. */
#pragma once

#include "concentrator/station_state.h"

/* S8: is enough known of the room since the start to decide about its money? */
bool station_room_known(const struct station *station, const struct station_room *room);
/* Recomputes what the room spent in the last seven days. */
void station_week(struct station *station, struct station_room *room);
/* Recomputes live and best balance of a room. */
void station_balance(struct station *station, struct station_room *room);
/* Appends the entries of all energy accepted and not settled; inside the caller's transaction, of which
 * station_commit() moves the marks. Call it before any other entry of the room: its balance is read again
 * then. -ERANGE and -EINVAL: part of the energy cannot be priced or does not fit; what was appended
 * stands, so the transaction may go on. Other -errno of the ledger: roll back. */
int station_settle_room(struct station *station, struct station_room *room, const char *why);
/* For station_commit(): the transaction is on the disk, memory follows. */
void station_settled(struct station *station, uint64_t transaction);
/* Takes the money decision, the supplies' and the relays' for a room, and carries them out. */
void station_review(struct station *station, struct station_room *room);
void station_settle_due(struct station *station);
/* Time, boot and their quality on an entry. */
void station_stamp(const struct station *station, struct entry *entry);
/* Unix second of the earliest cut that is announced; 0: none. */
int64_t station_earliest_s(const struct station *station, const struct station_room *room);

/* What is known about the money of a room, for the rules. */
struct supply_facts station_facts(const struct station *station, const struct station_room *room);
