/* model_file.h - reads *.meter files, once at start.
 *
 * A file that is wrong anywhere is refused whole (model_parse.h). Blocks for the time of ordinary file
 * reads.
 */
#pragma once

#include <stddef.h>

#include "meters/model.h"

#define MODELS_MAX 256

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
