/* test_signature.c - U4: signatures by the vectors of RFC 8032, payment roots by what may lie in their folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "concentrator/platform/signature.h"

struct vector {
	const char *name;
	const char *key;
	const char *message;
	const char *signature;
};

/* RFC 8032, section 7.1. */
static const struct vector vectors[] = {
	{"TEST 1", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
	 "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
	 "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
	{"TEST 2", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
	 "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
	 "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
	{"TEST 3", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
	 "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
	 "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

#define VECTOR_COUNT (sizeof(vectors) / sizeof(vectors[0]))

static void load(const struct vector *vector, uint8_t key[static SIGNATURE_KEY_SIZE],
		 uint8_t signature[static SIGNATURE_SIZE], uint8_t message[static 8],
		 size_t *ret_len)
{
	*ret_len = strlen(vector->message) / 2;
	assert_int_equal(hex_decode(vector->key, strlen(vector->key), key, SIGNATURE_KEY_SIZE), 0);
	assert_int_equal(
		hex_decode(vector->signature, strlen(vector->signature), signature, SIGNATURE_SIZE),
		0);
	assert_int_equal(hex_decode(vector->message, strlen(vector->message), message, *ret_len),
			 0);
}

static void test_vectors(void **state)
{
	uint8_t key[SIGNATURE_KEY_SIZE], signature[SIGNATURE_SIZE], message[8];
	size_t len;

	(void)state;
	for (size_t i = 0; i < VECTOR_COUNT; i++) {
		print_message("%s\n", vectors[i].name);
		load(&vectors[i], key, signature, message, &len);
		assert_int_equal(signature_verify(key, "", message, len, signature), 0);
	}
}

static void test_prefix_is_signed(void **state)
{
	uint8_t key[SIGNATURE_KEY_SIZE], signature[SIGNATURE_SIZE], message[8];
	size_t len;

	(void)state;
	/* TEST 2 signs the letter r: it may come as prefix or as bytes, but not twice. */
	load(&vectors[1], key, signature, message, &len);
	assert_int_equal(signature_verify(key, "r", NULL, 0, signature), 0);
	assert_int_equal(signature_verify(key, "r", message, len, signature), -EBADMSG);
	assert_int_equal(signature_verify(key, "x", message, len, signature), -EBADMSG);
}

static void test_each_bit_counts(void **state)
{
	uint8_t key[SIGNATURE_KEY_SIZE], signature[SIGNATURE_SIZE], message[8];
	size_t len;

	(void)state;
	load(&vectors[2], key, signature, message, &len);
	for (size_t bit = 0; bit < sizeof(signature) * 8; bit++) {
		signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(signature_verify(key, "", message, len, signature), -EBADMSG);
		signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t bit = 0; bit < sizeof(key) * 8; bit++) {
		key[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(signature_verify(key, "", message, len, signature), -EBADMSG);
		key[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	message[0] ^= 1;
	assert_int_equal(signature_verify(key, "", message, len, signature), -EBADMSG);
	message[0] ^= 1;
	assert_int_equal(signature_verify(key, "", message, len - 1, signature), -EBADMSG);
	assert_int_equal(signature_verify(key, "", message, len, signature), 0);
	assert_int_equal(
		signature_verify(key, "", message, (size_t)SIGNATURE_BYTES_MAX + 1, signature),
		-EMSGSIZE);
}

/* FIPS 180-2, appendix B.1 and B.3 (a million letters a). */
static void test_sha256(void **state)
{
	static const char abc[] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	static const char million[] =
		"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
	uint8_t digest[DIGEST_SIZE];
	char text[HEX_LEN(DIGEST_SIZE) + 1];
	FILE *file = tmpfile();
	int64_t len = 0;

	(void)state;
	assert_int_equal(digest_bytes("abc", 3, digest), 0);
	hex_encode(digest, sizeof(digest), text, sizeof(text));
	assert_string_equal(text, abc);

	assert_non_null(file);
	for (int i = 0; i < 1000000; i++)
		assert_int_equal(fputc('a', file), 'a');
	assert_int_equal(fflush(file), 0);
	assert_int_equal(lseek(fileno(file), 0, SEEK_SET), 0);
	assert_int_equal(digest_file(fileno(file), digest, &len), 0);
	(void)fclose(file);
	hex_encode(digest, sizeof(digest), text, sizeof(text));
	assert_string_equal(text, million);
	assert_int_equal(len, 1000000);
	assert_int_equal(digest_file(-1, digest, NULL), -EBADF);
}

/* The key of TEST 1 as SubjectPublicKeyInfo, RFC 8410 section 4: 30 2a 30 05 06 03 2b 65 70 03 21 00 KEY. */
static const char pem_test_1[] = "-----BEGIN PUBLIC KEY-----\n"
				 "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
				 "-----END PUBLIC KEY-----\n";
/* RFC 8410, section 10.1. */
static const char pem_rfc_8410[] = "-----BEGIN PUBLIC KEY-----\n"
				   "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
				   "-----END PUBLIC KEY-----\n";
/* RFC 8410, section 10.3: a private key has no business there. */
static const char pem_private[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
	"-----END PRIVATE KEY-----\n";
/* X25519: an OID of the same family that cannot sign. */
static const char pem_x25519[] = "-----BEGIN PUBLIC KEY-----\n"
				 "MCowBQYDK2VuAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
				 "-----END PUBLIC KEY-----\n";

struct folder {
	char path[64];
};

static int make_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	if (folder == NULL)
		return -1;
	(void)snprintf(folder->path, sizeof(folder->path), "/tmp/prepay-roots-XXXXXX");
	*state = folder;
	return mkdtemp(folder->path) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder->path);
	free(folder);
	return system(command) == 0 ? 0 : -1;
}

static void put(const struct folder *folder, const char *name, const char *text, mode_t mode)
{
	char path[192];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void test_roots_in_order(void **state)
{
	const struct folder *folder = *state;
	struct signature_roots roots;
	char error[SIGNATURE_ERROR_SIZE];
	uint8_t key[SIGNATURE_KEY_SIZE];

	assert_int_equal(signature_read_roots(folder->path, &roots, error), 0);
	assert_int_equal(roots.count, 0);

	put(folder, "owner-2.pem", pem_rfc_8410, 0644);
	put(folder, "owner-1.pem", pem_test_1, 0600);
	put(folder, "README", "no key\n", 0644);
	put(folder, ".hidden.pem", "no key\n", 0644);
	assert_int_equal(signature_read_roots(folder->path, &roots, error), 0);
	assert_int_equal(roots.count, 2);
	assert_string_equal(roots.root[0].name, "owner-1");
	assert_string_equal(roots.root[1].name, "owner-2");
	assert_int_equal(hex_decode(vectors[0].key, 64, key, sizeof(key)), 0);
	assert_memory_equal(roots.root[0].key, key, sizeof(key));
}

static void test_roots_refused(void **state)
{
	static const struct {
		const char *sentence;
		const char *text;
		mode_t mode;
		int result;
	} cases[] = {
		{"writable by the group", pem_test_1, 0664, -EPERM},
		{"writable by everybody", pem_test_1, 0646, -EPERM},
		{"a private key", pem_private, 0644, -EBADMSG},
		{"a key that cannot sign", pem_x25519, 0644, -EBADMSG},
		{"no PEM at all", "hello\n", 0644, -EBADMSG},
		{"empty", "", 0644, -EBADMSG},
	};
	const struct folder *folder = *state;

	put(folder, "good.pem", pem_rfc_8410, 0644);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct signature_roots roots = {.count = 77};
		char error[SIGNATURE_ERROR_SIZE] = "";

		print_message("%s\n", cases[i].sentence);
		put(folder, "bad.pem", cases[i].text, cases[i].mode);
		assert_int_equal(signature_read_roots(folder->path, &roots, error),
				 cases[i].result);
		assert_int_equal(roots.count, 77);
		assert_non_null(strstr(error, "/bad.pem: "));
	}
}

static void test_roots_folder(void **state)
{
	const struct folder *folder = *state;
	struct signature_roots roots;
	char error[SIGNATURE_ERROR_SIZE];
	char name[32];

	assert_int_equal(chmod(folder->path, 0777), 0);
	assert_int_equal(signature_read_roots(folder->path, &roots, error), -EPERM);
	assert_int_equal(chmod(folder->path, 0755), 0);
	assert_int_equal(signature_read_roots("/nonexistent/roots", &roots, error), -ENOENT);
	assert_non_null(strstr(error, "/nonexistent/roots: "));
	for (int i = 0; i <= SIGNATURE_ROOTS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "root-%d.pem", i);
		put(folder, name, pem_test_1, 0644);
	}
	assert_int_equal(signature_read_roots(folder->path, &roots, error), -E2BIG);
}

static void test_roots_of_a_stranger(void **state)
{
	const struct folder *folder = *state;
	struct signature_roots roots;
	char error[SIGNATURE_ERROR_SIZE];
	char path[192];

	/* Only root can give a file away. */
	if (geteuid() != 0)
		skip();
	put(folder, "bad.pem", pem_test_1, 0644);
	(void)snprintf(path, sizeof(path), "%s/bad.pem", folder->path);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(signature_read_roots(folder->path, &roots, error), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_prefix_is_signed),
		cmocka_unit_test(test_each_bit_counts),
		cmocka_unit_test(test_sha256),
		cmocka_unit_test_setup_teardown(test_roots_in_order, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_roots_refused, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_roots_folder, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_roots_of_a_stranger, make_folder,
						remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
