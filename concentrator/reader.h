/* reader.h - the one thread that reads more of the ledger than a page.
 *
 * The loop submits a job and is woken through a descriptor when it is done; the thread owns nothing
 * but the job in its hand and a query-only connection that lives as long as the job, so it pins
 * neither memory nor the write-ahead log. Jobs run one at a time in the order they came.
 */
#pragma once

#include "concentrator/ledger_read.h"
#include "concentrator/ledger_statement.h"
#include "concentrator/ledger_trial.h"
#include "concentrator/ledger_verify.h"
#include "concentrator/profile.h"

#include <limits.h>

#define READER_QUEUE_MAX 8

struct reader;

enum reader_kind {
	READER_VERIFY,
	READER_BACKUP,
	READER_LINES,
	READER_STATEMENT,
	READER_TRIAL,
	READER_PROFILE_WRITE,
	READER_PROFILE_READ
};

struct reader_job {
	enum reader_kind kind;
	uint64_t token;            /* the caller's, handed back */
	char file[PATH_MAX];       /* READER_BACKUP: the target; READER_PROFILE_...: the profile */
	struct ledger_query query; /* READER_LINES */
	struct {
		int64_t account_id;
		int64_t from_s;
		int64_t to_s;
	} span; /* READER_STATEMENT */
	struct profile_batch
		*batch; /* READER_PROFILE_WRITE; from malloc(3), the job's once submitted */
	struct profile_request profile; /* READER_PROFILE_READ */
	struct trial_terms *terms;      /* READER_TRIAL; from malloc(3), the job's once submitted */
	int result;                     /* 0 or -errno of the function that did it */
	struct ledger_verdict verdict;
	struct ledger_copy copy;
	struct ledger_page *page;           /* the job's: reader_job_clear() */
	struct ledger_statement *statement; /* the job's */
	struct ledger_trial *trial;         /* the job's */
	struct profile_page *profile_page;  /* the job's */
};

/* Does a job in the caller's thread, which blocks for it; progress and cancel as in ledger_verify(). */
void reader_run(struct reader_job *job, const char *path, const char *vfs, atomic_ullong *progress,
		const atomic_bool *cancel);

/* Frees what a job that was taken brought. */
void reader_job_clear(struct reader_job *job);

/* path and vfs as ledger_path() and ledger_vfs() say; copied. Starts the thread. */
LEDGER_CHECKED int reader_open(struct reader **ret, const char *path, const char *vfs);
/* Cancels the job in hand and waits for the thread: blocks for one disk access. Takes NULL. */
struct reader *reader_close(struct reader *reader);

/* Readable (EPOLLIN) when reader_take() has something; for the loop. */
int reader_fd(const struct reader *reader);
/* Copies the job. -EBUSY READER_QUEUE_MAX are waiting or not taken. */
LEDGER_CHECKED int reader_submit(struct reader *reader, const struct reader_job *job);
/* -EAGAIN nothing is done. */
LEDGER_CHECKED int reader_take(struct reader *reader, struct reader_job *ret);

/* For the watchdog, called by the loop with CLOCK_BOOTTIME: how long the job in hand made no
 * progress; 0 when there is none. */
int64_t reader_stuck_us(struct reader *reader, int64_t now_us);
