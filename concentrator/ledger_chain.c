/* ledger_chain.c - canonical bytes of an entry, and SHA-256 over them.
 *
 * M5  The bytes carry the entry's format number first, so a later format never reads as this one.
 * M8  The bytes carry the hash of the entry before.
 */
#include "concentrator/ledger_chain.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

static const char entry_label[] = "prepay-entry\n";
static const char genesis_label[] = "prepay-ledger\n";

static uint8_t *put_integer(uint8_t *at, int64_t value)
{
	uint64_t bits = htobe64((uint64_t)value);

	memcpy(at, &bits, sizeof(bits));
	return at + sizeof(bits);
}

static uint8_t *put_text(uint8_t *at, const char *text, size_t max)
{
	size_t size = strnlen(text, max);
	uint32_t bits = htobe32((uint32_t)size);

	memcpy(at, &bits, sizeof(bits));
	memcpy(at + sizeof(bits), text, size);
	return at + sizeof(bits) + size;
}

size_t chain_bytes(const struct entry *entry, uint8_t ret[static CHAIN_BYTES_MAX])
{
	const int64_t integers[] = {
		entry->format,    entry->seq,         entry->kind,      entry->account_id,
		entry->point_id,  entry->life_id,     entry->at_s,      entry->at_trusted,
		entry->at_us,     entry->amount_nano, entry->energy_wh, entry->from_wh,
		entry->to_wh,     entry->from_s,      entry->to_s,      entry->price_micro_per_kwh,
		entry->tariff_id, entry->flags,       entry->refers,
	};
	uint8_t *at = ret;

	memcpy(at, entry_label, sizeof(entry_label) - 1);
	at += sizeof(entry_label) - 1;
	memcpy(at, entry->previous, sizeof(entry->previous));
	at += sizeof(entry->previous);
	for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++)
		at = put_integer(at, integers[i]);
	at = put_text(at, entry->boot, BOOT_ID_LEN);
	at = put_text(at, entry->order, ENTRY_ORDER_MAX);
	at = put_text(at, entry->who, ENTRY_TEXT_MAX);
	at = put_text(at, entry->why, ENTRY_TEXT_MAX);
	assert((size_t)(at - ret) <= CHAIN_BYTES_MAX);
	return (size_t)(at - ret);
}

int chain_digest(const void *const parts[], const size_t sizes[], size_t count,
		 uint8_t ret[static 32])
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t digest[EVP_MAX_MD_SIZE];
	int ok;

	if (!context)
		return -ENOMEM;
	ok = EVP_DigestInit_ex(context, EVP_sha256(), NULL);
	for (size_t i = 0; ok == 1 && i < count; i++)
		ok = EVP_DigestUpdate(context, parts[i], sizes[i]);
	if (ok == 1)
		ok = EVP_DigestFinal_ex(context, digest, NULL);
	EVP_MD_CTX_free(context);
	if (ok != 1)
		return -ENOMEM;
	memcpy(ret, digest, 32);
	return 0;
}

int chain_hash(const struct entry *entry, uint8_t ret[static 32])
{
	uint8_t bytes[CHAIN_BYTES_MAX];
	size_t size = chain_bytes(entry, bytes);

	return chain_digest((const void *const[]){bytes}, &size, 1, ret);
}

int chain_genesis(const char *site, uint8_t ret[static 32])
{
	return chain_digest((const void *const[]){genesis_label, site},
			    (const size_t[]){sizeof(genesis_label) - 1, strlen(site)}, 2, ret);
}
