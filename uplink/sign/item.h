/* item.h - a signed item of the feed, printed.
 *
 * The signature covers the prefix and the very bytes of the payload as they are sent; nobody ever
 * writes the JSON anew. Errors have been said on standard error.
 */
#pragma once

#include <stddef.h>

#include <jansson.h>
#include <openssl/evp.h>

#define ITEM_CREDIT_PREFIX     "PREPAY-CREDIT-v1\n"
#define ITEM_KEYSET_PREFIX     "PREPAY-KEYSET-v1\n"
#define ITEM_CHECKPOINT_PREFIX "PREPAY-CHECKPOINT-v1\n"

/* base64url without padding; NULL without memory. The caller frees it. */
char *item_base64url(const unsigned char *bytes, size_t len);

/* {type, mRID, kid, p, sig}; NULL after an error. payload is borrowed. */
json_t *item_make(const char *type, const char *mrid, const char *kid, const char *prefix,
		  const json_t *payload, EVP_PKEY *key);

/* Prints {type, mRID, kid, p, sig} as one line on standard output. payload is borrowed. */
int item_print(const char *type, const char *mrid, const char *kid, const char *prefix,
	       const json_t *payload, EVP_PKEY *key);
