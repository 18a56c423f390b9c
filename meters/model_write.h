/* model_write.h - reads [relay] and one [write NAME] of a model file. */
#pragma once

#include "meters/model.h"
#include "meters/model_value.h"

void model_relay_read(struct model_reader *reader, struct model *model);

/* Adds the section being read to the model's allow-list. */
void model_write_read(struct model_reader *reader, struct model *model, const char *name);
