/* daemon.h - prepayd put together: the loop that owns the station, its lines, store and socket.
 *
 * Start-up is the list in daemon_open(). One sd-event loop takes every decision; each line, the sensors
 * and the ledger's reader have a thread that owns nothing but its job. The watchdog is fed by the loop's
 * own timer, when the loop runs and no thread is stuck past its job's computed deadline: a silent meter,
 * a dead line, an absent adapter or a failing disk is a state and an alarm, never a reason to restart.
 */
#pragma once

#include "concentrator/config.h"

struct daemon;

/* Exit codes of prepayd, listed in prepayd(8): those of the problems (platform/problem.h). */

/* Opens everything. Returns 0, or the exit code after saying what is wrong on standard error. */
int daemon_open(struct daemon **ret, const struct config *config);
struct daemon *daemon_close(struct daemon *daemon);

/* Runs until SIGTERM or SIGINT. 0 or an exit code. */
int daemon_run(struct daemon *daemon);
