/* station_use.c - where each account stands in the blocks and the allowance of its tariff.
 *
 * M7  The position is the energy that the account's entries charge since the period began. Settlements
 *     carry it on; at the start and after a new tariff it is the snapshot's, with the charges behind it,
 *     where the snapshot was taken under the same book of prices and tenancy; else it is added up from as
 *     many charges as it takes, all accounts in one pass.
 */
#include "concentrator/station_use.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/ledger_checkpoint.h"
#include "concentrator/ledger_entry.h"
#include "concentrator/ledger_snapshot.h"
#include "concentrator/platform/digest.h"
#include "concentrator/station_dated.h"
#include "concentrator/station_persons.h"
#include "concentrator/station_tax.h"

#define USE_INTEGERS 21
#define USE_SIZE     (USE_INTEGERS * 8)

_Static_assert(USE_SIZE <= LEDGER_POSITION_MAX, "a position fits");

struct use_account {
	struct station_room *room;
	int64_t since_s;   /* entries written before this count no more ... */
	int64_t after_seq; /* ... nor do these, up to the one before the tenancy */
	bool kept;         /* the snapshot's, right up to its entry */
};

struct use_walk {
	const struct station *station;
	struct use_account *accounts; /* by account, rising */
	size_t count;
	int64_t snapshot_seq;
	int64_t least_s;   /* nobody counts what was written before this, ... */
	int64_t least_seq; /* ... nor up to this one, ... */
	int64_t counted;   /* ... as of so many charges */
};

static uint8_t *put(uint8_t *at, int64_t value)
{
	uint64_t bits = (uint64_t)value;
	for (int shift = 56; shift >= 0; shift -= 8)
		*at++ = (uint8_t)(bits >> shift);
	return at;
}

static int64_t get(const uint8_t **at)
{
	uint64_t bits = 0;
	for (int i = 0; i < 8; i++)
		bits = bits << 8 | *(*at)++;
	return (int64_t)bits;
}

static uint8_t *put_period(uint8_t *at, const struct tariff_period *period)
{
	at = put(at, period->since_s);
	at = put(at, period->until_s);
	at = put(at, period->wh);
	at = put(at, period->share_days);
	return put(at, period->of_days);
}

static void get_period(const uint8_t **at, struct tariff_period *ret)
{
	ret->since_s = get(at);
	ret->until_s = get(at);
	ret->wh = get(at);
	ret->share_days = get(at);
	ret->of_days = get(at);
}

void station_use_bytes(const struct tariff_use *use, uint8_t ret[static LEDGER_POSITION_MAX],
		       uint32_t *ret_size)
{
	uint8_t *at = put(ret, use->opened_s);
	at = put_period(at, &use->now);
	at = put_period(at, &use->before);
	at = put_period(at, &use->free_now);
	at = put_period(at, &use->free_before);
	*ret_size = (uint32_t)(at - ret);
}

/* Under other prices, or in another zone, the same energy may be in other periods. */
int station_use_key(const struct station *station, uint8_t ret[static DIGEST_SIZE])
{
	const struct tariff_book *book = &station->book;
	const struct offset_table *zone = &station->settings.zone;
	uint8_t bytes[32 + TARIFF_BOOK_MAX * 32 + CALENDAR_TRANSITIONS_MAX * 16] = "prepay-use 3\n",
									     *at = bytes + 32;
	for (size_t i = 0; i < book->count; i++) {
		at = put(at, book->tariff[i].id);
		at = put(at, book->tariff[i].activation_s);
		at = put(at, book->tariff[i].periods_since_s);
		at = put(at, book->tariff[i].allowance_since_s);
	}
	/* The table's first row begins where the table does, which moves on with each start. */
	for (size_t i = 0; i < zone->count; i++) {
		at = put(at, i == 0 ? 0 : zone->transition[i].from_s);
		at = put(at, zone->transition[i].offset_s);
	}
	return digest_bytes(bytes, (size_t)(at - bytes), ret);
}

static int by_account(const void *a, const void *b)
{
	const struct use_account *left = a, *right = b;
	int64_t x = left->room->record.account_id, y = right->room->record.account_id;
	return (x > y) - (x < y);
}

static struct use_account *find(const struct use_walk *walk, int64_t account_id)
{
	size_t low = 0, high = walk->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (walk->accounts[middle].room->record.account_id < account_id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < walk->count && walk->accounts[low].room->record.account_id == account_id
		       ? &walk->accounts[low]
		       : NULL;
}

static void find_least(struct use_walk *walk)
{
	walk->least_s = walk->least_seq = INT64_MAX;
	for (size_t i = 0; i < walk->count; i++) {
		const struct use_account *account = &walk->accounts[i];
		if (account->kept)
			continue;
		if (account->since_s < walk->least_s)
			walk->least_s = account->since_s;
		if (account->after_seq < walk->least_seq)
			walk->least_seq = account->after_seq;
	}
}

static int use_row(const struct ledger_charge *charge, void *userdata)
{
	struct use_walk *walk = userdata;
	const struct tariff_book *book = &walk->station->book;
	const struct offset_table *zone = &walk->station->settings.zone;
	struct use_account *account = find(walk, charge->account_id);
	bool behind = charge->seq > walk->snapshot_seq;
	/* It only rises, so looking again now and then is enough. */
	if (++walk->counted % 1024 == 0)
		find_least(walk);
	if (!behind && (charge->seq <= walk->least_seq ||
			(charge->at_trusted && charge->at_s < walk->least_s)))
		return 1;
	if (account == NULL || (account->kept && !behind) || charge->from_s == 0 ||
	    charge->seq <= account->after_seq ||
	    (charge->at_trusted && charge->at_s < account->since_s))
		return 0;
	struct tariff_use *use = &account->room->use;
	tariff_use_add(use, book, zone, charge->from_s, charge->energy_wh, charge->flags);
	int64_t since_s = tariff_use_since_s(use, book, zone);
	if (since_s > account->since_s && !account->kept)
		account->since_s = since_s;
	return 0;
}

/* Before a restore, of those whose tenancy began before it; a snapshot has it counted. */
static int known_row(const struct ledger_charge *use, void *userdata)
{
	struct use_walk *walk = userdata;
	struct use_account *account = find(walk, use->account_id);
	if (account != NULL && !account->kept && account->after_seq == 0 &&
	    use->from_s >= account->room->use.opened_s)
		tariff_use_add(&account->room->use, &walk->station->book,
			       &walk->station->settings.zone, use->from_s, use->energy_wh,
			       use->flags);
	return 0;
}

/* A snapshot that was taken under the same prices says where accounts stood. */
static int take_snapshot(struct station *station, struct use_walk *walk)
{
	struct ledger_snapshot *snapshot;
	uint8_t key[DIGEST_SIZE];
	/* One that was refused says nothing. */
	if (ledger_snapshot_seq(station->ledger) == 0)
		return 0;
	int r = station_use_key(station, key);
	if (r == 0)
		r = ledger_snapshot_read(station->ledger, &snapshot);
	if (r < 0)
		return r == -ENODATA || r == -EUCLEAN ? 0 : r;
	bool same = memcmp(snapshot->key, key, sizeof(key)) == 0;
	station->snapshot_stale = !same;
	for (size_t i = 0; same && i < snapshot->position_count; i++) {
		const struct ledger_position *position = &snapshot->positions[i];
		struct use_account *account = find(walk, position->account_id);
		const uint8_t *at = position->bytes;
		if (account == NULL || position->size != USE_SIZE)
			continue;
		struct tariff_use use = {.opened_s = get(&at)};
		get_period(&at, &use.now);
		get_period(&at, &use.before);
		get_period(&at, &use.free_now);
		get_period(&at, &use.free_before);
		use.persons = &account->room->persons;
		/* Another tenancy began a use of its own, if only in the same second. */
		if (use.opened_s != account->room->use.opened_s ||
		    snapshot->seq <= account->after_seq)
			continue;
		account->room->use = use;
		account->kept = true;
	}
	walk->snapshot_seq = snapshot->seq;
	free(snapshot);
	return 0;
}

/* From the room that the tenant came from; a snapshot has it counted. */
static int taken_row(const struct ledger_charge *use, void *userdata)
{
	struct use_walk *walk = userdata;
	struct use_account *account = find(walk, use->account_id);
	if (account != NULL && !account->kept)
		tariff_use_add(&account->room->use, &walk->station->book,
			       &walk->station->settings.zone, use->from_s, use->energy_wh,
			       use->flags);
	return 0;
}

static int add_up(struct station *station, struct use_walk *walk, int64_t first_s)
{
	bool all = true;
	for (size_t i = 0; i < station->room_count; i++) {
		struct station_room *room = station->rooms[i];
		/* M7: a tenancy begins its own use, behind the entries that were there before it: those
		 * of its second are not told apart by time. */
		walk->accounts[i] = (struct use_account){
			.room = room, .since_s = first_s, .after_seq = room->record.after_seq};
	}
	walk->count = station->room_count;
	qsort(walk->accounts, walk->count, sizeof(*walk->accounts), by_account);
	int r = take_snapshot(station, walk);
	if (r < 0)
		return r;
	for (size_t i = 0; i < walk->count; i++)
		all = all && walk->accounts[i].kept;
	find_least(walk);
	r = ledger_charges_back(station->ledger, all ? walk->snapshot_seq : 0, use_row, walk);
	if (r == 0 || r == 1)
		r = ledger_stay_use_each(station->ledger, taken_row, walk);
	return r < 0 ? r : ledger_use_known_each(station->ledger, known_row, walk);
}

int station_load_use(struct station *station)
{
	int64_t first_s = INT64_MAX;
	station->snapshot_stale = false;
	for (size_t i = 0; i < station->book.count; i++) {
		const struct tariff *tariff = &station->book.tariff[i];
		if (tariff_block_count(tariff) > 1 && tariff->periods_since_s < first_s)
			first_s = tariff->periods_since_s;
		if (tariff->allowance.wh > 0 && tariff->allowance_since_s < first_s)
			first_s = tariff->allowance_since_s;
	}
	for (size_t i = 0; i < station->room_count; i++) {
		struct station_room *room = station->rooms[i];
		room->use = (struct tariff_use){.opened_s = room->record.stay.opened_s != 0
								    ? room->record.stay.opened_s
								    : room->record.opened_s,
						.persons = &room->persons};
		int r = station_dated_load(station, room);
		if (r == 0)
			r = station_tax_load(station, room);
		if (r == 0)
			r = station_persons_load(station, room);
		if (r < 0)
			return r;
	}
	if (first_s != INT64_MAX && station->room_count > 0) {
		struct use_walk walk = {.station = station};
		walk.accounts = calloc(station->room_count, sizeof(*walk.accounts));
		int r = walk.accounts == NULL ? -ENOMEM : add_up(station, &walk, first_s);
		free(walk.accounts);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < station->room_count; i++)
		station->rooms[i]->use_after = station->rooms[i]->use;
	return 0;
}
