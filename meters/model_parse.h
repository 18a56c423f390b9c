/* model_parse.h - the text of a *.meter file to a struct model.
 *
 * The format is described in prepay-meter(5). Everything the text says is checked here, so that the
 * rest of the program can trust a struct model: a text that is wrong anywhere is refused with
 * "file:line: what, and what is expected".
 */
#pragma once

#include <stddef.h>

#include "meters/model.h"

#define MODEL_FILE_BYTES_MAX 65536

/* path is what messages call the text and what the model's name is held against: "dir/NAME.meter".
 * -EINVAL: the text is wrong, and error says where. -ENOMEM. */
__attribute__((warn_unused_result)) int model_parse(struct model *ret, const char *path,
						    const char *text, size_t size, char *error,
						    size_t error_size);
