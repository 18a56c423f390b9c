/* model_check.h - what only the whole of a model can tell.
 *
 * T1c        No two spans of a model have answers of the same function and length. Where they cannot but
 *            have, another answer lies between: two spans that are read seldom are never read one
 *            behind the other, and neither are the blocks of one span that is. The blocks of a span
 *            that is read often are kept apart by the line's silence after a time-out.
 * B3 (part)  Every relay command of every channel is in the write allow-list.
 */
#pragma once

#include "meters/model.h"
#include "meters/model_value.h"

/* Complains about the first thing that does not fit together; fills in width_wh and, where the money
 * register is an integer, resolution_wh. */
void model_check(struct model_reader *reader, struct model *model);
