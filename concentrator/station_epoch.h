/* station_epoch.h - is this ledger the one that the cloud heard of last? */
#pragma once

#include "concentrator/station_state.h"

/* Up to where the outbox was acknowledged at the start. */
int station_epoch_load(struct station *station);
/* What the cloud has of this box. 1: more than the ledger knows; a new epoch has begun. */
int station_epoch_known(struct station *station, int64_t epoch, int64_t through);
