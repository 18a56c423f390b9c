/* tariff_play.c - prices what it is told to, for tests/oracle/tariff_oracle.py to compare.
 *
 * Standard input, a command a line, and what comes back:
 *
 *     zone NAME                     the building's zone
 *     new OPENED                    an empty book, an account moved into at OPENED
 *     tariff ID BYTES               the BYTES that follow are a tariff file:  good | bad TEXT
 *     persons FROM N                so many live there from then on
 *     step WH FROM TO TIMED         prices it:  part WH FROM TO PRICE NANO TARIFF BLOCK FLAGS, and
 *                                   end RESULT NANO REST: the tax added so far, and what is carried
 *     bands WH FROM TO DOUBTED UNIT N MOVED NAME...
 *                                   the same with what the meter's own band registers moved; before end
 *                                   comes  bands VERDICT
 *     water LITRES FROM TO TIMED    of a water meter: as least, then as step
 *     dated NOW                     does what is due:  event RULE DAY FROM TO NANO TARIFF, end
 *     least WH FROM TO TIMED        what it costs at the least (S1), nothing moves:  least NANO
 *     next AFTER UNTIL              the next boundary:  next AT | next none
 *     again                         adds up the account's use from its charges anew
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/platform/zone.h"
#include "concentrator/rules/dated.h"
#include "concentrator/rules/tariff_price.h"
#include "concentrator/rules/tax.h"
#include "concentrator/tariff_file.h"

#define CHARGES_MAX 4096

struct play {
	struct offset_table zone;
	struct tariff_book book;
	struct tariff_book water;
	struct tariff_use use;
	struct tariff_persons persons;
	struct tax_carry tax;
	struct dated_account dated;
	size_t charge_count;
	struct {
		int64_t from_s;
		int64_t wh;
		uint32_t flags;
	} charge[CHARGES_MAX];
};

static void fail(const char *what)
{
	fprintf(stderr, "tariff_play: %s\n", what);
	exit(1);
}

static void set_zone(struct play *play, const char *name)
{
	static struct zone_transition rows[CALENDAR_TRANSITIONS_MAX];
	size_t count = 0;
	/* 2018 to 2034. */
	if (zone_set(name) < 0 ||
	    zone_transitions(1514764800, 2019686400, CALENDAR_TRANSITIONS_MAX, rows, &count) < 0)
		fail("no such zone");
	play->zone.count = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		play->zone.transition[i] = (struct offset_transition){.from_s = rows[i].from_s,
								      .offset_s = rows[i].offset_s};
}

static void add_tariff(struct play *play, int64_t id, size_t size)
{
	static char text[TARIFF_FILE_MAX + 1];
	struct tariff tariff;
	bool from_receipt;
	json_t *errors = NULL;
	if (size > TARIFF_FILE_MAX || fread(text, 1, size, stdin) != size)
		fail("short tariff");
	int r = tariff_file_parse(text, size, &play->zone, &tariff, &from_receipt, &errors);
	if (r == 0) {
		struct tariff water;
		tariff.id = id;
		tariff_of_water(&tariff, &water);
		r = tariff_book_add(&play->book, &tariff);
		if (r == 0)
			r = tariff_book_add(&play->water, &water);
	}
	if (r == 0) {
		puts("good");
	} else {
		char *dump = json_dumps(errors, JSON_COMPACT | JSON_ENCODE_ANY);
		printf("bad %d %s\n", r, dump == NULL ? "" : dump);
		free(dump);
	}
	json_decref(errors);
}

static void print_part(const struct tariff_part *part)
{
	printf("part %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
	       " %u %u\n",
	       part->wh, part->from_s, part->to_s, part->price_micro_per_kwh, part->amount_nano,
	       part->tariff_id, (unsigned)part->block, (unsigned)part->flags);
}

static const char *const verdicts[] = {
	[BANDS_NOTHING] = "nothing", [BANDS_BELIEVED] = "believed", [BANDS_UNNAMED] = "unnamed",
	[BANDS_FALL] = "fall",       [BANDS_SUM] = "sum",           [BANDS_CLOCK] = "clock",
	[BANDS_DOUBTED] = "doubted",
};

/* bands: NULL, or of the meter. */
static void price(struct play *play, const struct tariff_step *step, const struct bands_step *bands)
{
	struct tariff_pricing pricing;
	struct tariff_part part;
	enum bands_verdict verdict = BANDS_NOTHING;
	int r = bands == NULL
			? tariff_price_begin(&pricing, &play->book, &play->zone, &play->use, step)
			: tariff_price_begin_bands(&pricing, &play->book, &play->zone, &play->use,
						   step, bands, &verdict);
	while (r == 0 && (r = tariff_price_next(&pricing, &part)) > 0) {
		print_part(&part);
		if (play->charge_count == CHARGES_MAX)
			fail("too many charges");
		if (tax_add(&play->tax, part.amount_nano, part.tax_ppm) < 0)
			fail("tax");
		play->charge[play->charge_count].from_s = part.from_s;
		play->charge[play->charge_count].flags = part.flags;
		play->charge[play->charge_count++].wh = part.wh;
		r = 0;
	}
	if (bands != NULL)
		printf("bands %s\n", verdicts[verdict]);
	printf("end %d %" PRId64 " %" PRId64 "\n", r, play->tax.nano, play->tax.rest);
}

/* What follows the number of a meter's own band registers: what each moved, and its band. */
static bool read_bands(const char *text, struct bands_names *names, struct bands_step *ret)
{
	int used;
	if (ret->count < 1 || ret->count > BANDS_MAX)
		return false;
	for (uint32_t i = 0; i < ret->count; i++) {
		if (sscanf(text, " %" SCNd64 " %23s%n", &ret->wh[i], names->name[i], &used) != 2)
			return false;
		if (strcmp(names->name[i], "-") == 0)
			names->name[i][0] = '\0';
		text += used;
	}
	ret->names = names;
	return true;
}

/* Water counts in no blocks: its use is nobody's. */
static void price_water(struct play *play, const struct tariff_step *step)
{
	struct tariff_use use = {.opened_s = play->use.opened_s};
	struct tariff_pricing pricing;
	struct tariff_part part;
	int64_t least = 0;
	int r = tariff_least_begin(&pricing, &play->water, &play->zone, &use, step);
	while (r == 0 && (r = tariff_price_next(&pricing, &part)) > 0) {
		least += part.amount_nano;
		r = 0;
	}
	printf("least %" PRId64 "\n", least);
	r = tariff_price_begin(&pricing, &play->water, &play->zone, &use, step);
	while (r == 0 && (r = tariff_price_next(&pricing, &part)) > 0) {
		print_part(&part);
		if (tax_add(&play->tax, part.amount_nano, part.tax_ppm) < 0)
			fail("tax");
		r = 0;
	}
	printf("end %d %" PRId64 " %" PRId64 "\n", r, play->tax.nano, play->tax.rest);
}

static void dated(struct play *play, int64_t now_s)
{
	const struct instant now = {.s = now_s, .trusted = true};
	struct dated_event event;
	while (dated_next(&play->dated, &play->book, &play->zone, &now, &event)) {
		printf("event %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n",
		       dated_rule_name(event.rule), event.day, event.from_s, event.to_s,
		       event.amount_nano, event.tariff->id);
		dated_done(&play->dated, &event);
	}
	puts("end");
}

static void begin(struct play *play, int64_t opened_s)
{
	play->book.count = play->water.count = 0;
	play->charge_count = 0;
	play->persons.count = 0;
	play->tax = (struct tax_carry){0};
	play->use = (struct tariff_use){.opened_s = opened_s, .persons = &play->persons};
	play->dated = (struct dated_account){.opened_s = opened_s, .persons = &play->persons};
	for (int rule = 0; rule < DATED_RULES; rule++)
		play->dated.last_day[rule] = DATED_NEVER;
}

static void least(struct play *play, const struct tariff_step *step)
{
	struct tariff_use use = play->use;
	struct tariff_pricing pricing;
	struct tariff_part part;
	int64_t sum = 0;
	int r = tariff_least_begin(&pricing, &play->book, &play->zone, &use, step);
	while (r == 0 && (r = tariff_price_next(&pricing, &part)) > 0) {
		sum += part.amount_nano;
		r = 0;
	}
	printf("least %" PRId64 "\n", sum);
}

/* Newest first, as the station walks the ledger. */
static void add_up(struct play *play)
{
	play->use = (struct tariff_use){.opened_s = play->use.opened_s, .persons = &play->persons};
	for (size_t i = play->charge_count; i > 0; i--)
		tariff_use_add(&play->use, &play->book, &play->zone, play->charge[i - 1].from_s,
			       play->charge[i - 1].wh, play->charge[i - 1].flags);
}

int main(void)
{
	static struct play play;
	char line[256], name[64];
	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct tariff_step step = {0};
		struct bands_step bands = {0};
		struct bands_names names = {0};
		int used;
		int64_t id, at_s, until_s;
		size_t size;
		int timed;
		if (sscanf(line, "step %" SCNd64 " %" SCNd64 " %" SCNd64 " %d", &step.wh,
			   &step.from_s, &step.to_s, &timed) == 4) {
			step.timed = timed != 0;
			price(&play, &step, NULL);
		} else if (sscanf(line,
				  "bands %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64
				  " %u%n",
				  &step.wh, &step.from_s, &step.to_s, &bands.doubted_s,
				  &bands.resolution_wh, &bands.count, &used) == 6) {
			step.timed = true;
			if (!read_bands(line + used, &names, &bands))
				fail("bands");
			price(&play, &step, &bands);
		} else if (sscanf(line, "least %" SCNd64 " %" SCNd64 " %" SCNd64 " %d", &step.wh,
				  &step.from_s, &step.to_s, &timed) == 4) {
			step.timed = timed != 0;
			least(&play, &step);
		} else if (sscanf(line, "water %" SCNd64 " %" SCNd64 " %" SCNd64 " %d", &step.wh,
				  &step.from_s, &step.to_s, &timed) == 4) {
			step.timed = timed != 0;
			price_water(&play, &step);
		} else if (sscanf(line, "tariff %" SCNd64 " %zu", &id, &size) == 2) {
			add_tariff(&play, id, size);
		} else if (sscanf(line, "new %" SCNd64, &at_s) == 1) {
			begin(&play, at_s);
		} else if (sscanf(line, "persons %" SCNd64 " %" SCNd64, &at_s, &id) == 2) {
			tariff_persons_add(&play.persons, at_s, (int32_t)id);
		} else if (sscanf(line, "dated %" SCNd64, &at_s) == 1) {
			dated(&play, at_s);
		} else if (sscanf(line, "next %" SCNd64 " %" SCNd64, &at_s, &until_s) == 2) {
			if (tariff_boundary(&play.book, &play.zone, at_s, until_s, &at_s))
				printf("next %" PRId64 "\n", at_s);
			else
				puts("next none");
		} else if (strcmp(line, "again\n") == 0) {
			add_up(&play);
		} else if (sscanf(line, "zone %63s", name) == 1) {
			set_zone(&play, name);
		} else {
			fail("unknown command");
		}
	}
	return 0;
}
