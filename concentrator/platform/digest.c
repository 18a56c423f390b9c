/* digest.c - see digest.h. */
#include "concentrator/platform/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>

#define READ_SIZE (64 * 1024)

int digest_bytes(const void *bytes, size_t len, uint8_t ret[static DIGEST_SIZE])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (EVP_Digest(bytes, len, digest, &size, EVP_sha256(), NULL) != 1 || size != DIGEST_SIZE)
		return -EIO;
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		ret[i] = digest[i];
	return 0;
}

static int digest_update_from(EVP_MD_CTX *context, int fd, uint8_t *buffer, int64_t *ret_len)
{
	int64_t total = 0;

	for (;;) {
		ssize_t len = read(fd, buffer, READ_SIZE);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		if (len == 0)
			break;
		if (EVP_DigestUpdate(context, buffer, (size_t)len) != 1)
			return -EIO;
		total += len;
	}
	*ret_len = total;
	return 0;
}

int digest_file(int fd, uint8_t ret[static DIGEST_SIZE], int64_t *ret_len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t *buffer = malloc(READ_SIZE);
	int64_t len = 0;
	int r = -EIO;

	if (context == NULL || buffer == NULL) {
		r = -ENOMEM;
		goto end;
	}
	if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
		goto end;
	r = digest_update_from(context, fd, buffer, &len);
	if (r < 0)
		goto end;
	if (EVP_DigestFinal_ex(context, ret, NULL) != 1) {
		r = -EIO;
		goto end;
	}
	if (ret_len != NULL)
		*ret_len = len;
end:
	free(buffer);
	EVP_MD_CTX_free(context);
	return r;
}
