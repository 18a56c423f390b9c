/* model_file.h - reads *.meter files, once at start.
 *
 * The format is described in prepay-meter(5). Everything the file says is checked here, so that the
 * rest of the program can trust a struct model: a file that is wrong anywhere is refused whole with
 * "file:line: what, and what is expected". Blocks for the time of ordinary file reads.
 *
 * T1c  Two spans of one model never have answers of the same function and length.
 * B3   Every relay command of a model is in its write allow-list.
 */
#pragma once

#include <stddef.h>

#include "meters/model.h"

#define MODELS_MAX           256
#define MODEL_FILE_BYTES_MAX 65536
#define MODEL_FILE_LINE_MAX  199 /* inih would split longer lines */

struct models; /* sorted by name */

/* Reads every *.meter file of the directories in their order; a model of a later directory replaces
 * one of the same name. A directory that is not there is passed over.
 * Errors leave one line of text in error: -EINVAL (a file is wrong), -ENOENT (no model at all), -E2BIG,
 * -ENOMEM, or the errno of open or read. */
__attribute__((warn_unused_result)) int models_read(struct models **ret, const char *const dirs[],
						    size_t n, char *error, size_t error_size);
struct models *models_close(struct models *models);

const struct model *models_find(const struct models *models, const char *name);
size_t models_count(const struct models *models);
const struct model *models_at(const struct models *models, size_t index);

/* One file alone, as `prepay meter check FILE` does. Errors as models_read(). */
__attribute__((warn_unused_result)) int model_read(struct model *ret, const char *path, char *error,
						   size_t error_size);

/* The same for a text in memory; path is what messages call it and where the name is checked against.
 * -EINVAL: the text is wrong. */
__attribute__((warn_unused_result)) int model_parse(struct model *ret, const char *path,
						    const char *text, size_t size, char *error,
						    size_t error_size);
