/* body.c - see body.h */
#include "uplink/body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#define ZLIB_CONST
#include <zlib.h>

static int gzip(const char *bytes, size_t len, struct body *ret_body)
{
	z_stream stream = {0};

	/* 16 asks zlib for a gzip frame around the largest window. */
	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	uLong bound = deflateBound(&stream, (uLong)len);
	char *packed = malloc(bound);
	int r = -ENOMEM;
	if (packed != NULL) {
		stream.next_in = (const unsigned char *)bytes;
		stream.avail_in = (uInt)len;
		stream.next_out = (unsigned char *)packed;
		stream.avail_out = (uInt)bound;
		r = deflate(&stream, Z_FINISH) == Z_STREAM_END ? 0 : -ENOMEM;
	}
	size_t packed_len = (size_t)stream.total_out;
	(void)deflateEnd(&stream);
	if (r < 0) {
		free(packed);
		return r;
	}
	*ret_body = (struct body){.bytes = packed, .len = packed_len, .gzip = true};
	return 0;
}

int body_build(struct batch_row *const rows[], size_t n, int64_t epoch, bool may_gzip,
	       struct body *ret_body)
{
	json_t *list = json_array();
	int r = 0;

	for (size_t i = 0; i < n; i++)
		if (json_array_append(list, rows[i]->content) < 0)
			r = -ENOMEM;
	json_t *root = json_pack("{s:I, s:o}", "epoch", (json_int_t)epoch,
				 rows[0]->path == PATH_RECEIPTS ? "receipts" : "events", list);
	char *text = r == 0 && root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
	json_decref(root);
	if (text == NULL)
		return -ENOMEM;

	size_t len = strlen(text);
	if (may_gzip && len >= BODY_GZIP_MIN) {
		r = gzip(text, len, ret_body);
		free(text);
		return r;
	}
	*ret_body = (struct body){.bytes = text, .len = len};
	return 0;
}
