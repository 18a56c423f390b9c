/* verbs_tariff_trial.c - a dry run: what a month that is past would have cost under another tariff. */
#include "concentrator/verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/reader.h"
#include "concentrator/rules/money.h"
#include "concentrator/station_event.h"
#include "concentrator/station_state.h"

/* The month asked for, else the last one that is whole. */
static bool month_of(const struct station *station, const struct control_call *call, int *ret_year,
		     int *ret_month)
{
	const char *text = message_arg_string(call->args, "month");
	if (text != NULL)
		return verbs_parse_month(text, ret_year, ret_month);
	struct civil local = calendar_local(&station->settings.zone, station->now.s);
	*ret_year = local.month == 1 ? local.year - 1 : local.year;
	*ret_month = local.month == 1 ? 12 : local.month - 1;
	return true;
}

int verb_tariff_trial(void *userdata, struct control_call *call)
{
	struct station *station = verbs_station(userdata);
	struct tariff tariff;
	int year, month;
	if (!verbs_read_tariff(station, call, &tariff))
		return 0;
	if (!month_of(station, call, &year, &month)) {
		control_fail(call, PROBLEM_USAGE, "month is YYYY-MM");
		return 0;
	}
	if (verbs_cursor(call) < 0)
		return -EINVAL;
	struct reader_job job = {.kind = READER_TRIAL, .terms = malloc(sizeof(*job.terms))};
	if (job.terms == NULL)
		return -ENOMEM;
	int r = trial_begin(job.terms, &tariff, &station->settings.zone,
			    verbs_month_start_s(station, year, month),
			    verbs_month_start_s(station, year, month + 1), station->now.s);
	if (r < 0) {
		free(job.terms);
		return r;
	}
	return verbs_ask_reader(station, call, &job);
}

/* The figures of a room, or of all of them. Both amounts lie far from where their difference would not fit:
 * add_up() has seen to it. */
static json_t *figures(const struct station *station, const char *room,
		       const struct trial_figures *row)
{
	int64_t more_nano = row->trial_nano - row->charged_nano;
	return json_pack(
		"{s:s,s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o}", "room", room, "energy_wh",
		(json_int_t)row->energy_wh, "volume_l", (json_int_t)row->volume_l, "shared_wh",
		(json_int_t)row->shared_wh, "charged", station_money(station, row->charged_nano),
		"charged_nano", message_nano(row->charged_nano), "trial",
		station_money(station, row->trial_nano), "trial_nano",
		message_nano(row->trial_nano), "difference", station_money(station, more_nano),
		"difference_nano", message_nano(more_nano));
}

static int add_up(const struct ledger_trial *trial, struct trial_figures *ret)
{
	int64_t more_nano;
	int r = 0;
	*ret = (struct trial_figures){0};
	for (size_t i = 0; r == 0 && i < trial->count; i++) {
		const struct trial_figures *row = &trial->rows[i].figures;
		r = money_subtract(row->trial_nano, row->charged_nano, &more_nano);
		if (r == 0)
			r = money_add(ret->charged_nano, row->charged_nano, &ret->charged_nano);
		if (r == 0)
			r = money_add(ret->trial_nano, row->trial_nano, &ret->trial_nano);
		if (__builtin_add_overflow(ret->energy_wh, row->energy_wh, &ret->energy_wh) ||
		    __builtin_add_overflow(ret->volume_l, row->volume_l, &ret->volume_l) ||
		    __builtin_add_overflow(ret->shared_wh, row->shared_wh, &ret->shared_wh))
			r = -ERANGE;
	}
	return r < 0 ? r : money_subtract(ret->trial_nano, ret->charged_nano, &more_nano);
}

/* The cursor counts the rows told. */
static void answer(struct station *station, struct control_call *call, const struct reader_job *job)
{
	const struct ledger_trial *trial = job->trial;
	size_t next = (size_t)verbs_cursor(call), bytes = 0;
	struct trial_figures total;
	char month[24], more[24];
	if (add_up(trial, &total) < 0) {
		control_fail(call, PROBLEM_REFUSED, "the sum of all rooms does not fit");
		return;
	}
	json_t *sum = figures(station, "", &total), *rows = json_array();
	for (; next < trial->count; next++) {
		json_t *row = figures(station, trial->rows[next].room, &trial->rows[next].figures);
		if (!verbs_fits(row, &bytes, rows)) {
			json_decref(row);
			break;
		}
		json_array_append_new(rows, row);
	}
	struct civil local = calendar_local(&station->settings.zone, job->terms->from_s);
	snprintf(month, sizeof(month), "%04d-%02d", local.year, local.month);
	snprintf(more, sizeof(more), "%zu", next);
	control_reply(call,
		      json_pack("{s:s,s:s,s:I,s:I,s:o,s:o}", "name",
				job->terms->book.tariff[0].name, "month", month, "from_s",
				(json_int_t)job->terms->from_s, "to_s",
				(json_int_t)job->terms->to_s, "total", sum, "rows", rows),
		      next < trial->count ? more : NULL);
}

void verbs_trial(struct station *station, struct control_call *call, const struct reader_job *job)
{
	if (job->result == -ERANGE)
		control_fail(call, PROBLEM_REFUSED,
			     "with these prices the month does not fit an account");
	else if (job->result < 0)
		control_fail(call, PROBLEM_DEGRADED, "the ledger cannot be read: %s",
			     strerror(-job->result));
	else
		answer(station, call, job);
}
