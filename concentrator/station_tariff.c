/* station_tariff.c - the prices that the rules need, out of all that the ledger keeps.
 *
 * M7  Energy is priced by the tariffs in force since it was last settled. The ledger keeps every tariff
 *     for ever, the book the last few and what is staged.
 * S7  A price that comes into force is a change after which cuts are held.
 */
#include "concentrator/station_tariff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_tariff.h"
#include "concentrator/platform/journal.h"
#include "concentrator/station_tax.h"
#include "concentrator/station_use.h"
#include "concentrator/tariff_file.h"

/* The oldest energy or day that is not charged yet; now where there is none. */
static int64_t oldest_s(const struct station *station)
{
	int64_t oldest = station->now.s;
	for (size_t i = 0; i < station->supply_count; i++) {
		const struct station_supply *supply = station->supplies[i];
		const struct mark *settled = &supply->settled;
		int64_t since_s = settled->dated ? settled->at_s : settled->since_s;
		if (supply->life.id != 0 && (settled->dated || since_s > 0) && since_s < oldest)
			oldest = since_s;
	}
	/* A standing charge that is not taken yet needs the tariff of its day. */
	for (size_t i = 0; i < station->room_count; i++) {
		int64_t last = station->rooms[i]->dated.last_day[DATED_STANDING];
		int64_t next_s = last == DATED_NEVER
					 ? oldest
					 : calendar_date_start_s(&station->settings.zone, last + 1);
		if (next_s < oldest)
			oldest = next_s;
	}
	return oldest;
}

const struct tariff_book *station_book(const struct station *station,
				       const struct station_supply *supply)
{
	return supply->medium == MEDIUM_WATER ? &station->water : &station->book;
}

/* Both books hold the same tariffs. */
static int add(struct station *station, const struct tariff *tariff)
{
	struct tariff water;
	tariff_of_water(tariff, &water);
	int r = tariff_book_add(&station->book, tariff);
	return r < 0 ? r : tariff_book_add(&station->water, &water);
}

static void prune(struct station *station, int64_t before_s)
{
	tariff_book_prune(&station->book, before_s);
	tariff_book_prune(&station->water, before_s);
}

bool station_tariff_room(struct station *station)
{
	struct tariff_book *book = &station->book;
	if (book->count < TARIFF_BOOK_MAX)
		return true;
	prune(station, oldest_s(station));
	/* A meter silent through this many prices is charged by those that are left. */
	while (book->count == TARIFF_BOOK_MAX &&
	       (!station->now.trusted || book->tariff[1].activation_s <= station->now.s))
		prune(station, book->tariff[1].activation_s);
	return book->count < TARIFF_BOOK_MAX;
}

static int load_tariff(const struct ledger_tariff *record, void *userdata)
{
	struct station *station = userdata;
	struct tariff tariff;
	bool from_receipt;
	json_t *errors = NULL;
	int r = tariff_file_parse(record->text, strlen(record->text), &station->settings.zone,
				  &tariff, &from_receipt, &errors);
	json_decref(errors);
	if (r < 0) {
		snprintf(station->error, sizeof(station->error),
			 "tariff %lld of the ledger cannot be read in this zone: %s",
			 (long long)record->id, strerror(-r));
		return r;
	}
	tariff.id = record->id;
	tariff.activation_s = record->activation_s;
	r = station_tax_learn(station, &tariff);
	if (r < 0)
		return r;
	/* Those furthest ahead wait in the ledger; the book is read again with each change of price. */
	return station_tariff_room(station) ? add(station, &tariff) : 0;
}

static int read_books(struct station *station)
{
	station->book.count = station->water.count = 0;
	if (station->config->site.account == CONFIG_ACCOUNT_ENERGY) {
		/* An account of energy: one kWh costs one, for ever, and water nothing. */
		const struct tariff kwh = {.id = INT64_MAX,
					   .activation_s = 0,
					   .price_micro_per_kwh = {{1000000}},
					   .name = "energy"};
		return tariff_book_add(&station->book, &kwh);
	}
	int r = ledger_tariffs_each(station->ledger, load_tariff, station);
	return r < 0 ? r : station_load_use(station);
}

int station_load_tariffs(struct station *station)
{
	struct books {
		struct tariff_book book, water;
	} *old = malloc(sizeof(*old));
	if (old == NULL)
		return -ENOMEM;
	old->book = station->book;
	old->water = station->water;
	int r = read_books(station);
	/* Without a price what is used would cost nothing: while the store fails the old ones stay. */
	if (r < 0) {
		station->book = old->book;
		station->water = old->water;
	}
	free(old);
	return r;
}

struct wanted {
	const struct station *station;
	int64_t id;
	struct tariff *ret;
};

static int find_row(const struct ledger_tariff *record, void *userdata)
{
	const struct wanted *wanted = userdata;
	bool from_receipt;
	json_t *errors = NULL;
	if (record->id != wanted->id)
		return 0;
	int r = tariff_file_parse(record->text, strlen(record->text),
				  &wanted->station->settings.zone, wanted->ret, &from_receipt,
				  &errors);
	json_decref(errors);
	wanted->ret->id = r < 0 ? 0 : record->id;
	return 1;
}

int station_tariff_find(struct station *station, int64_t id, struct tariff *ret)
{
	struct wanted wanted = {.station = station, .id = id, .ret = ret};
	for (size_t i = 0; i < station->book.count; i++)
		if (station->book.tariff[i].id == id) {
			*ret = station->book.tariff[i];
			return 0;
		}
	ret->id = 0;
	int r = ledger_tariffs_each(station->ledger, find_row, &wanted);
	if (r < 0)
		return r;
	return ret->id == id ? 0 : -ENOENT;
}

/* Has this price replaced another one so lately that a start just now is within its hold? */
static bool is_recent(const struct station *station, const struct tariff *tariff)
{
	return tariff > station->book.tariff &&
	       station->now.s - tariff->activation_s < station->config->policy.change_hold_s;
}

void station_tariff_check(struct station *station)
{
	const struct tariff *tariff = tariff_at(&station->book, station->now.s);
	int64_t id = tariff == NULL ? 0 : tariff->id;
	if (!station->now.trusted || id == station->tariff_id)
		return;
	if (station->tariff_id != 0)
		mass_cut_change(&station->mass, station->now.us);
	else if (tariff != NULL && is_recent(station, tariff))
		mass_cut_change(&station->mass,
				station->now.us -
					(station->now.s - tariff->activation_s) * INT64_C(1000000));
	station->tariff_id = id;
	if (!station->store_failing && station_load_tariffs(station) < 0)
		journal_log(LOG_ERR, NULL, NULL, "the tariffs cannot be read: %s", station->error);
}
