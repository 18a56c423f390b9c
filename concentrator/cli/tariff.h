/* tariff.h - what the verbs about a tariff file share. */
#pragma once

#include "concentrator/cli/session.h"

/* Asks with the text of the call's FILE as `text`; what is wrong in it is told by line. args is taken.
 * Returns the exit code; *ret_data is the caller's. */
int tariff_ask(struct call *call, const char *verb, json_t *args, json_t **ret_data);

/* {section: {key: value}} of a text that prepayd has checked, in its order, lists with single blanks. The
 * caller's; NULL: no memory. */
json_t *tariff_keys(const char *text);
