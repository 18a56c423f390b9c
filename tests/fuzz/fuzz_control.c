/* fuzz_control.c - lines of the control protocol as a hostile peer may write them: the two parsers, what handlers
 * take from the arguments, and the text codings that orders travel in. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "concentrator/platform/encoding.h"
#include "concentrator/platform/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What was read and is written again must read the same. */
static void round_trip(const struct message_request *request)
{
	char detail[MESSAGE_DETAIL_SIZE];
	struct message_request again;
	char *line;
	size_t len;

	if (message_write_request(request->id, request->verb, request->args, &line, &len) < 0)
		return;
	assert(line[len - 1] == '\n' && memchr(line, '\n', len - 1) == NULL);
	assert(message_parse_request(line, len - 1, &again, detail) == 0);
	assert(again.id == request->id && json_equal(again.args, request->args));
	message_request_clear(&again);
	free(line);
}

static void look_at_args(const json_t *args)
{
	char detail[MESSAGE_DETAIL_SIZE];
	int64_t amount_nano;
	int currency;

	(void)message_check_args(
		args, "room:s circuit?:s amount?:m rows?:a dry_run?:b n?:i text?:t bag?:o", detail);
	(void)message_parse_money(json_object_get(args, "amount"), &amount_nano, &currency);
	(void)message_parse_nano(json_object_get(args, "room"), &amount_nano);
	(void)message_arg_int64(args, "n", 0);
}

static void look_at_text(const char *text, size_t len)
{
	uint8_t decoded[256];
	char encoded[BASE64URL_LEN(sizeof(decoded)) + 1];
	size_t size;

	/* One value, one text. */
	if (base64url_decode(text, len, decoded, sizeof(decoded), &size) == 0) {
		base64url_encode(decoded, size, encoded, sizeof(encoded));
		assert(strlen(encoded) == len && memcmp(encoded, text, len) == 0);
	}
	(void)hex_decode(text, len, decoded, 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	char detail[MESSAGE_DETAIL_SIZE];
	struct message_request request;
	struct message_reply reply;

	if (message_parse_request(text, len, &request, detail) == 0) {
		look_at_args(request.args);
		round_trip(&request);
		message_request_clear(&request);
	} else {
		assert(memchr(detail, '\0', sizeof(detail)) != NULL);
	}
	if (message_parse_reply(text, len, &reply) == 0)
		message_reply_clear(&reply);
	look_at_text(text, len);
	return 0;
}
