/* credits.h - what a balance is made of now, and the lines below it. */
#pragma once

#include <jansson.h>

#include "concentrator/cli/screen.h"

/* The field credits of an answer, in the order in which they are spent; what is nothing is left out. */
void credits_show(const struct screen *out, const json_t *data, unsigned digits);
