/* survey.h - the scan or the test of one line: between what asks (scan.h, line_test.h) and the line.
 *
 * It takes half of the line's time at most while there is metering to do, and all of it else. A relay
 * command goes first, always. It has no request but reads: what it gives out is made here from a struct
 * scan_read, which has no place for a value.
 *
 * It lives for those who watch: when nobody has asked how far it is for a minute, or the one who waits
 * for it has gone, it is cancelled.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "concentrator/control_server.h"
#include "concentrator/line_test.h"
#include "concentrator/scan.h"
#include "drivers/line.h"

#define SURVEY_UNWATCHED_US INT64_C(60000000)
#define SURVEY_WAIT_MAX_MS  30000

enum survey_state { SURVEY_RUNNING, SURVEY_DONE, SURVEY_CANCELLED, SURVEY_FAILED };

struct survey;

/* Takes scan, or copies test; the other is NULL. -ENOMEM: the scan is closed. */
int survey_open(struct survey **ret, struct scan *scan, const struct line_test *test,
		int64_t now_us);
/* Answers who waits. Accepts NULL, returns NULL. */
struct survey *survey_close(struct survey *survey);

/* The next job, where it is the survey's turn; idle: the line has nothing else to do. At most one is
 * out. The tag is the caller's. */
bool survey_next(struct survey *survey, bool idle, int64_t now_us, struct line_job *ret);
/* A job of the survey before this one is still out: its end is taken for nobody's. */
void survey_hold(struct survey *survey);
/* The job was not sent after all. */
void survey_put_back(struct survey *survey);
/* The job has ended. */
void survey_end(struct survey *survey, const struct line_result *result, int64_t now_us);
/* The line spent this long on its own work. */
void survey_metered(struct survey *survey, int64_t took_us);

/* Is the line to be left silent now? busy: jobs are out; relay: a command waits, and ends the pause.
 * ret_wait_us: until when. */
bool survey_pauses(struct survey *survey, bool busy, bool relay, int64_t now_us,
		   int64_t *ret_wait_us);

/* Looks after those who wait and watch. */
void survey_tick(struct survey *survey, int64_t now_us);

void survey_cancel(struct survey *survey, const char *why, int64_t now_us);
void survey_fail(struct survey *survey, const char *why, int64_t now_us);

enum survey_state survey_state(const struct survey *survey);
const char *survey_state_name(enum survey_state state);
const char *survey_detail(const struct survey *survey);
const struct scan *survey_scan(const struct survey *survey);      /* NULL: a test */
const struct line_test *survey_test(const struct survey *survey); /* NULL: a scan */
/* remaining -1: not known yet. */
void survey_progress(const struct survey *survey, int64_t now_us, int64_t *ret_done,
		     int64_t *ret_total, int64_t *ret_elapsed_s, int64_t *ret_remaining_s);

/* Keeps the call until the survey has ended or until_us; answer is called then. -EBUSY: one waits. */
int survey_wait(struct survey *survey, struct control_call *call, int64_t until_us,
		void (*answer)(void *userdata, struct control_call *call), void *userdata);
/* Somebody asked how far it is. */
void survey_watched(struct survey *survey, int64_t now_us);
