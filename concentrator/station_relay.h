/* station_relay.h - from the layers' wishes to a command on the wire and back. */
#pragma once

#include "concentrator/station_state.h"

void station_relay_review(struct station *station, struct station_supply *supply);
void station_relay_sent(struct station *station, struct station_supply *supply, int error);
/* The coil's position was read back. */
void station_relay_read(struct station *station, struct station_supply *supply, bool coil,
			int64_t at_us);
/* S5: a person says that an armed relay may be closed. 1; 0: it is not armed; -errno of the ledger. */
int station_relay_connect(struct station *station, struct station_supply *supply);
enum service_status station_service(const struct station_room *room);
