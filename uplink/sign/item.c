/* item.c - see item.h */
#include "uplink/sign/item.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE_SIZE 64

char *item_base64url(const unsigned char *bytes, size_t len)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char *text = malloc((len + 2) / 3 * 4 + 1), *at = text;

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < len; i += 3) {
		unsigned group = (unsigned)bytes[i] << 16;

		if (i + 1 < len)
			group |= (unsigned)bytes[i + 1] << 8;
		if (i + 2 < len)
			group |= bytes[i + 2];
		/* One byte makes two characters, two make three, three make four. */
		for (size_t c = 0; c < 4 && c <= len - i; c++)
			*at++ = alphabet[group >> (18 - 6 * c) & 63];
	}
	*at = '\0';
	return text;
}

static int sign(EVP_PKEY *key, const char *prefix, const char *payload,
		unsigned char ret_signature[static SIGNATURE_SIZE])
{
	size_t prefix_len = strlen(prefix), len = prefix_len + strlen(payload);
	size_t signature_len = SIGNATURE_SIZE;
	unsigned char *message = malloc(len);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int r = -1;

	if (message != NULL && context != NULL) {
		memcpy(message, prefix, prefix_len);
		memcpy(message + prefix_len, payload, len - prefix_len);
		if (EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestSign(context, ret_signature, &signature_len, message, len) == 1 &&
		    signature_len == SIGNATURE_SIZE)
			r = 0;
	}
	EVP_MD_CTX_free(context);
	free(message);
	return r;
}

static int complain(void)
{
	(void)fputs("prepay-sign: the item cannot be signed or printed\n", stderr);
	return -1;
}

json_t *item_make(const char *type, const char *mrid, const char *kid, const char *prefix,
		  const json_t *payload, EVP_PKEY *key)
{
	unsigned char signature[SIGNATURE_SIZE];
	char *text = json_dumps(payload, JSON_COMPACT);
	char *p = NULL, *sig = NULL;

	if (text != NULL && sign(key, prefix, text, signature) == 0) {
		p = item_base64url((const unsigned char *)text, strlen(text));
		sig = item_base64url(signature, sizeof(signature));
	}
	json_t *item = p != NULL && sig != NULL
			       ? json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", type, "mRID", mrid,
					   "kid", kid, "p", p, "sig", sig)
			       : NULL;
	if (item == NULL)
		(void)complain();
	free(sig);
	free(p);
	free(text);
	return item;
}

int item_print(const char *type, const char *mrid, const char *kid, const char *prefix,
	       const json_t *payload, EVP_PKEY *key)
{
	json_t *item = item_make(type, mrid, kid, prefix, payload, key);
	int r = 0;

	if (item == NULL)
		return -1;
	if (json_dumpf(item, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF ||
	    fflush(stdout) != 0)
		r = complain();
	json_decref(item);
	return r;
}
