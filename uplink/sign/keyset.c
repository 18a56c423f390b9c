/* keyset.c - the verb keyset: the whole set of keys that may sign, signed by a root. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "uplink/sign/item.h"
#include "uplink/sign/key_file.h"
#include "uplink/sign/options.h"

#define KEY_LIFE_S (INT64_C(5) * 365 * 86400)

static bool is_use(const char *text)
{
	static const char *const uses[] = {"credit", "command", "time", "config"};

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (strcmp(text, uses[i]) == 0)
			return true;
	return false;
}

/* NAME=VALUE behind a key's use. */
static int add_limit(json_t *key, char *limit)
{
	static const char *const names[] = {"from", "to", "orderMax", "roomDayMax", "dayMax"};
	char *value = strchr(limit, '=');
	int64_t number;

	if (value == NULL)
		return wrong("--key: %s: not NAME=VALUE", limit);
	*value++ = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(limit, names[i]) != 0)
			continue;
		if (!integer_read(value, 0, INT64_MAX, &number))
			return wrong("--key: %s=%s: not a number", limit, value);
		return json_object_set_new(key, limit, json_integer(number)) < 0 ? EXIT_FAILED : 0;
	}
	return wrong("--key: %s: no such limit; there are from, to, orderMax, roomDayMax, dayMax",
		     limit);
}

/* KID=FILE.pub:USE[,NAME=VALUE...]; cuts text into its parts. */
static int add_key(json_t *keys, char *text)
{
	unsigned char raw[KEY_RAW_SIZE];
	char *file = strchr(text, '='), *limits = NULL, *use;

	if (file == NULL)
		return wrong("--key %s: not KID=FILE.pub:USE", text);
	*file++ = '\0';
	use = strrchr(file, ':');
	if (use == NULL)
		return wrong("--key %s=%s: the use is missing; write KID=FILE.pub:credit", text,
			     file);
	*use++ = '\0';
	char *first = strtok_r(use, ",", &limits);
	if (first == NULL || !is_use(first))
		return wrong("--key %s: %s: no such use; there are credit, command, time, config",
			     text, use);
	if (!is_name(text))
		return wrong("--key %s: the kid must be 1 to 64 printable characters", text);
	if (key_file_read_public(file, raw) < 0)
		return EXIT_FAILED;

	char *encoded = item_base64url(raw, sizeof(raw));
	json_t *key = encoded == NULL ? NULL
				      : json_pack("{s:s, s:s, s:s, s:i, s:I}", "kid", text, "key",
						  encoded, "use", first, "from", 0, "to",
						  (json_int_t)(now_s() + KEY_LIFE_S));
	free(encoded);
	int r = key == NULL ? EXIT_FAILED : 0;
	for (char *limit; r == 0 && (limit = strtok_r(NULL, ",", &limits)) != NULL;)
		r = add_limit(key, limit);
	if (json_array_append_new(keys, key) < 0 && r == 0)
		r = EXIT_FAILED;
	return r;
}

int run_keyset(int argc, char *argv[])
{
	static const struct option options[] = {
		{"root", required_argument, NULL, OPTION_ROOT},
		{"version", required_argument, NULL, OPTION_VERSION},
		{"key", required_argument, NULL, OPTION_KEY},
		{"kid", required_argument, NULL, OPTION_KID},
		{"mrid", required_argument, NULL, OPTION_MRID},
		{0},
	};
	const char *values[OPTION_COUNT] = {NULL};
	char *key_texts[KEYS_MAX], mrid[NAME_MAX_LEN + 1];
	size_t keys_n = 0;
	int64_t version;
	int r = options_read(argc, argv, options, values, key_texts, &keys_n);

	if (r != 0)
		return r;
	if (values[OPTION_ROOT] == NULL || values[OPTION_VERSION] == NULL || keys_n == 0)
		return wrong("keyset needs --root, --version and at least one --key");
	if (!integer_read(values[OPTION_VERSION], 1, INT64_MAX, &version))
		return wrong("--version %s: not a number of 1 or more", values[OPTION_VERSION]);
	const char *kid = values[OPTION_KID] != NULL ? values[OPTION_KID] : "root";
	(void)snprintf(mrid, sizeof(mrid), "keyset-%lld", (long long)version);
	const char *id = values[OPTION_MRID] != NULL ? values[OPTION_MRID] : mrid;
	if (!is_name(kid) || !is_name(id))
		return wrong("--kid and --mrid must be 1 to 64 printable characters");

	EVP_PKEY *root = NULL;
	json_t *keys = json_array();
	for (size_t i = 0; r == 0 && i < keys_n; i++)
		r = add_key(keys, key_texts[i]);
	if (r == 0 && key_file_read_private(values[OPTION_ROOT], &root) < 0)
		r = EXIT_FAILED;
	json_t *payload = json_pack("{s:i, s:I, s:O}", "v", 1, "version", (json_int_t)version,
				    "keys", keys);
	if (r == 0 && item_print("KeysetOffer", id, kid, ITEM_KEYSET_PREFIX, payload, root) < 0)
		r = EXIT_FAILED;
	json_decref(payload);
	json_decref(keys);
	EVP_PKEY_free(root);
	return r;
}
