#include "drivers/mailbox.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define US_PER_S  1000000
#define NS_PER_US 1000

/* The worker may have a higher priority than the loop: whoever holds the mutex inherits it. */
static int init_mutex(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attributes;
	int r = pthread_mutexattr_init(&attributes);

	if (r != 0)
		return -r;
	r = pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
	if (r == 0)
		r = pthread_mutex_init(mutex, &attributes);
	(void)pthread_mutexattr_destroy(&attributes);
	return -r;
}

int mailbox_init(struct mailbox *mailbox)
{
	int r;

	memset(mailbox, 0, sizeof(*mailbox));
	mailbox->deadline_us = MAILBOX_NO_DEADLINE;
	mailbox->state_error = -ENODEV;
	mailbox->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mailbox->wake_fd < 0)
		return -errno;
	mailbox->result_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = mailbox->result_fd < 0 ? -errno : init_mutex(&mailbox->mutex);
	if (r == 0)
		return 0;
	if (mailbox->result_fd >= 0)
		(void)close(mailbox->result_fd);
	(void)close(mailbox->wake_fd);
	return r;
}

void mailbox_destroy(struct mailbox *mailbox)
{
	(void)pthread_mutex_destroy(&mailbox->mutex);
	(void)close(mailbox->result_fd);
	(void)close(mailbox->wake_fd);
}

static void lock(struct mailbox *mailbox)
{
	(void)pthread_mutex_lock(&mailbox->mutex);
}

static void unlock(struct mailbox *mailbox)
{
	(void)pthread_mutex_unlock(&mailbox->mutex);
}

static size_t held(const struct mailbox *mailbox)
{
	return mailbox->n_queued + (mailbox->busy ? 1U : 0U);
}

int mailbox_submit(struct mailbox *mailbox, const struct line_job *job)
{
	int r = frame_check(&job->request);

	if (r < 0)
		return r;
	lock(mailbox);
	/* Each job held has its place among the results, and so has one not handed over yet. */
	if (held(mailbox) >= MAILBOX_JOBS ||
	    held(mailbox) + mailbox->n_results + 1 >= MAILBOX_RESULTS) {
		r = -EBUSY;
	} else {
		mailbox->queue[mailbox->n_queued++] = *job;
		mailbox->n_submitted++;
		if (mailbox->parked)
			(void)eventfd_write(mailbox->wake_fd, 1);
	}
	unlock(mailbox);
	return r;
}

int mailbox_recall(struct mailbox *mailbox, struct line_job *ret)
{
	int r = -ENOENT;

	lock(mailbox);
	if (mailbox->n_queued > 0) {
		*ret = mailbox->queue[--mailbox->n_queued];
		r = 0;
	}
	unlock(mailbox);
	return r;
}

int mailbox_take(struct mailbox *mailbox, struct line_result *ret)
{
	eventfd_t count;
	int r = -EAGAIN;

	lock(mailbox);
	if (mailbox->n_results > 0) {
		*ret = mailbox->results[mailbox->first_result];
		mailbox->first_result = (mailbox->first_result + 1) % MAILBOX_RESULTS;
		mailbox->n_results--;
		r = 0;
	} else {
		(void)eventfd_read(mailbox->result_fd, &count);
	}
	unlock(mailbox);
	return r;
}

int mailbox_held(struct mailbox *mailbox)
{
	int n;

	lock(mailbox);
	n = (int)held(mailbox);
	unlock(mailbox);
	return n;
}

enum line_state mailbox_state(struct mailbox *mailbox, int *ret_error)
{
	enum line_state state;

	lock(mailbox);
	state = mailbox->state;
	if (ret_error != NULL)
		*ret_error = mailbox->state_error;
	unlock(mailbox);
	return state;
}

int64_t mailbox_overdue_us(struct mailbox *mailbox, int64_t now_us)
{
	int64_t deadline_us;

	lock(mailbox);
	deadline_us = mailbox->deadline_us;
	unlock(mailbox);
	return now_us > deadline_us ? now_us - deadline_us : 0;
}

void mailbox_stop(struct mailbox *mailbox)
{
	lock(mailbox);
	mailbox->stop = true;
	(void)eventfd_write(mailbox->wake_fd, 1);
	unlock(mailbox);
}

struct mailbox_view mailbox_look(struct mailbox *mailbox)
{
	struct mailbox_view view;

	lock(mailbox);
	view = (struct mailbox_view){.n_queued = mailbox->n_queued,
				     .n_submitted = mailbox->n_submitted,
				     .stop = mailbox->stop};
	unlock(mailbox);
	return view;
}

bool mailbox_pick(struct mailbox *mailbox, const struct exchange_line *memory, int64_t now_us,
		  struct line_job *ret)
{
	size_t i = 0;
	bool found;

	lock(mailbox);
	while (i < mailbox->n_queued &&
	       exchange_rests(memory, mailbox->queue[i].request.slave, now_us))
		i++;
	found = i < mailbox->n_queued;
	if (found) {
		*ret = mailbox->queue[i];
		mailbox->n_queued--;
		memmove(&mailbox->queue[i], &mailbox->queue[i + 1],
			(mailbox->n_queued - i) * sizeof(mailbox->queue[0]));
		mailbox->busy = true;
	}
	unlock(mailbox);
	return found;
}

void mailbox_drop(struct mailbox *mailbox)
{
	lock(mailbox);
	mailbox->busy = false;
	mailbox->deadline_us = MAILBOX_NO_DEADLINE;
	unlock(mailbox);
}

void mailbox_hand_over(struct mailbox *mailbox, const struct line_result *result)
{
	size_t at;

	lock(mailbox);
	at = (mailbox->first_result + mailbox->n_results) % MAILBOX_RESULTS;
	mailbox->results[at] = *result;
	mailbox->n_results++;
	(void)eventfd_write(mailbox->result_fd, 1);
	unlock(mailbox);
}

void mailbox_set_state(struct mailbox *mailbox, enum line_state state, int error)
{
	lock(mailbox);
	if (mailbox->state != state || mailbox->state_error != error)
		(void)eventfd_write(mailbox->result_fd, 1);
	mailbox->state = state;
	mailbox->state_error = error;
	unlock(mailbox);
}

void mailbox_set_deadline(struct mailbox *mailbox, int64_t deadline_us)
{
	lock(mailbox);
	mailbox->deadline_us = deadline_us;
	unlock(mailbox);
}

void mailbox_park(struct mailbox *mailbox, const struct mailbox_view *view, int64_t timeout_us)
{
	struct pollfd pollfd = {.fd = mailbox->wake_fd, .events = POLLIN};
	const struct timespec timeout = {.tv_sec = timeout_us / US_PER_S,
					 .tv_nsec = timeout_us % US_PER_S * NS_PER_US};
	eventfd_t count;
	bool wait;

	lock(mailbox);
	wait = !mailbox->stop && mailbox->n_submitted == view->n_submitted;
	mailbox->parked = wait;
	unlock(mailbox);
	if (!wait)
		return;
	(void)ppoll(&pollfd, 1, timeout_us < 0 ? NULL : &timeout, NULL);
	lock(mailbox);
	mailbox->parked = false;
	(void)eventfd_read(mailbox->wake_fd, &count);
	unlock(mailbox);
}
