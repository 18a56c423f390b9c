/* station_identity.h - which meter it is, and by what its register is multiplied. */
#pragma once

#include "concentrator/station_state.h"

/* What the device says of itself seldom is to be read now. */
void station_identity_due(const struct station *station, struct station_device *device);
/* The same for one that was away: what was read before counts no more. */
void station_identity_forget(struct station *station, struct station_device *device);
/* Is such a read to take the place of another one now? */
bool station_identity_next(const struct station *station, struct station_device *device,
			   uint8_t *ret_span, uint8_t *ret_channel);
/* It has ended; what it told is in the supplies' latest values. */
void station_identity_result(struct station *station, struct station_device *device, uint8_t span,
			     uint8_t channel, int error);
/* Holds what was read against what the life is bound to, and binds what is not yet. */
void station_identity_check(struct station *station, struct station_supply *supply);
/* Puts the serial number beside the register, for the guard. */
void station_identity_attach(const struct station_supply *supply, struct reading *reading,
			     struct guard_limits *limits);
/* A person has decided: the ratios as they are now are the life's. In the caller's transaction. */
int station_identity_bind_ratios(struct station *station, struct station_supply *supply);
