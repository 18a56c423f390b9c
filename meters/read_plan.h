/* read_plan.h - which blocks of a device one request fetches.
 *
 * Pure. Two blocks are fetched by one request where the hole between them takes no longer on the wire
 * than the second request would: for a hole of h registers when
 *
 *     h <= (13 Tc + max(turnaround, gap) + gap) / (2 Tc)
 *
 * (facts of the protocol: a read of N registers takes (13 + 2N) Tc + max(turnaround, gap) + gap). So
 * it follows from the line's rate and from the turnaround learnt of the device, and is no constant.
 *
 * A hole is run over only as far as the model says that the device bears it (`holes`), and no read is
 * longer than its `max_registers`; where either is unknown nothing is merged.
 *
 * What shows the load is wanted more often than the rest of its block. Where the block is longer by
 * READ_LOAD_SAVES registers or more, the part that holds the currents, or the power where the model has none,
 * is a read of its own. It begins and ends where values do, and holds no cumulative one.
 *
 * B1 (part, T1c)  No two requests of a device have answers of one function and length: a merged read,
 *                 and one of a part, is as long as no block of the model and no other read that could be
 *                 made of them. Its blocks of one length are kept apart by their order (read_apart.h).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "meters/model.h"

/* What the wire takes; read_cost() makes it. */
struct read_cost {
	int64_t frame_ns;    /* of a request and its answer but for the registers */
	int64_t register_ns; /* of each register */
};

/* One request. */
struct read_group {
	struct meter_request request;
	uint8_t spans; /* bit per span of the model */
};

#define READ_LOAD_SAVES 4

/* The part of a span that shows the load; the same for each of its blocks. */
struct read_load {
	uint8_t span;
	uint16_t first; /* registers behind the block's first */
	uint16_t count; /* 0: the load has no read of its own */
};

/* char_ns: time of one character; turnaround_us: of the device, from the end of the request to the
 * beginning of the answer; gap_us: the silence between frames. */
struct read_cost read_cost(int64_t char_ns, int64_t turnaround_us, int64_t gap_us);

/* The longest hole that is worth running over, in registers. */
int64_t read_break_even(const struct read_cost *cost);

/* The requests that fetch the wanted spans (bit per span) of a channel in the least time, how many; 0
 * where a span or the channel is none. Registers alone: a span of coils is a request of its own. */
size_t read_plan(const struct model *model, unsigned channel, uint8_t wanted,
		 const struct read_cost *cost, struct read_group ret[static MODEL_SPANS_MAX]);

/* Of the model's blocks the part that shows the load of all channels of a block. */
struct read_load read_load(const struct model *model);

/* The read that fetches it for a channel. -EINVAL: no such channel, or no such part. */
__attribute__((warn_unused_result)) int read_load_request(const struct model *model,
							  const struct read_load *load,
							  unsigned channel,
							  struct meter_request *ret);
