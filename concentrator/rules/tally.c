#include "concentrator/rules/tally.h"

#include <assert.h>
#include <string.h>

#define PPM 1000000

/* Upper edges: 1 ms times the powers of the square root of two. The last bin has no end. */
static const int32_t edge_us[TALLY_BINS - 1] = {
	1000,  1414,  2000,  2828,  4000,   5657,   8000,   11314,  16000,  22627,
	32000, 45255, 64000, 90510, 128000, 181019, 256000, 362039, 512000, 724077,
};
#define LAST_US 1000000

static unsigned bin_of(int64_t turnaround_us)
{
	unsigned bin = 0;

	while (bin < TALLY_BINS - 1 && turnaround_us > edge_us[bin])
		bin++;
	return bin;
}

static struct tally_slice *slice_at(struct tally *tally, int64_t now_us)
{
	int64_t number = now_us / TALLY_SLICE_US;
	struct tally_slice *slice = &tally->slice[number % TALLY_SLICES];

	assert(now_us >= 0);
	if (slice->number != number) {
		memset(slice, 0, sizeof(*slice));
		slice->number = number;
	}
	return slice;
}

void tally_count(struct tally *tally, enum tally_end end, int64_t turnaround_us, int64_t now_us)
{
	struct tally_slice *slice = slice_at(tally, now_us);

	assert((unsigned)end < TALLY_ENDS);
	tally->total.end[end]++;
	slice->end[end]++;
	if ((end == TALLY_GOOD || end == TALLY_EXCEPTION) && turnaround_us >= 0)
		slice->bin[bin_of(turnaround_us)]++;
}

void tally_stray(struct tally *tally, uint32_t bytes, int64_t now_us)
{
	tally->total.stray += bytes;
	if (bytes > 0)
		slice_at(tally, now_us)->stray += bytes;
}

void tally_hour(const struct tally *tally, int64_t now_us, struct tally_slice *ret)
{
	int64_t number = now_us / TALLY_SLICE_US;

	memset(ret, 0, sizeof(*ret));
	ret->number = number;
	for (unsigned i = 0; i < TALLY_SLICES; i++) {
		const struct tally_slice *slice = &tally->slice[i];

		if (slice->number > number || slice->number <= number - TALLY_SLICES)
			continue;
		for (unsigned end = 0; end < TALLY_ENDS; end++)
			ret->end[end] += slice->end[end];
		ret->stray += slice->stray;
		for (unsigned bin = 0; bin < TALLY_BINS; bin++)
			ret->bin[bin] += slice->bin[bin];
	}
}

uint64_t tally_requests(const struct tally_counts *counts)
{
	uint64_t sum = 0;

	for (unsigned end = 0; end < TALLY_ENDS; end++)
		sum += counts->end[end];
	return sum;
}

uint64_t tally_slice_requests(const struct tally_slice *slice)
{
	uint64_t sum = 0;

	for (unsigned end = 0; end < TALLY_ENDS; end++)
		sum += slice->end[end];
	return sum;
}

int64_t tally_quality_ppm(const struct tally_slice *slice)
{
	uint64_t requests = tally_slice_requests(slice);
	uint64_t answered = (uint64_t)slice->end[TALLY_GOOD] + slice->end[TALLY_EXCEPTION];

	return requests == 0 ? -1 : (int64_t)(answered * PPM / requests);
}

int64_t tally_turnaround_us(const struct tally_slice *slice, unsigned permille)
{
	uint64_t all = 0;
	uint64_t before = 0;
	uint64_t rank;

	assert(permille > 0 && permille <= 1000);
	for (unsigned bin = 0; bin < TALLY_BINS; bin++)
		all += slice->bin[bin];
	if (all == 0)
		return -1;
	rank = (all * permille + 999) / 1000; /* counted from 1 */
	for (unsigned bin = 0; bin < TALLY_BINS; bin++) {
		int64_t low_us = bin == 0 ? 0 : edge_us[bin - 1];
		int64_t high_us = bin < TALLY_BINS - 1 ? edge_us[bin] : LAST_US;

		if (before + slice->bin[bin] >= rank)
			return low_us +
			       (high_us - low_us) * (int64_t)(rank - before) / slice->bin[bin];
		before += slice->bin[bin];
	}
	return LAST_US;
}
