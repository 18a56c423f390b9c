/* station_debt.h - debts beside the balance: taken from recharges and by date, and what ends them.
 *
 * All but station_debts_run() and the two questions in the caller's transaction.
 */
#pragma once

#include "concentrator/station_state.h"

/* What a recharge of the tenant's own money pays of them; its entry was appended before. */
int station_debts_take(struct station *station, struct station_room *room,
		       const struct entry *recharge, struct debt_split *ret);
/* What a recharge paid of them goes back with it, but for what kept_nano, the part of the recharge that is not
 * taken back, would have paid; order is the entry that takes it back, appended before. ret: all negative, its parts
 * add up to the order's amount. */
int station_debts_give_back(struct station *station, const struct station_room *room,
			    const char *recharge, int64_t kept_nano, const struct entry *order,
			    struct debt_split *ret);
/* What a standing charge does to a room; cut: it was cut for money when that fell due. */
enum debt_answer station_standing_answer(const struct station *station,
					 const struct station_room *room, bool cut);
/* name, owner, reason, total_nano and how it is recovered are the caller's. -E2BIG: the room has
 * STATION_DEBTS_MAX; -EDQUOT: more than one room may owe. */
int station_debt_add(struct station *station, struct station_room *room, struct ledger_debt *debt);
/* What fell due and is taken from the next recharge. Errors as station_debt_add(). */
int station_debt_accumulate(struct station *station, struct station_room *room, const char *name,
			    int64_t nano, const char *why);
/* Takes what the balance has, and ends them; ret_left_nano is what stays owed. */
int station_debts_close(struct station *station, struct station_room *room, const char *who,
			int64_t *ret_left_nano);
int station_debts_move(struct station *station, struct station_room *from, struct station_room *to);
/* Once a second: takes what falls due by date. */
void station_debts_run(struct station *station);
