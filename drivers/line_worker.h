/* line_worker.h - what the thread of one RS-485 line does: one transaction after the other.
 *
 * It owns the port and the job in its hand; everything that it shares with the loop is in the
 * mailbox. The port is tried again and again while it is absent. */
#pragma once

#include "drivers/mailbox.h"

/* The real-time priority (SCHED_RR) that the thread asks for: on a host that is busy with other
 * things the wire would else idle between two requests. Without the permission (RLIMIT_RTPRIO) it
 * goes on without. */
#define LINE_PRIORITY 10

/* Serves the mailbox until mailbox_stop(). Blocks. Both are borrowed. */
void line_work(const struct line_settings *settings, struct mailbox *mailbox);

/* The serial settings a job is asked with: its own, or with baud 0 the line's. */
struct line_tune line_tune_of(const struct line_settings *settings, const struct line_tune *tune);
