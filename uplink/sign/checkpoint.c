/* checkpoint.c - the verb checkpoint: a payment root vouches for what a box is to be restored with.
 *
 * What is signed is the head, which names the digest of every section; the sections go beside it as they
 * are. prepayd holds them against the digests.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "uplink/sign/item.h"
#include "uplink/sign/key_file.h"
#include "uplink/sign/options.h"

/* The highest epoch that the cloud has seen of the box, the checkpoint's own at least. */
static json_int_t epoch_of(const json_t *document, const json_t *head)
{
	json_int_t seen = json_integer_value(json_object_get(document, "epoch"));
	json_int_t own = json_integer_value(json_object_get(head, "epoch"));

	return seen > own ? seen : own;
}

/* What the signer puts the name to, in words. */
static void say(const json_t *head, const json_t *sections)
{
	const char *balance = json_string_value(json_object_get(head, "balance_nano"));
	const char *site = json_string_value(json_object_get(head, "site"));

	(void)fprintf(stderr,
		      "prepay-sign: checkpoint %" JSON_INTEGER_FORMAT " of epoch "
		      "%" JSON_INTEGER_FORMAT " of site %s, at Unix time %" JSON_INTEGER_FORMAT
		      ": %zu rooms, balances of %s billionths in all, %zu orders known\n",
		      json_integer_value(json_object_get(head, "checkpoint")),
		      json_integer_value(json_object_get(head, "epoch")), site ? site : "?",
		      json_integer_value(json_object_get(head, "at_s")),
		      json_array_size(json_object_get(sections, "rooms")), balance ? balance : "?",
		      json_array_size(json_object_get(sections, "orders")));
}

static int print(json_t *item, json_t *sections)
{
	json_t *document = json_pack("{s:O, s:O}", "checkpoint", item, "sections", sections);
	int r = EXIT_FAILED;

	if (document != NULL && json_dumpf(document, stdout, JSON_COMPACT) == 0 &&
	    putchar('\n') != EOF && fflush(stdout) == 0)
		r = 0;
	json_decref(document);
	return r;
}

static int sign_document(const json_t *document, const char *kid, EVP_PKEY *root)
{
	json_t *head = json_object_get(document, "head");
	json_t *sections = json_object_get(document, "sections");
	const char *site = json_string_value(json_object_get(head, "site"));
	json_t *item = NULL;
	char mrid[NAME_MAX_LEN + 1];
	int r = EXIT_FAILED;

	if (site == NULL || !json_is_object(sections))
		return wrong("standard input is no checkpoint as the cloud hands it out");
	(void)snprintf(mrid, sizeof(mrid),
		       "checkpoint-%" JSON_INTEGER_FORMAT "-%" JSON_INTEGER_FORMAT,
		       json_integer_value(json_object_get(head, "epoch")),
		       json_integer_value(json_object_get(head, "checkpoint")));
	json_t *payload = json_pack("{s:i, s:s, s:I, s:O}", "v", 1, "aud", site, "epoch",
				    epoch_of(document, head), "checkpoint", head);
	if (payload != NULL)
		item = item_make("Checkpoint", mrid, kid, ITEM_CHECKPOINT_PREFIX, payload, root);
	if (item != NULL) {
		say(head, sections);
		r = print(item, sections);
	}
	json_decref(item);
	json_decref(payload);
	return r;
}

int run_checkpoint(int argc, char *argv[])
{
	static const struct option options[] = {
		{"root", required_argument, NULL, OPTION_ROOT},
		{"kid", required_argument, NULL, OPTION_KID},
		{0},
	};
	const char *values[OPTION_COUNT] = {NULL};
	json_error_t error;
	EVP_PKEY *root = NULL;
	int r = options_read(argc, argv, options, values, NULL, NULL);

	if (r != 0)
		return r;
	if (values[OPTION_ROOT] == NULL)
		return wrong("checkpoint needs --root");
	const char *kid = values[OPTION_KID] != NULL ? values[OPTION_KID] : "root";
	if (!is_name(kid))
		return wrong("--kid must be 1 to 64 printable characters");
	if (key_file_read_private(values[OPTION_ROOT], &root) < 0)
		return EXIT_FAILED;
	json_t *document = json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
	if (document == NULL)
		r = wrong("standard input is no JSON: line %d: %s", error.line, error.text);
	else
		r = sign_document(document, kid, root);
	json_decref(document);
	EVP_PKEY_free(root);
	return r;
}
