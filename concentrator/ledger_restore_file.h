/* ledger_restore_file.h - the file of a ledger that is being restored: made, marked, named, put in place.
 *
 * Private to concentrator/ledger*.c. PATH.restored.partial is in the making, PATH.restored is whole, and
 * PATH.before-restore-TIME is what it replaced.
 */
#pragma once

#include "concentrator/ledger_restore.h"

#include <limits.h>

#define RESTORE_PATH_MAX PATH_MAX

__attribute__((format(printf, 3, 4))) int restore_refuse(struct ledger_failure *ret_failure,
							 int error, const char *format, ...);
/* The new epoch follows from the old one and the wish. -ERANGE. */
LEDGER_CHECKED int restore_epoch(const struct ledger_restore *restore, struct ledger_restored *ret,
				 struct ledger_failure *ret_failure);
/* Names the file in the making, of which nothing is there then. */
LEDGER_CHECKED int restore_begin(const struct ledger_restore *restore,
				 char ret_partial[static RESTORE_PATH_MAX],
				 struct ledger_failure *ret_failure);
LEDGER_CHECKED int restore_open(const struct ledger_restore *restore, const char *partial,
				struct ledger **ret, struct ledger_failure *ret_failure);
/* In a transaction: the epoch, and that everything is to be sent and looked at again. */
LEDGER_CHECKED int restore_mark(struct ledger *ledger, int64_t epoch);
LEDGER_CHECKED int restore_audit(struct ledger *ledger, const struct ledger_restore *restore,
				 const char *from, const char *head);
/* error 0 and no dry run: names the file. Else removes it. Returns error, or what went wrong. */
LEDGER_CHECKED int restore_end(const struct ledger_restore *restore, const char *partial, int error,
			       struct ledger_failure *ret_failure);
