/* profile.h - what every circuit's register showed each quarter of an hour, in a file of its own.
 *
 * Not money: it may lose half an hour, and a file that fails is an alarm and nothing more. Both functions open
 * the file, do their work in one transaction and close it again; they block for the disk and run in the
 * reader's thread (reader.h), never in the loop.
 *
 * A profile tells when somebody is at home: no more than profile_days are kept, and each look is audited.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PROFILE_SLOT_S       INT64_C(900)
#define PROFILE_SUPPLIES_MAX 32 /* asked for at once */

struct profile_row {
	int64_t at_s; /* Unix; a multiple of PROFILE_SLOT_S */
	int64_t supply_id;
	int64_t life_id;     /* another meter's register says nothing about energy */
	int64_t register_wh; /* unwrapped */
};

struct profile_batch {
	int64_t keep_s; /* what is older is dropped */
	size_t count;
	struct profile_row rows[];
};

struct profile_request {
	int64_t from_s; /* inclusive, both */
	int64_t to_s;
	size_t count;
	int64_t supply_id[PROFILE_SUPPLIES_MAX];
};

struct profile_page {
	size_t count;
	struct profile_row rows[]; /* by time, then by supply */
};

/* Makes the file where there is none. A row that is there is replaced. vfs as in struct ledger_settings.
 * -EMEDIUMTYPE it is another file; -EIO, -ENOSPC, -EACCES, -ENOENT of the disk; -EBUSY. */
__attribute__((warn_unused_result)) int profile_write(const char *path, const char *vfs,
						      const struct profile_batch *batch);
/* Free *ret with free(3). As profile_write(); a file that is not there has no rows. */
__attribute__((warn_unused_result)) int profile_read(const char *path, const char *vfs,
						     const struct profile_request *request,
						     struct profile_page **ret);
