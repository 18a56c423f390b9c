/* key_file.c - see key_file.h */
#include "uplink/sign/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>

static int complain(const char *file, const char *what)
{
	(void)fprintf(stderr, "prepay-sign: %s: %s\n", file, what);
	return -1;
}

static FILE *create(const char *file, mode_t mode)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0) {
		(void)complain(file, errno == EEXIST ? "exists already; keys are never overwritten"
						     : strerror(errno));
		return NULL;
	}
	FILE *stream = fdopen(fd, "w");
	if (stream == NULL)
		(void)close(fd);
	return stream;
}

/* Closes in every case. */
static int finish(FILE *stream, const char *file, int written)
{
	if (written == 1 && (fflush(stream) != 0 || fsync(fileno(stream)) != 0))
		written = 0;
	if (fclose(stream) != 0)
		written = 0;
	return written == 1 ? 0 : complain(file, "cannot be written");
}

int key_file_generate(const char *private_file, const char *public_file)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	int r = -1;

	if (key == NULL)
		return complain(private_file, "no key can be made");
	FILE *stream = create(private_file, 0600);
	if (stream != NULL)
		r = finish(stream, private_file,
			   PEM_write_PKCS8PrivateKey(stream, key, NULL, NULL, 0, NULL, NULL));
	if (r == 0) {
		stream = create(public_file, 0644);
		r = stream == NULL ? -1
				   : finish(stream, public_file, PEM_write_PUBKEY(stream, key));
		/* A pair or nothing: a private key whose public half nobody has is of no use. */
		if (r < 0)
			(void)unlink(private_file);
	}
	EVP_PKEY_free(key);
	return r;
}

static FILE *open_to_read(const char *file)
{
	FILE *stream = fopen(file, "re");

	if (stream == NULL)
		(void)complain(file, strerror(errno));
	return stream;
}

int key_file_read_private(const char *file, EVP_PKEY **ret)
{
	FILE *stream = open_to_read(file);

	if (stream == NULL)
		return -1;
	EVP_PKEY *key = PEM_read_PrivateKey(stream, NULL, NULL, NULL);
	(void)fclose(stream);
	if (key == NULL || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519) {
		EVP_PKEY_free(key);
		return complain(file, "not an Ed25519 private key in PEM");
	}
	*ret = key;
	return 0;
}

int key_file_read_public(const char *file, unsigned char ret_raw[static KEY_RAW_SIZE])
{
	size_t size = KEY_RAW_SIZE;
	FILE *stream = open_to_read(file);

	if (stream == NULL)
		return -1;
	EVP_PKEY *key = PEM_read_PUBKEY(stream, NULL, NULL, NULL);
	(void)fclose(stream);
	int r = 0;
	if (key == NULL || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519 ||
	    EVP_PKEY_get_raw_public_key(key, ret_raw, &size) != 1 || size != KEY_RAW_SIZE)
		r = complain(file, "not an Ed25519 public key in PEM");
	EVP_PKEY_free(key);
	return r;
}
