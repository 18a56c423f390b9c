/* signature.h - Ed25519 verification (RFC 8032) and the payment roots on the disk.
 *
 * U4  Orders carry a signature of a payment key that the API server need not hold: this is the only
 *     place where one is checked. What is signed is always prefix || bytes, and the prefix names the
 *     kind of document, so that a signature of one kind never passes for another.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "concentrator/platform/digest.h"
#include "concentrator/platform/encoding.h"

#define SIGNATURE_KEY_SIZE   32
#define SIGNATURE_SIZE       64
#define SIGNATURE_ROOTS_MAX  16
#define SIGNATURE_NAME_SIZE  64
#define SIGNATURE_BYTES_MAX  (1024 * 1024)
#define SIGNATURE_ERROR_SIZE 512

struct signature_root {
	char name[SIGNATURE_NAME_SIZE]; /* file name without ".pem" */
	uint8_t key[SIGNATURE_KEY_SIZE];
};

struct signature_roots {
	size_t count;
	struct signature_root root[SIGNATURE_ROOTS_MAX]; /* in the order of their names */
};

/* Is signature the key's over prefix (a string, its terminator not included) followed by bytes? 0: it is,
 * -EBADMSG: it is not, or the key is no point of the curve; -EMSGSIZE past SIGNATURE_BYTES_MAX, -ENOMEM. */
int signature_verify(const uint8_t key[static SIGNATURE_KEY_SIZE], const char *prefix,
		     const void *bytes, size_t len, const uint8_t signature[static SIGNATURE_SIZE]);

/* The public keys of folder, files *.pem (SubjectPublicKeyInfo). All or nothing: one bad file refuses the folder,
 * because a root that silently does not count is noticed only when money does not arrive. On error
 * ret_error is "FILE: what; what to do". -ENOENT: no such folder, -EPERM: the folder or a file is not owned
 * by root or this user, or is writable by others; -EBADMSG: not one Ed25519 public key; -E2BIG: too many.
 * An empty folder is 0 keys. Blocks on the disk. */
int signature_read_roots(const char *folder, struct signature_roots *ret,
			 char ret_error[static SIGNATURE_ERROR_SIZE]);
