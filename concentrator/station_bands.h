/* station_bands.h - the meters' own band registers: which were declared, what they moved, whether they are believed. */
#pragma once

#include "concentrator/station_state.h"

/* After supplies and lives are loaded: finds what is declared for each meter, and what the ledger kept of its registers.
 * -EINVAL: something is declared for a model that has no such register, or that there is not; station->error says so.
 * Declared for a circuit whose meter has no such register it is an alarm.
 * -errno of the ledger. */
int station_bands_load(struct station *station);
/* The supply had bands in memory only; from the one it was loaded from anew. */
void station_bands_carry(struct station_supply *supply, const struct station_supply *was);

/* A register was accepted with that answer. */
void station_bands_read(struct station_supply *supply, const struct reading *reading);
/* The settled mark has moved to the accepted one, with no energy between them. */
void station_bands_idle(struct station_supply *supply);
/* Another meter, or another register to begin with: nothing is known of them. */
void station_bands_forget(struct station_supply *supply);

/* What they moved between the settled mark and the accepted one. NULL: nothing is known of them. */
const struct bands_step *station_bands_step(const struct station_supply *supply,
					    struct bands_step *ret);

/* All energy up to the accepted mark was appended in this transaction, and this is what its rule said of them: keeps
 * them as they were read with it, and tells what is wrong. */
int station_bands_keep(struct station *station, struct station_supply *supply,
		       enum bands_verdict verdict);
/* That transaction is on the disk. */
void station_bands_kept(struct station_supply *supply);
