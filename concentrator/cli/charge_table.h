/* charge_table.h - the table of `prepay explain`: why each charge. */
#pragma once

#include "concentrator/cli/listing.h"

/* Of rows of the verb explain. */
extern const struct listing charge_listing;
