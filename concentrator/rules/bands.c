/* bands.c - see bands.h. */
#include "concentrator/rules/bands.h"

#include <errno.h>
#include <string.h>

#include "concentrator/rules/money.h"
#include "concentrator/rules/tariff_time.h"

#define BIT(number) (UINT32_C(1) << (number))

/* The register of a band; -1: none. */
static int register_of(const struct bands_names *names, const struct tariff *tariff, uint32_t band)
{
	for (int i = 0; i < BANDS_MAX; i++)
		if (names->name[i][0] != '\0' &&
		    strcmp(names->name[i], tariff->band_name[band]) == 0)
			return i;
	return -1;
}

static bool all_named(const struct bands_step *step, const struct tariff *tariff)
{
	for (uint32_t band = 0; band < tariff_bands(tariff); band++) {
		int number = register_of(step->names, tariff, band);

		if (number < 0 || (uint32_t)number >= step->count)
			return false;
	}
	return true;
}

/* The registers whose bands hold at some time of from_s to to_s, both included. */
static uint32_t held(const struct bands_names *names, const struct tariff_book *book,
		     const struct offset_table *zone, int64_t from_s, int64_t to_s)
{
	uint32_t bits = 0;

	while (from_s <= to_s) {
		const struct tariff *tariff = tariff_at(book, from_s);
		const struct tariff *staged = tariff_staged(book, from_s);
		int64_t end_s = to_s + 1;

		if (staged && staged->activation_s < end_s)
			end_s = staged->activation_s;
		if (tariff && tariff_bands(tariff) > 1) {
			struct tariff_span span = tariff_span_at(tariff, zone, from_s);
			int number = register_of(names, tariff, span.band);

			if (number >= 0)
				bits |= BIT(number);
			if (span.to_s < end_s)
				end_s = span.to_s;
		}
		from_s = end_s;
	}
	return bits;
}

/* Does a part's price depend on how much of a band was used before another part of it? */
static bool depends(const struct tariff_book *book, const struct offset_table *zone,
		    const struct tariff *tariff, int64_t from_s, int64_t to_s)
{
	const struct tariff *staged = tariff_staged(book, from_s);
	struct tariff_period period;

	return tariff_block_count(tariff) > 1 || tariff_has_allowance(tariff) ||
	       (staged && staged->activation_s < to_s) ||
	       (tariff_count_at(book, zone, from_s, INT64_MIN, TARIFF_COUNT_MINIMUM, &period) &&
		period.until_s < to_s);
}

/* The time of each band within the step. */
static enum bands_verdict walk(const struct bands_step *step, const struct tariff_book *book,
			       const struct offset_table *zone, int64_t from_s, int64_t to_s,
			       struct bands_split *split)
{
	uint32_t again = 0;
	bool matters = false;

	for (int64_t end_s = from_s; from_s < to_s; from_s = end_s) {
		const struct tariff *tariff = tariff_at(book, from_s);
		int number;

		if (!tariff || tariff_bands(tariff) == 1)
			return BANDS_NOTHING;
		if (!all_named(step, tariff))
			return BANDS_UNNAMED;
		if (!tariff_boundary(book, zone, from_s, to_s - 1, &end_s))
			end_s = to_s;
		number = register_of(step->names, tariff,
				     tariff_span_at(tariff, zone, from_s).band);
		if (split->held & BIT(number))
			again |= BIT(number);
		split->held |= BIT(number);
		split->span_s[number] += end_s - from_s;
		matters = matters || depends(book, zone, tariff, from_s, to_s);
	}
	split->by_time = matters ? again : 0;
	return BANDS_BELIEVED;
}

/* Can they have moved so? */
static enum bands_verdict judge_moves(const struct bands_step *step, uint32_t possible, int64_t wh)
{
	int64_t sum_wh = 0, off_wh, units_wh;
	bool clock = false;

	for (uint32_t i = 0; i < step->count; i++) {
		if (step->wh[i] < 0)
			return BANDS_FALL;
		if (__builtin_add_overflow(sum_wh, step->wh[i], &sum_wh))
			return BANDS_SUM;
		clock = clock || (step->wh[i] > step->resolution_wh && !(possible & BIT(i)));
	}
	/* All of them and the total are floors, or nearest, of what was used. */
	if (__builtin_mul_overflow(step->resolution_wh, (int64_t)step->count, &units_wh))
		return BANDS_SUM;
	off_wh = sum_wh > wh ? sum_wh - wh : wh - sum_wh;
	if (off_wh > units_wh)
		return BANDS_SUM;
	return clock ? BANDS_CLOCK : BANDS_BELIEVED;
}

enum bands_verdict bands_judge(const struct bands_step *step, const struct tariff_book *book,
			       const struct offset_table *zone, int64_t wh, int64_t from_s,
			       int64_t to_s, struct bands_split *ret)
{
	struct bands_split split = {.names = step->names};
	enum bands_verdict verdict;
	uint32_t before;

	if (to_s - from_s > BANDS_LONG_S)
		return BANDS_NOTHING;
	verdict = walk(step, book, zone, from_s, to_s, &split);
	if (verdict != BANDS_BELIEVED)
		return verdict;
	before = held(step->names, book, zone, from_s - BANDS_SLACK_S, from_s - 1);
	verdict = judge_moves(step,
			      split.held | before |
				      held(step->names, book, zone, to_s, to_s + BANDS_SLACK_S),
			      wh);
	if (verdict != BANDS_BELIEVED)
		return verdict;
	if (step->doubted_s != 0 && to_s - step->doubted_s < BANDS_DOUBT_S)
		return BANDS_DOUBTED;
	for (uint32_t i = 0; i < step->count; i++) {
		if (split.held & BIT(i))
			split.wh[i] = step->wh[i];
		else if (before & BIT(i))
			split.first_wh += step->wh[i];
		split.left_wh[i] = split.wh[i];
		split.left_s[i] = split.span_s[i];
	}
	*ret = split;
	return BANDS_BELIEVED;
}

bool bands_divide(const struct bands_split *split)
{
	return (split->held & (split->held - 1)) != 0;
}

int bands_take(struct bands_split *split, const struct tariff *tariff, uint32_t band,
	       int64_t length_s, int64_t *ret_wh, bool *ret_by_time)
{
	int number = register_of(split->names, tariff, band);
	int64_t wh;

	/* Judged: every band has its register. */
	if (number < 0)
		return -ERANGE;
	wh = split->left_wh[number];
	if (length_s < split->left_s[number]) {
		int r = money_share(split->wh[number], length_s, split->span_s[number], &wh);

		if (r < 0)
			return r;
	}
	split->left_wh[number] -= wh;
	split->left_s[number] -= length_s;
	*ret_wh = wh + split->first_wh;
	*ret_by_time = (split->by_time & BIT(number)) != 0;
	split->first_wh = 0;
	return 0;
}

const char *bands_doubt(enum bands_verdict verdict)
{
	switch (verdict) {
	case BANDS_NOTHING:
	case BANDS_BELIEVED:
		return "";
	case BANDS_UNNAMED:
		return "the tariff has a band that no register of the meter is declared for";
	case BANDS_FALL:
		return "one of them has fallen";
	case BANDS_SUM:
		return "they do not add up to the total";
	case BANDS_CLOCK:
		return "one counted outside its band's hours: the meter's clock or timetable is "
		       "wrong";
	case BANDS_DOUBTED:
		return "the meter's clock or timetable was wrong within the last days";
	}
	return "";
}
