#include "concentrator/survey.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CREDIT_MAX_US                                                                              \
	INT64_C(1000000) /* line time saved up for the survey while it could not run */
#define GRANT_US       INT64_C(100000) /* turnaround granted: a slave not heard of gets twice that */
#define ESTIMATE_LEAST 10              /* requests before a remaining time is told */
#define DETAIL_SIZE    128

struct survey {
	struct scan *scan;
	struct line_test *test;
	enum survey_state state;
	char detail[DETAIL_SIZE];
	int64_t started_us;
	int64_t ended_us;
	bool out;  /* a job is on the line */
	bool held; /* ... and it is of the survey before */
	struct scan_read read;
	int64_t credit_us; /* line time that metering had more than the survey */
	int64_t pause_until_us;
	bool after_pause;
	bool disturbed;
	int64_t watched_us;
	struct control_call *call;
	int64_t until_us;
	void (*answer)(void *userdata, struct control_call *call);
	void *userdata;
};

int survey_open(struct survey **ret, struct scan *scan, const struct line_test *test,
		int64_t now_us)
{
	struct survey *survey = calloc(1, sizeof(*survey));
	struct line_test *copy = test == NULL ? NULL : malloc(sizeof(*copy));
	if (survey == NULL || (test != NULL && copy == NULL)) {
		free(survey);
		free(copy);
		scan_close(scan);
		return -ENOMEM;
	}
	if (test != NULL)
		*copy = *test;
	survey->scan = scan;
	survey->test = copy;
	survey->started_us = survey->watched_us = now_us;
	*ret = survey;
	return 0;
}

static void answer(struct survey *survey)
{
	struct control_call *call = survey->call;
	survey->call = NULL;
	if (call != NULL)
		survey->answer(survey->userdata, call);
}

static void finish(struct survey *survey, enum survey_state state, const char *why, int64_t now_us)
{
	if (survey->state != SURVEY_RUNNING)
		return;
	survey->state = state;
	survey->ended_us = now_us;
	snprintf(survey->detail, sizeof(survey->detail), "%s", why);
	answer(survey);
}

struct survey *survey_close(struct survey *survey)
{
	if (survey == NULL)
		return NULL;
	finish(survey, SURVEY_CANCELLED, "prepayd is stopping", survey->started_us);
	scan_close(survey->scan);
	free(survey->test);
	free(survey);
	return NULL;
}

static bool next_read(struct survey *survey, struct line_tune *ret_tune)
{
	*ret_tune = (struct line_tune){0};
	if (survey->scan == NULL)
		return line_test_next(survey->test, &survey->read) == LINE_TEST_ASK;
	if (!scan_next(survey->scan, &survey->read))
		return false;
	const struct scan_settings *settings =
		&scan_plan(survey->scan)->settings[survey->read.setting];
	*ret_tune = (struct line_tune){.baud = settings->baud,
				       .parity = settings->parity,
				       .stop_bits = settings->stop_bits};
	return true;
}

static bool over(struct survey *survey)
{
	struct scan_read read;
	return survey->scan != NULL ? !scan_next(survey->scan, &read)
				    : line_test_next(survey->test, &read) == LINE_TEST_OVER;
}

bool survey_next(struct survey *survey, bool idle, int64_t now_us, struct line_job *ret)
{
	if (survey->state != SURVEY_RUNNING || survey->out ||
	    (!idle && !survey->after_pause && survey->credit_us < 0))
		return false;
	*ret = (struct line_job){.turnaround_us = GRANT_US};
	if (!next_read(survey, &ret->tune)) {
		if (over(survey))
			finish(survey, SURVEY_DONE, "", now_us);
		return false;
	}
	ret->request = (struct line_request){.slave = survey->read.address,
					     .function = survey->read.function,
					     .address = survey->read.start,
					     .count = survey->read.count};
	survey->out = true;
	return true;
}

void survey_hold(struct survey *survey)
{
	survey->out = true;
	survey->held = true;
}

void survey_put_back(struct survey *survey)
{
	survey->out = false;
	survey->held = false;
}

static enum scan_end end_of(const struct line_result *result)
{
	switch (result->error) {
	case 0:
		return SCAN_GOOD;
	case -EREMOTEIO:
		return SCAN_REFUSED;
	case -ETIMEDOUT:
		return SCAN_SILENT;
	default:
		return SCAN_GARBLED;
	}
}

static enum tally_end tally_of(const struct line_result *result)
{
	static const enum tally_end ends[] = {[SCAN_GOOD] = TALLY_GOOD,
					      [SCAN_REFUSED] = TALLY_EXCEPTION,
					      [SCAN_SILENT] = TALLY_TIMEOUT,
					      [SCAN_GARBLED] = TALLY_GARBLED};
	return result->error == -EBADMSG && result->reason == EXCHANGE_CRC ? TALLY_CRC
									   : ends[end_of(result)];
}

void survey_end(struct survey *survey, const struct line_result *result, int64_t now_us)
{
	bool held = survey->held;
	survey_put_back(survey);
	if (survey->state != SURVEY_RUNNING || held)
		return;
	/* That slave failed last and rests: the same again. */
	if (result->sent_us == 0 && result->error == -EBUSY)
		return;
	if (result->sent_us == 0 || result->error == -ENODEV) {
		finish(survey, SURVEY_FAILED,
		       result->error == -EPROTO
			       ? "the line never falls silent: something sends all the time"
			       : "the adapter of the line went away",
		       now_us);
		return;
	}
	survey->credit_us -= result->done_us - result->sent_us;
	survey->after_pause = false;
	if (survey->scan != NULL)
		scan_end(survey->scan, end_of(result), result->values);
	else
		line_test_end(survey->test, tally_of(result), result->turnaround_us, result->stray,
			      result->echo);
	if (over(survey))
		finish(survey, SURVEY_DONE, "", now_us);
}

void survey_metered(struct survey *survey, int64_t took_us)
{
	survey->credit_us += took_us;
	if (survey->credit_us > CREDIT_MAX_US)
		survey->credit_us = CREDIT_MAX_US;
}

bool survey_pauses(struct survey *survey, bool busy, bool relay, int64_t now_us,
		   int64_t *ret_wait_us)
{
	struct scan_read read;
	if (survey->state != SURVEY_RUNNING || survey->test == NULL || survey->out ||
	    survey->after_pause || line_test_next(survey->test, &read) != LINE_TEST_PAUSE)
		return false;
	survey->disturbed = survey->disturbed || relay;
	if (relay || (busy && survey->pause_until_us == 0)) {
		/* What is out comes to its end first; a relay command is let through. */
		*ret_wait_us = now_us + LINE_TEST_PAUSE_US;
		return !relay;
	}
	if (survey->pause_until_us == 0)
		survey->pause_until_us = now_us + LINE_TEST_PAUSE_US;
	*ret_wait_us = survey->pause_until_us;
	if (now_us < survey->pause_until_us)
		return true;
	line_test_paused(survey->test, !survey->disturbed && !busy);
	survey->after_pause = true;
	survey->pause_until_us = 0;
	survey->disturbed = false;
	return false;
}

void survey_tick(struct survey *survey, int64_t now_us)
{
	if (survey->call != NULL) {
		if (!control_alive(survey->call))
			finish(survey, SURVEY_CANCELLED, "who waited for it has gone", now_us);
		else if (now_us >= survey->until_us)
			answer(survey);
		else
			survey->watched_us = now_us;
	}
	if (now_us - survey->watched_us > SURVEY_UNWATCHED_US)
		finish(survey, SURVEY_CANCELLED, "nobody has asked for it for a minute", now_us);
}

void survey_cancel(struct survey *survey, const char *why, int64_t now_us)
{
	finish(survey, SURVEY_CANCELLED, why, now_us);
}

void survey_fail(struct survey *survey, const char *why, int64_t now_us)
{
	finish(survey, SURVEY_FAILED, why, now_us);
}

enum survey_state survey_state(const struct survey *survey)
{
	return survey->state;
}

const char *survey_state_name(enum survey_state state)
{
	switch (state) {
	case SURVEY_RUNNING:
		return "running";
	case SURVEY_DONE:
		return "done";
	case SURVEY_CANCELLED:
		return "cancelled";
	case SURVEY_FAILED:
		break;
	}
	return "failed";
}

const char *survey_detail(const struct survey *survey)
{
	return survey->detail;
}

const struct scan *survey_scan(const struct survey *survey)
{
	return survey->scan;
}

const struct line_test *survey_test(const struct survey *survey)
{
	return survey->test;
}

void survey_progress(const struct survey *survey, int64_t now_us, int64_t *ret_done,
		     int64_t *ret_total, int64_t *ret_elapsed_s, int64_t *ret_remaining_s)
{
	bool running = survey->state == SURVEY_RUNNING;
	int64_t elapsed_us = (running ? now_us : survey->ended_us) - survey->started_us;
	if (survey->scan != NULL)
		scan_progress(survey->scan, ret_done, ret_total);
	else
		line_test_progress(survey->test, ret_done, ret_total);
	*ret_elapsed_s = elapsed_us / 1000000;
	*ret_remaining_s = -1;
	if (!running)
		*ret_remaining_s = 0;
	else if (*ret_done >= ESTIMATE_LEAST)
		*ret_remaining_s = elapsed_us / *ret_done * (*ret_total - *ret_done) / 1000000;
}

int survey_wait(struct survey *survey, struct control_call *call, int64_t until_us,
		void (*ready)(void *userdata, struct control_call *call), void *userdata)
{
	if (survey->call != NULL)
		return -EBUSY;
	survey->call = call;
	survey->until_us = until_us;
	survey->answer = ready;
	survey->userdata = userdata;
	return 0;
}

void survey_watched(struct survey *survey, int64_t now_us)
{
	survey->watched_us = now_us;
}
