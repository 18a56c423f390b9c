/* station_checkpoint.h - when the cloud is told what another card would need (M8). */
#pragma once

#include "concentrator/station_state.h"

struct ledger_checkpoint_told;

/* Reads when the last one was. */
int station_checkpoint_load(struct station *station);
/* Writes one now. */
int station_checkpoint_take(struct station *station, struct ledger_checkpoint_told *ret);
/* Once a second: the day's. */
void station_checkpoint_check(struct station *station);
