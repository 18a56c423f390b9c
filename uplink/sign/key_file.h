/* key_file.h - Ed25519 keys as PEM files.
 *
 * Errors are for the person at the terminal: each function that returns nonzero has said on standard
 * error which file and what is wrong.
 */
#pragma once

#include <openssl/evp.h>

#define KEY_RAW_SIZE 32

/* Makes a new pair. The private file is created with mode 0600; neither may exist yet. */
int key_file_generate(const char *private_file, const char *public_file);

/* The caller frees the key with EVP_PKEY_free(). */
int key_file_read_private(const char *file, EVP_PKEY **ret);

/* The 32 bytes of a public key. */
int key_file_read_public(const char *file, unsigned char ret_raw[static KEY_RAW_SIZE]);
