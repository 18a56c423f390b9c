/* digest.h - SHA-256 by libcrypto. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define DIGEST_SIZE 32

/* One piece of memory. -EIO when libcrypto fails. */
int digest_bytes(const void *bytes, size_t len, uint8_t ret[static DIGEST_SIZE]);

/* From the descriptor's position to its end; ret_len may be NULL. -errno of read(2), -EIO. Blocks. */
int digest_file(int fd, uint8_t ret[static DIGEST_SIZE], int64_t *ret_len);
