/* station_model.h - is what answers at an address the model that it was commissioned as? */
#pragma once

#include "concentrator/station_state.h"

/* A read has ended; exception is that of -EREMOTEIO. */
void station_model_result(struct station *station, struct station_device *device,
			  const struct station_job *slot, int error, uint8_t exception);
/* Does it refuse a read of its model, so that its register may be something else? */
bool station_model_doubted(const struct station_device *device);
/* A register that does not come is told. */
void station_model_review(struct station *station, struct station_supply *supply);
