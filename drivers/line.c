/* line.c - the loop's side of a line: starts and ends its worker, and hands jobs and results through
 * the mailbox. */
#include "drivers/line.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/line_worker.h"

struct line {
	struct line_settings settings;
	struct mailbox mailbox;
	pthread_t thread;
};

bool line_baud_known(int32_t baud)
{
	static const int32_t known[] = {300,    600,    1200,   2400,   4800,
					9600,   19200,  38400,  57600,  115200,
					230400, 460800, 500000, 921600, 1000000};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i] == baud)
			return true;
	return false;
}

static void *work(void *arg)
{
	struct line *line = arg;

	line_work(&line->settings, &line->mailbox);
	return NULL;
}

static bool tune_valid(const struct line_tune *tune)
{
	return line_baud_known(tune->baud) &&
	       (tune->parity == 'N' || tune->parity == 'E' || tune->parity == 'O') &&
	       (tune->stop_bits == 1 || tune->stop_bits == 2);
}

static bool settings_valid(const struct line_settings *settings)
{
	const struct line_tune own = line_tune_of(settings, &(struct line_tune){0});

	return memchr(settings->port, '\0', sizeof(settings->port)) != NULL &&
	       settings->port[0] != '\0' && tune_valid(&own) && settings->unlearnt_us >= 0;
}

/* The worker takes no signals: they belong to the loop. */
static int start_worker(struct line *line)
{
	sigset_t all, old;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&line->thread, NULL, work, line);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

int line_open(struct line **ret, const struct line_settings *settings)
{
	struct line *line;
	int r;

	if (!settings_valid(settings))
		return -EINVAL;
	line = calloc(1, sizeof(*line));
	if (line == NULL)
		return -ENOMEM;
	line->settings = *settings;
	r = mailbox_init(&line->mailbox);
	if (r < 0) {
		free(line);
		return r;
	}
	r = start_worker(line);
	if (r < 0) {
		mailbox_destroy(&line->mailbox);
		free(line);
		return r;
	}
	*ret = line;
	return 0;
}

struct line *line_close(struct line *line)
{
	if (line == NULL)
		return NULL;
	mailbox_stop(&line->mailbox);
	(void)pthread_join(line->thread, NULL);
	mailbox_destroy(&line->mailbox);
	free(line);
	return NULL;
}

int line_submit(struct line *line, const struct line_job *job)
{
	const struct line_settings *settings = &line->settings;

	if (job->tune.baud != 0 && !tune_valid(&job->tune))
		return -EINVAL;
	if (!frame_is_read(&job->request) &&
	    (settings->may_write == NULL ||
	     !settings->may_write(settings->userdata, &job->request)))
		return -EPERM;
	return mailbox_submit(&line->mailbox, job);
}

int line_recall(struct line *line, struct line_job *ret)
{
	return mailbox_recall(&line->mailbox, ret);
}

int line_fd(const struct line *line)
{
	return line->mailbox.result_fd;
}

int line_take(struct line *line, struct line_result *ret)
{
	return mailbox_take(&line->mailbox, ret);
}

int line_jobs_held(struct line *line)
{
	return mailbox_held(&line->mailbox);
}

enum line_state line_state(struct line *line, int *ret_error)
{
	return mailbox_state(&line->mailbox, ret_error);
}

int64_t line_stuck_us(struct line *line, int64_t now_us)
{
	return mailbox_overdue_us(&line->mailbox, now_us);
}
