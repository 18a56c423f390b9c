/* ledger_event.h - the outbox and the audit.
 *
 * Events are keyed (epoch, seq); committed ones have no gap. The outbox is a cursor over them: nothing
 * is dropped by age, size or number of attempts (U1), and a refused one never blocks (U2).
 */
#pragma once

#include "concentrator/ledger.h"

#define LEDGER_LANES    4
#define LEDGER_BODY_MAX 32768

struct ledger_event {
	int64_t epoch;
	int64_t seq;
	int32_t lane; /* 0 receipts and relay results, 1 entries and alarms, 2 readings, 3 logs */
	char type[LEDGER_NAME_MAX + 1];
	int64_t at_s;
	bool trusted;
	const char *body; /* JSON text; borrowed */
};

struct ledger_outbox {
	int64_t epoch;
	int64_t last;                  /* seq of the last event; 0: none */
	int64_t through;               /* acknowledged up to and with this seq */
	int64_t waiting[LEDGER_LANES]; /* not acknowledged */
	int64_t refused;               /* kept after a refusal by the cloud */
};

struct ledger_audit {
	int64_t id; /* assigned */
	int64_t at_s;
	bool trusted;
	int64_t uid;
	char who[LEDGER_TEXT_MAX + 1];
	char verb[LEDGER_NAME_MAX + 1];
	const char *what; /* arguments, at most 4096 bytes; borrowed */
	char why[LEDGER_TEXT_MAX + 1];
};

typedef int (*ledger_event_fn)(const struct ledger_event *event, void *userdata);
typedef int (*ledger_audit_fn)(const struct ledger_audit *audit, void *userdata);

/* Needs a transaction. ret_seq may be NULL. */
LEDGER_CHECKED int ledger_event_put(struct ledger *ledger, int32_t lane, const char *type,
				    int64_t at_s, bool trusted, const char *body, int64_t *ret_seq);
/* Oldest first, behind after; lane -1: all. */
LEDGER_CHECKED int ledger_events_each(struct ledger *ledger, int64_t after, int32_t lane, int limit,
				      ledger_event_fn row, void *userdata);
/* Newest first, of one lane and type. */
LEDGER_CHECKED int ledger_events_tail(struct ledger *ledger, int32_t lane, const char *type,
				      ledger_event_fn row, void *userdata);
/* Needs a transaction. Never moves back (0, nothing done). -ESTALE another epoch; -ERANGE behind the
 * last event. */
LEDGER_CHECKED int ledger_outbox_acknowledge(struct ledger *ledger, int64_t epoch, int64_t through);
/* Needs a transaction. The event stays; -EEXIST it was refused before; -ENOENT no such event. */
LEDGER_CHECKED int ledger_outbox_refuse(struct ledger *ledger, int64_t seq, int64_t status,
					const char *detail, int64_t at_s);
/* Opens and commits a transaction of its own. The ledger is older than what the cloud has of it: from here on
 * events are numbered in another epoch, and those behind through are sent (again) in it. -ERANGE: epoch is
 * not higher than the present one, or through not one of its events. */
LEDGER_CHECKED int ledger_epoch_begin(struct ledger *ledger, int64_t epoch, int64_t through);
LEDGER_CHECKED int ledger_outbox_get(struct ledger *ledger, struct ledger_outbox *ret);

/* Needs a transaction: the one of what is audited, or one before it. Fills audit->id. */
LEDGER_CHECKED int ledger_audit_put(struct ledger *ledger, struct ledger_audit *audit);
/* Newest first, older than before_id (0: from the newest). */
LEDGER_CHECKED int ledger_audits_tail(struct ledger *ledger, int64_t before_id, int limit,
				      ledger_audit_fn row, void *userdata);
