/* station_credit.h - the credits behind a room's balance, and the lines below it. */
#pragma once

#include "concentrator/station_state.h"

struct credit_terms station_terms(const struct station *station, const struct station_room *room);
/* The building's policy with the cut-off of this room. */
struct supply_policy station_policy(const struct station *station, const struct station_room *room);
int station_load_credits(struct station *station);
/* Counts the entries that are new. */
int station_credit_follow(struct station *station, struct station_room *room);
/* After a rollback: takes back what was counted of it. */
void station_credits_rewind(struct station *station);
/* Now and then, in the caller's transaction: keeps the count. */
int station_credit_keep_due(struct station *station, struct station_room *room);
/* By the live balance. */
void station_credit_list(const struct station *station, const struct station_room *room,
			 struct credit_line ret[CREDIT_TYPES]);
bool station_emergency_offered(const struct station *station, const struct station_room *room);
/* These three in the caller's transaction: the room's memory moves at once, take it back with that. */
int station_emergency_activate(struct station *station, struct station_room *room);
/* own: agreed for this room; else the building's counts. */
int station_overdraft_set(struct station *station, struct station_room *room, bool own,
			  int64_t limit_nano);
/* The room is being cut: is its emergency credit spent? */
int station_credit_cut(struct station *station, struct station_room *room);
/* Once a second and after every change of the balance: activates, and ends what is repaid. */
void station_credit_review(struct station *station, struct station_room *room);
