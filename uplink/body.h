/* body.h - the body of a POST: the rows of one group as JSON, compressed when that pays.
 *
 * Pure but for the memory it takes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uplink/batch.h"

#define BODY_GZIP_MIN 1024 /* bytes; a single event would hardly shrink */

struct body {
	char *bytes; /* the caller frees it */
	size_t len;
	bool gzip;
};

/* The content of each row is a json_t, borrowed. The rows are of one path. -ENOMEM. */
int body_build(struct batch_row *const rows[], size_t n, int64_t epoch, bool may_gzip,
	       struct body *ret_body);
