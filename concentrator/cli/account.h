/* account.h - which of the accounts that a room's name has had. */
#pragma once

#include <jansson.h>

#include "concentrator/cli/handlers.h"

/* Puts the number of --account, where it is given, into args. 0, or an exit code: it is no number. */
int account_option(struct call *call, json_t *args);
