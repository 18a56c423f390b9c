/* verbs_restore.c - checkpoints for people, and a ledger for another card.
 *
 * M3  What is restored was signed by a payment root: whoever could hand in a balance could mint money, and
 *     the roots are the only keys that a box without a ledger knows.
 */
#include "concentrator/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "concentrator/ledger_checkpoint.h"
#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_event.h"
#include "concentrator/ledger_restore.h"
#include "concentrator/platform/clock.h"
#include "concentrator/platform/journal.h"
#include "concentrator/station_checkpoint.h"
#include "concentrator/station_event.h"
#include "concentrator/station_state.h"

#define FILE_BYTES_MAX ((off_t)32 * 1024 * 1024)

int verb_ledger_checkpoint(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct ledger_checkpoint_told told;
	int r = station->store_failing ? -EIO : station_checkpoint_take(station, &told);
	if (r < 0)
		return r;
	control_reply(call,
		      json_pack("{s:I,s:I,s:I,s:I}", "checkpoint", (json_int_t)told.number,
				"entries", (json_int_t)told.entries, "events",
				(json_int_t)told.events, "rows", (json_int_t)told.rows),
		      NULL);
	return 0;
}

/* The whole file as text. -EFBIG. */
static int read_file(const char *file, char **ret, size_t *ret_size)
{
	struct stat about;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	int r = fstat(fd, &about) < 0 ? -errno : 0;
	if (r == 0 && !S_ISREG(about.st_mode))
		r = -EINVAL;
	if (r == 0 && about.st_size > FILE_BYTES_MAX)
		r = -EFBIG;
	char *text = r == 0 ? malloc((size_t)about.st_size + 1) : NULL;
	size_t size = 0;
	ssize_t got = 1;
	if (r == 0 && text == NULL)
		r = -ENOMEM;
	while (r == 0 && got > 0 && size < (size_t)about.st_size) {
		got = read(fd, text + size, (size_t)about.st_size - size);
		if (got < 0)
			r = -errno;
		else
			size += (size_t)got;
	}
	(void)close(fd);
	if (r < 0) {
		free(text);
		return r;
	}
	*ret = text;
	*ret_size = size;
	return 0;
}

/* Answers with a problem; false then. */
static bool open_checkpoint(struct station *station, struct control_call *call, const char *file,
			    json_t **ret_document, struct order_checkpoint *ret)
{
	char *text = NULL, detail[ORDER_DETAIL_SIZE];
	size_t size = 0;
	json_error_t error;
	int r = read_file(file, &text, &size);
	if (r < 0) {
		control_fail(call, r == -ENOENT ? PROBLEM_NOT_FOUND : PROBLEM_FAILED, "%s: %s",
			     file, strerror(-r));
		return false;
	}
	json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	free(text);
	if (document == NULL) {
		control_fail(call, PROBLEM_USAGE, "%s: not JSON: line %d: %.120s", file, error.line,
			     error.text);
		return false;
	}
	r = order_checkpoint_verify(json_object_get(document, "checkpoint"), &station->keys.roots,
				    station->config->site.id, ret, detail);
	if (r < 0) {
		json_decref(document);
		control_fail(call, PROBLEM_REFUSED, "%s: %s", file, detail);
		return false;
	}
	*ret_document = document;
	return true;
}

static bool is_empty(struct station *station)
{
	struct ledger_totals totals;
	return station->room_count == 0 && !station->store_failing &&
	       ledger_totals_get(station->ledger, 0, &totals) == 0 && totals.entries == 0;
}

static void answer(struct station *station, struct control_call *call, int r,
		   const struct ledger_restored *restored, const struct ledger_failure *failure)
{
	bool dry_run = message_arg_bool(call->args, "dry_run", false);
	if (r < 0) {
		control_fail(call,
			     r == -EBADMSG || r == -EPROTONOSUPPORT || r == -EUCLEAN ||
					     r == -EMEDIUMTYPE
				     ? PROBLEM_REFUSED
				     : PROBLEM_FAILED,
			     "%s", failure->text);
		return;
	}
	if (!dry_run)
		journal_log(LOG_NOTICE, MESSAGE_ID_LEDGER_RESTORED, NULL,
			    "%s.restored: %lld rooms, epoch %lld, by %s; it is the ledger from the "
			    "next start of prepayd on",
			    ledger_path(station->ledger), (long long)restored->rooms,
			    (long long)restored->epoch, call->peer.user);
	control_reply(call,
		      json_pack("{s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "dry_run", dry_run,
				"epoch", (json_int_t)restored->epoch, "old_epoch",
				(json_int_t)restored->old_epoch, "at_s", (json_int_t)restored->at_s,
				"entries", (json_int_t)restored->entries, "rooms",
				(json_int_t)restored->rooms, "orders", (json_int_t)restored->orders,
				"receipts", (json_int_t)restored->receipts, "balance",
				station_money(station, restored->balance_nano), "balance_nano",
				message_nano(restored->balance_nano)),
		      NULL);
}

int verb_ledger_restore(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	const char *file = message_arg_string(call->args, "file");
	struct ledger_failure failure = {{0}};
	struct ledger_restored restored = {0};
	if (call->peer.uid != 0 && call->peer.uid != geteuid()) {
		control_fail(call, PROBLEM_NOT_AUTHORISED,
			     "only root may put another ledger in place");
		return 0;
	}
	if (file[0] != '/') {
		control_fail(call, PROBLEM_USAGE, "file is not an absolute path");
		return 0;
	}
	if (!message_arg_bool(call->args, "replace", false) && !is_empty(station)) {
		control_fail(call, PROBLEM_CONFLICT,
			     "the ledger in use has rooms or entries; it would be set aside: say "
			     "--replace if that is meant");
		return 0;
	}
	struct ledger_restore restore = {
		.path = ledger_path(station->ledger),
		.site = station->config->site.id,
		.built_s = clock_build_s,
		.now_s = station->now.s,
		.trusted = station->now.trusted,
		.now_us = station->now.us,
		.boot = station->settings.boot,
		.uid = (int64_t)call->peer.uid,
		.who = call->peer.user,
		.why = message_arg_string(call->args, "reason"),
		.epoch = message_arg_int64(call->args, "epoch", 0),
		.dry_run = message_arg_bool(call->args, "dry_run", false),
	};
	int r;
	if (message_arg_bool(call->args, "backup", false)) {
		r = ledger_restore_backup(&restore, file, &restored, &failure);
	} else {
		struct order_checkpoint checkpoint;
		json_t *document;
		if (!open_checkpoint(station, call, file, &document, &checkpoint))
			return 0;
		if (checkpoint.epoch >= restore.epoch)
			restore.epoch = checkpoint.epoch + 1;
		r = ledger_restore_checkpoint(&restore, checkpoint.head,
					      json_object_get(document, "sections"), &restored,
					      &failure);
		json_decref(checkpoint.head);
		json_decref(document);
	}
	answer(station, call, r, &restored, &failure);
	return 0;
}
