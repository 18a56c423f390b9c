/* reader.c - a queue, a thread, an eventfd.
 *
 * The loop puts jobs into the ring and takes them out; the thread moves them from waiting to done, in
 * order. The mutex guards the ring's three counters and nothing is done under it but copying. A job
 * belongs to the thread between the two: its slot is not touched by the loop until it is done.
 * Progress is a counter that the work itself moves, so a thread that hangs in the disk shows.
 */
#include "concentrator/reader.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct reader {
	char *path;
	char *vfs;
	int fd;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t submitted;
	struct reader_job jobs[READER_QUEUE_MAX]; /* ring: taken <= done <= put */
	uint64_t put, done, taken;
	bool ending;

	atomic_bool cancel;
	atomic_ullong progress;

	/* The loop's own: what it last saw. */
	unsigned long long seen;
	int64_t seen_us;
	bool watching;
};

void reader_run(struct reader_job *job, const char *path, const char *vfs, atomic_ullong *progress,
		const atomic_bool *cancel)
{
	switch (job->kind) {
	case READER_VERIFY:
		job->result = ledger_verify(path, vfs, progress, cancel, &job->verdict);
		break;
	case READER_BACKUP:
		job->result = ledger_backup(path, vfs, job->file, progress, cancel, &job->copy);
		break;
	case READER_LINES:
		job->result = ledger_read(path, vfs, &job->query, progress, cancel, &job->page);
		break;
	case READER_STATEMENT:
		job->result = ledger_statement(path, vfs, job->span.account_id, job->span.from_s,
					       job->span.to_s, progress, cancel, &job->statement);
		break;
	case READER_TRIAL:
		job->result = ledger_trial(path, vfs, job->terms, progress, cancel, &job->trial);
		break;
	case READER_PROFILE_WRITE:
		job->result = profile_write(job->file, vfs, job->batch);
		break;
	case READER_PROFILE_READ:
		job->result = profile_read(job->file, vfs, &job->profile, &job->profile_page);
		break;
	default:
		job->result = -EINVAL;
	}
}

void reader_job_clear(struct reader_job *job)
{
	free(job->page);
	free(job->statement);
	free(job->trial);
	free(job->terms);
	free(job->batch);
	free(job->profile_page);
	job->page = NULL;
	job->statement = NULL;
	job->trial = NULL;
	job->terms = NULL;
	job->batch = NULL;
	job->profile_page = NULL;
}

static void *work(void *userdata)
{
	struct reader *reader = userdata;
	uint64_t one = 1;

	(void)pthread_mutex_lock(&reader->mutex);
	for (;;) {
		while (!reader->ending && reader->done == reader->put)
			(void)pthread_cond_wait(&reader->submitted, &reader->mutex);
		if (reader->ending)
			break;
		struct reader_job *job = &reader->jobs[reader->done % READER_QUEUE_MAX];

		(void)pthread_mutex_unlock(&reader->mutex);
		reader_run(job, reader->path, reader->vfs, &reader->progress, &reader->cancel);
		(void)pthread_mutex_lock(&reader->mutex);
		reader->done++;
		atomic_fetch_add(&reader->progress, 1);
		/* Cannot fail: the counter is far from its end. */
		(void)!write(reader->fd, &one, sizeof(one));
	}
	(void)pthread_mutex_unlock(&reader->mutex);
	return NULL;
}

int reader_open(struct reader **ret, const char *path, const char *vfs)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	sigset_t all, old;
	int error = 0;

	if (!reader)
		return -ENOMEM;
	(void)pthread_mutex_init(&reader->mutex, NULL);
	(void)pthread_cond_init(&reader->submitted, NULL);
	reader->path = strdup(path);
	if (vfs)
		reader->vfs = strdup(vfs);
	reader->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (reader->fd < 0)
		error = -errno;
	else if (!reader->path || (vfs && !reader->vfs))
		error = -ENOMEM;
	if (error == 0) {
		/* Signals are the loop's. */
		(void)sigfillset(&all);
		(void)pthread_sigmask(SIG_SETMASK, &all, &old);
		error = -pthread_create(&reader->thread, NULL, work, reader);
		(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	if (error < 0) {
		if (reader->fd >= 0)
			(void)close(reader->fd);
		free(reader->path);
		free(reader->vfs);
		free(reader);
		return error;
	}
	*ret = reader;
	return 0;
}

struct reader *reader_close(struct reader *reader)
{
	if (!reader)
		return NULL;
	atomic_store(&reader->cancel, true);
	(void)pthread_mutex_lock(&reader->mutex);
	reader->ending = true;
	(void)pthread_cond_signal(&reader->submitted);
	(void)pthread_mutex_unlock(&reader->mutex);
	(void)pthread_join(reader->thread, NULL);
	for (; reader->taken < reader->put; reader->taken++)
		reader_job_clear(&reader->jobs[reader->taken % READER_QUEUE_MAX]);
	(void)pthread_cond_destroy(&reader->submitted);
	(void)pthread_mutex_destroy(&reader->mutex);
	(void)close(reader->fd);
	free(reader->path);
	free(reader->vfs);
	free(reader);
	return NULL;
}

int reader_fd(const struct reader *reader)
{
	return reader->fd;
}

int reader_submit(struct reader *reader, const struct reader_job *job)
{
	int error = 0;

	(void)pthread_mutex_lock(&reader->mutex);
	if (reader->put - reader->taken == READER_QUEUE_MAX) {
		error = -EBUSY;
	} else {
		reader->jobs[reader->put % READER_QUEUE_MAX] = *job;
		reader->put++;
		(void)pthread_cond_signal(&reader->submitted);
	}
	(void)pthread_mutex_unlock(&reader->mutex);
	return error;
}

int reader_take(struct reader *reader, struct reader_job *ret)
{
	uint64_t count;
	int error = 0;

	(void)pthread_mutex_lock(&reader->mutex);
	if (reader->taken == reader->done) {
		error = -EAGAIN;
	} else {
		*ret = reader->jobs[reader->taken % READER_QUEUE_MAX];
		reader->taken++;
	}
	/* Readable exactly while something is left. */
	if (reader->taken == reader->done)
		(void)!read(reader->fd, &count, sizeof(count));
	(void)pthread_mutex_unlock(&reader->mutex);
	return error;
}

int64_t reader_stuck_us(struct reader *reader, int64_t now_us)
{
	unsigned long long progress = atomic_load(&reader->progress);
	bool busy;

	(void)pthread_mutex_lock(&reader->mutex);
	busy = reader->done < reader->put;
	(void)pthread_mutex_unlock(&reader->mutex);
	if (!busy || !reader->watching || progress != reader->seen) {
		reader->seen = progress;
		reader->seen_us = now_us;
	}
	reader->watching = busy;
	return now_us - reader->seen_us;
}
