/* model_mark.h - one [identify NAME] section. */
#pragma once

#include "meters/model.h"
#include "meters/model_value.h"

void model_mark_read(struct model_reader *reader, struct model *model, const char *name);
