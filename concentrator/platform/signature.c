/* signature.c - see signature.h. */
#include "concentrator/platform/signature.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define PEM_SUFFIX   ".pem"
#define PEM_SIZE_MAX 4096

int signature_verify(const uint8_t key[static SIGNATURE_KEY_SIZE], const char *prefix,
		     const void *bytes, size_t len, const uint8_t signature[static SIGNATURE_SIZE])
{
	size_t prefix_len = strlen(prefix);
	EVP_PKEY *public = NULL;
	EVP_MD_CTX *context = NULL;
	uint8_t *text = NULL;
	int r = -ENOMEM;

	if (len > SIGNATURE_BYTES_MAX || prefix_len > SIGNATURE_BYTES_MAX)
		return -EMSGSIZE;
	/* Ed25519 reads its message twice, so libcrypto wants it in one piece. */
	text = malloc(prefix_len + len + 1);
	context = EVP_MD_CTX_new();
	if (text == NULL || context == NULL)
		goto end;
	memcpy(text, prefix, prefix_len);
	if (len > 0)
		memcpy(text + prefix_len, bytes, len);

	r = -EBADMSG;
	public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, SIGNATURE_KEY_SIZE);
	if (public == NULL || EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) != 1)
		goto end;
	if (EVP_DigestVerify(context, signature, SIGNATURE_SIZE, text, prefix_len + len) == 1)
		r = 0;
end:
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(public);
	free(text);
	ERR_clear_error();
	return r;
}

static bool signature_is_safe(const struct stat *about)
{
	return (about->st_uid == 0 || about->st_uid == geteuid()) &&
	       (about->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static bool signature_is_pem(const char *file)
{
	size_t len = strlen(file);

	return len > strlen(PEM_SUFFIX) && file[0] != '.' &&
	       strcmp(file + len - strlen(PEM_SUFFIX), PEM_SUFFIX) == 0;
}

static int signature_parse_pem(const char *text, size_t len, uint8_t ret[static SIGNATURE_KEY_SIZE])
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	EVP_PKEY *public = NULL;
	uint8_t raw[SIGNATURE_KEY_SIZE];
	size_t size = sizeof(raw);
	int r = -EBADMSG;

	if (bio == NULL)
		return -ENOMEM;
	public = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	if (public != NULL && EVP_PKEY_get_id(public) == EVP_PKEY_ED25519 &&
	    EVP_PKEY_get_raw_public_key(public, raw, &size) == 1 && size == sizeof(raw)) {
		memcpy(ret, raw, sizeof(raw));
		r = 0;
	}
	EVP_PKEY_free(public);
	BIO_free(bio);
	ERR_clear_error();
	return r;
}

/* what is set on error: what is wrong and what to do. */
static int signature_read_root(int folder, const char *file, uint8_t ret[static SIGNATURE_KEY_SIZE],
			       const char **what)
{
	char text[PEM_SIZE_MAX];
	struct stat about;
	ssize_t len;
	int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r;

	*what = "cannot be read; check its permissions";
	if (fd < 0)
		return -errno;
	if (fstat(fd, &about) < 0) {
		r = -errno;
		goto end;
	}
	if (!S_ISREG(about.st_mode)) {
		*what = "is not a plain file; remove it";
		r = -EBADMSG;
		goto end;
	}
	if (!signature_is_safe(&about)) {
		*what = "could have been changed by others; chown root and chmod 644 it";
		r = -EPERM;
		goto end;
	}
	len = read(fd, text, sizeof(text));
	if (len < 0) {
		r = -errno;
		goto end;
	}
	*what = "is not one Ed25519 public key; write it with "
		"`openssl pkey -in KEY -pubout`";
	r = (size_t)len == sizeof(text) ? -EBADMSG : signature_parse_pem(text, (size_t)len, ret);
end:
	(void)close(fd);
	return r;
}

static int signature_select_pem(const struct dirent *entry)
{
	return signature_is_pem(entry->d_name) ? 1 : 0;
}

static int signature_order(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

__attribute__((format(printf, 2, 3))) static void
signature_say(char ret_error[static SIGNATURE_ERROR_SIZE], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(ret_error, SIGNATURE_ERROR_SIZE, format, args);
	va_end(args);
}

static int signature_add_root(struct signature_roots *roots, int folder, const char *path,
			      const char *file, char ret_error[static SIGNATURE_ERROR_SIZE])
{
	size_t len = strlen(file) - strlen(PEM_SUFFIX);
	struct signature_root root = {0};
	const char *what;
	int r;

	if (roots->count == SIGNATURE_ROOTS_MAX) {
		signature_say(ret_error, "%s: more than %d roots; remove some", path,
			      SIGNATURE_ROOTS_MAX);
		return -E2BIG;
	}
	if (len >= sizeof(root.name)) {
		signature_say(ret_error, "%s/%s: the name is too long; use at most %zu characters",
			      path, file, sizeof(root.name) - 1);
		return -EBADMSG;
	}
	memcpy(root.name, file, len);
	r = signature_read_root(folder, file, root.key, &what);
	if (r < 0) {
		signature_say(ret_error, "%s/%s: %s", path, file, what);
		return r;
	}
	roots->root[roots->count++] = root;
	return 0;
}

int signature_read_roots(const char *folder, struct signature_roots *ret,
			 char ret_error[static SIGNATURE_ERROR_SIZE])
{
	struct signature_roots roots = {0};
	struct dirent **entries = NULL;
	struct stat about;
	int count = 0;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (fd < 0 || fstat(fd, &about) < 0) {
		r = -errno;
		signature_say(ret_error,
			      "%s: cannot be read (%s); create the folder of payment roots", folder,
			      strerror(-r));
		goto end;
	}
	if (!signature_is_safe(&about)) {
		signature_say(ret_error,
			      "%s: others could add a root; chown root and chmod 755 the folder",
			      folder);
		r = -EPERM;
		goto end;
	}
	count = scandirat(fd, ".", &entries, signature_select_pem, signature_order);
	if (count < 0) {
		r = -errno;
		signature_say(ret_error, "%s: cannot be listed (%s); check its permissions", folder,
			      strerror(-r));
		goto end;
	}
	for (int i = 0; i < count && r == 0; i++)
		r = signature_add_root(&roots, fd, folder, entries[i]->d_name, ret_error);
	if (r == 0)
		*ret = roots;
end:
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	if (fd >= 0)
		(void)close(fd);
	return r;
}
