/* model_maps.h - what the register maps share, and the list of them.
 *
 * The step of every energy register here is 0.01 kWh. The Acrel and Hiking registers are uint32 in
 * units of 0.01 kWh. The Eastron ones are float32 in kWh; the facts speak of "the 0.01 kWh step",
 * which float32 keeps up to 131,072 kWh, and no finer step is evidenced. Counters wrap at the width
 * of their type (uint32): no earlier rollover is evidenced.
 */
#pragma once

#include "tests/building/model.h"

enum { UWH_PER_COUNT = 10000000, WH_PER_COUNT = 10 };

extern const struct model model_sdm120, model_sdm630, model_dds238, model_ddsy1352,
	model_waveshare8;

/* Tells the log of a write that the product has no business sending. */
void model_hazard(struct plant *plant, const struct device *device, uint16_t address,
		  uint16_t value, int64_t now_us);

/* A uint32 register in 0.01 kWh: its value, one of its words, and what it shows in Wh. */
uint32_t counted(int64_t energy_uwh);
uint16_t counted_word(uint32_t counts, bool low);
int64_t counted_shown_wh(const struct device *device, int64_t energy_uwh);
