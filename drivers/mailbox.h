/* mailbox.h - what the loop thread and a line's worker share: two jobs, some results, the state.
 *
 * All of it under one mutex, which is never held over a call that can wait. The worker parks on one
 * eventfd, the loop learns of results by another. line.h hands the loop's side through as it is.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/line.h"

#define MAILBOX_JOBS        2
#define MAILBOX_RESULTS     8
#define MAILBOX_NO_DEADLINE INT64_MAX

struct mailbox {
	int result_fd;
	int wake_fd;

	pthread_mutex_t mutex; /* keeps all of the following */
	struct line_job queue[MAILBOX_JOBS];
	size_t n_queued;
	uint64_t n_submitted; /* since ever: has anything come since I looked? */
	bool busy;            /* the worker has a job in hand */
	bool parked;
	bool stop;
	struct line_result results[MAILBOX_RESULTS];
	size_t first_result;
	size_t n_results;
	enum line_state state;
	int state_error;
	int64_t deadline_us; /* what the worker does should be over by then */
};

/* What mailbox_look() saw. */
struct mailbox_view {
	size_t n_queued;
	uint64_t n_submitted;
	bool stop;
};

/* -ENOMEM or what eventfd() says; then nothing has to be closed. */
int mailbox_init(struct mailbox *mailbox);
void mailbox_destroy(struct mailbox *mailbox);

/* The loop's side; see line.h. */
int mailbox_submit(struct mailbox *mailbox, const struct line_job *job);
int mailbox_recall(struct mailbox *mailbox, struct line_job *ret);
int mailbox_take(struct mailbox *mailbox, struct line_result *ret);
int mailbox_held(struct mailbox *mailbox);
enum line_state mailbox_state(struct mailbox *mailbox, int *ret_error);
int64_t mailbox_overdue_us(struct mailbox *mailbox, int64_t now_us);
void mailbox_stop(struct mailbox *mailbox);

/* The worker's side. */
struct mailbox_view mailbox_look(struct mailbox *mailbox);

/* Takes the oldest job whose slave does not rest in hand. False: there is none. */
bool mailbox_pick(struct mailbox *mailbox, const struct exchange_line *memory, int64_t now_us,
		  struct line_job *ret);

/* The job in hand is done; the worker has no deadline. */
void mailbox_drop(struct mailbox *mailbox);

void mailbox_hand_over(struct mailbox *mailbox, const struct line_result *result);
void mailbox_set_state(struct mailbox *mailbox, enum line_state state, int error);
void mailbox_set_deadline(struct mailbox *mailbox, int64_t deadline_us);

/* Waits until woken or for timeout_us (negative: no limit), unless something came since the
 * view. */
void mailbox_park(struct mailbox *mailbox, const struct mailbox_view *view, int64_t timeout_us);
