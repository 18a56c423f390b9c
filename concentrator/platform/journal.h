/* journal.h - one event, one line, with structured fields where journald listens.
 *
 * Only the shell logs. When standard error is a stream to journald ($JOURNAL_STREAM), the line goes there
 * with MESSAGE_ID and its fields; else it is one plain line on standard error, led by "<N>" when
 * $PREPAY_LOG_PREFIX is 1. Control characters in the text are shown as '?'. Keeps no state; safe in any
 * thread; may block for as long as standard error does.
 *
 *     journal_log(LOG_NOTICE, MESSAGE_ID_ROOM_CUT, JOURNAL_FIELDS({"ROOM", room}),
 *                 "room %s: cut for money; balance %s", room, balance);
 */
#pragma once

#include <syslog.h>

#include "concentrator/platform/message_ids.h"

#define JOURNAL_FIELDS_MAX 16

/* name is capital letters, digits and '_'. A NULL value leaves the field out. */
struct journal_field {
	const char *name;
	const char *value;
};

#define JOURNAL_FIELDS(...) ((const struct journal_field[]){__VA_ARGS__, {NULL, NULL}})

/* priority: LOG_ERR someone must act, LOG_WARNING degraded, LOG_NOTICE money or supply changed, LOG_INFO
 * life cycle, LOG_DEBUG left out unless $PREPAY_DEBUG is 1. message_id and fields may be NULL. */
void journal_log(int priority, const char *message_id, const struct journal_field *fields,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));
