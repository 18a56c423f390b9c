/* station_room.h - commissioning: supplies and rooms come and go. */
#pragma once

#include "concentrator/station_state.h"
#include "concentrator/station_tenancy.h"

/* Commissions rows (objects of strings). who and why, which may be "", stand at an opening balance. Each finding
 * names the row, counted from 0. -EINVAL after findings; nothing was changed. */
typedef void (*station_room_finding)(size_t row, const char *column, const char *detail,
				     void *userdata);
int station_rooms_add(struct station *station, const json_t *rows, bool dry_run, const char *who,
		      const char *why, station_room_finding finding, void *userdata);
/* Settles and closes the account. A dry run does the same and takes it back. -ENOTEMPTY: it has a balance and
 * write_off is not said; -EBUSY: charges of missed days wait for a person. */
int station_room_remove(struct station *station, struct station_room *room, bool write_off,
			bool dry_run, const char *why, const char *who,
			struct station_closing *ret);
