/* model_row.h - reads one [row NAME] of a model file. */
#pragma once

#include "meters/model.h"
#include "meters/model_value.h"

/* Adds the section being read to the model's rows; its spans must have been read. */
void model_row_read(struct model_reader *reader, struct model *model, const char *name);
