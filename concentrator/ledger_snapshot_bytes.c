/* ledger_snapshot_bytes.c - integers most significant byte first, then the three lists.
 *
 * What is decoded may come from a damaged disk: lengths are checked against what is left before anything is
 * read, though the hash has been checked before that.
 */
#include "concentrator/ledger_snapshot_bytes.h"

#include "concentrator/ledger_chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT          2
#define FORMAT_NO_WATER 1 /* without the sums of water: all were 0 */

static const char label[] = "prepay-snapshot\n";

#define LABEL_SIZE   (sizeof(label) - 1)
#define INTEGERS     18
#define HEADER_SIZE  (LABEL_SIZE + INTEGERS * 8 + 2 * 32)
#define LEAST_SIZE   (HEADER_SIZE - 4 * 8) /* of a header */
#define ACCOUNT_SIZE 16
#define LIFE_SIZE    16

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

int snapshot_encode(const struct ledger_snapshot *snapshot, uint8_t **ret, size_t *ret_size)
{
	const struct ledger_totals *totals = &snapshot->totals;
	const int64_t integers[INTEGERS] = {
		FORMAT,
		snapshot->seq,
		snapshot->at_s,
		totals->charged_wh,
		totals->house_wh,
		totals->quarantined_wh,
		totals->written_off_wh,
		totals->balance_nano,
		totals->cash_nano,
		totals->entries,
		snapshot->cash_id,
		(int64_t)snapshot->account_count,
		(int64_t)snapshot->life_count,
		(int64_t)snapshot->position_count,
		totals->charged_l,
		totals->house_l,
		totals->quarantined_l,
		totals->written_off_l,
	};
	size_t size = HEADER_SIZE + snapshot->account_count * ACCOUNT_SIZE +
		      snapshot->life_count * LIFE_SIZE;
	uint8_t *bytes, *at;

	for (size_t i = 0; i < snapshot->position_count; i++)
		size += 16 + snapshot->positions[i].size;
	bytes = at = malloc(size);
	if (!bytes)
		return -ENOMEM;
	memcpy(at, label, LABEL_SIZE);
	at += LABEL_SIZE;
	for (size_t i = 0; i < INTEGERS; i++)
		at = put(at, integers[i]);
	memcpy(at, snapshot->head, 32);
	memcpy(at + 32, snapshot->key, 32);
	at += 64;
	for (size_t i = 0; i < snapshot->account_count; i++) {
		at = put(at, snapshot->accounts[i].id);
		at = put(at, snapshot->accounts[i].balance_nano);
	}
	for (size_t i = 0; i < snapshot->life_count; i++) {
		at = put(at, snapshot->lives[i].id);
		at = put(at, snapshot->lives[i].energy_wh);
	}
	for (size_t i = 0; i < snapshot->position_count; i++) {
		const struct ledger_position *position = &snapshot->positions[i];

		at = put(at, position->account_id);
		at = put(at, position->size);
		if (position->size > 0)
			memcpy(at, position->bytes, position->size);
		at += position->size;
	}
	*ret = bytes;
	*ret_size = size;
	return 0;
}

/* *at moves behind it. */
static int get_header(const uint8_t **at, size_t size, struct ledger_snapshot *ret)
{
	int64_t format, accounts, lives, positions;

	*at += LABEL_SIZE;
	format = get(at);
	ret->seq = get(at);
	ret->at_s = get(at);
	ret->totals.charged_wh = get(at);
	ret->totals.house_wh = get(at);
	ret->totals.quarantined_wh = get(at);
	ret->totals.written_off_wh = get(at);
	ret->totals.balance_nano = get(at);
	ret->totals.cash_nano = get(at);
	ret->totals.entries = get(at);
	ret->cash_id = get(at);
	accounts = get(at);
	lives = get(at);
	positions = get(at);
	if (format == FORMAT) {
		if (size < HEADER_SIZE)
			return -EUCLEAN;
		ret->totals.charged_l = get(at);
		ret->totals.house_l = get(at);
		ret->totals.quarantined_l = get(at);
		ret->totals.written_off_l = get(at);
	}
	memcpy(ret->head, *at, 32);
	memcpy(ret->key, *at + 32, 32);
	*at += 64;
	if ((format != FORMAT && format != FORMAT_NO_WATER) || ret->seq < 0 ||
	    ret->totals.entries != ret->seq || accounts < 0 || lives < 0 || positions < 0 ||
	    accounts > INT32_MAX || lives > INT32_MAX || positions > INT32_MAX)
		return -EUCLEAN;
	ret->account_count = (size_t)accounts;
	ret->life_count = (size_t)lives;
	ret->position_count = (size_t)positions;
	return 0;
}

static bool get_positions(const uint8_t *at, const uint8_t *end, struct ledger_position ret[],
			  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int64_t size;

		if (end - at < 16)
			return false;
		ret[i].account_id = get(&at);
		size = get(&at);
		if (size < 0 || size > LEDGER_POSITION_MAX || size > end - at)
			return false;
		ret[i].size = (uint32_t)size;
		ret[i].bytes = at;
		at += size;
	}
	return at == end;
}

/* The value, its arrays and the bytes that the positions point into, in one piece. */
static int lay_out(const struct ledger_snapshot *header, const uint8_t *lists, size_t size,
		   struct ledger_snapshot **ret)
{
	size_t accounts = header->account_count * sizeof(struct ledger_snapshot_account);
	size_t lives = header->life_count * sizeof(struct ledger_snapshot_life);
	size_t positions = header->position_count * sizeof(struct ledger_position);
	char *memory = malloc(sizeof(*header) + accounts + lives + positions + size);
	struct ledger_snapshot *snapshot = (void *)memory;
	struct ledger_snapshot_account *account;
	struct ledger_snapshot_life *life;
	struct ledger_position *position;
	const uint8_t *at;
	uint8_t *copy;

	if (!memory)
		return -ENOMEM;
	*snapshot = *header;
	account = (void *)(memory + sizeof(*header));
	life = (void *)((char *)account + accounts);
	position = (void *)((char *)life + lives);
	copy = (uint8_t *)position + positions;
	memcpy(copy, lists, size);
	at = copy;
	for (size_t i = 0; i < header->account_count; i++) {
		account[i].id = get(&at);
		account[i].balance_nano = get(&at);
	}
	for (size_t i = 0; i < header->life_count; i++) {
		life[i].id = get(&at);
		life[i].energy_wh = get(&at);
	}
	snapshot->accounts = account;
	snapshot->lives = life;
	snapshot->positions = position;
	if (!get_positions(at, copy + size, position, header->position_count)) {
		free(memory);
		return -EUCLEAN;
	}
	*ret = snapshot;
	return 0;
}

int snapshot_hash(const uint8_t *bytes, size_t size, uint8_t ret[static 32])
{
	return chain_digest((const void *const[]){bytes}, &size, 1, ret);
}

int snapshot_decode(const uint8_t *bytes, size_t size, const uint8_t sha256[static 32],
		    struct ledger_snapshot **ret)
{
	struct ledger_snapshot header = {0};
	const uint8_t *at = bytes;
	size_t left;
	int error;

	error = snapshot_hash(bytes, size, header.sha256);
	if (error < 0)
		return error;
	if (memcmp(header.sha256, sha256, 32) != 0 || size < LEAST_SIZE ||
	    memcmp(bytes, label, LABEL_SIZE) != 0)
		return -EUCLEAN;
	error = get_header(&at, size, &header);
	if (error < 0)
		return error;
	left = size - (size_t)(at - bytes);
	if (header.account_count > left / ACCOUNT_SIZE)
		return -EUCLEAN;
	left -= header.account_count * ACCOUNT_SIZE;
	if (header.life_count > left / LIFE_SIZE)
		return -EUCLEAN;
	left -= header.life_count * LIFE_SIZE;
	if (header.position_count > left / 16)
		return -EUCLEAN;
	return lay_out(&header, at, size - (size_t)(at - bytes), ret);
}
