/* storm.h - every fault of a line, at random, for the tests of B1.
 *
 * A storm makes up requests and what the line does to each of them. Each register's value says which slave,
 * function and address it belongs to, so a reply taken for the answer to another request shows. The same
 * storm is played to the exchange and to libmodbus alone, in virtual time and over pseudo-terminals.
 * PREPAY_TEST_SEED repeats a run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/frame.h"
#include "drivers/wire.h"
#include "meters/read_apart.h"
#include "tests/unit/played_line.h"

#define STORM_SLAVES 8

enum storm_fault {
	STORM_SOUND,
	STORM_SILENT,
	STORM_LATE,    /* behind its deadline: while others are asked, or far later */
	STORM_EARLIER, /* an older answer of the same slave and length comes while we ask */
	STORM_SHIFTED, /* a queueing gateway hands out the answer before this one, or before that */
	STORM_QUEUED,  /* an older answer and the right one, without a gap between them */
	STORM_DUPLICATED,     /* twice within the gap, the second right, the first not quite */
	STORM_ECHOED,         /* the request comes back in front of the answer */
	STORM_TRUNCATED,      /* the end is missing */
	STORM_TRICKLING,      /* slow, and with holes */
	STORM_CORRUPTED,      /* one to three bits are wrong */
	STORM_SHORT,          /* another length, with a good checksum */
	STORM_WRONG_SLAVE,    /* with a good checksum */
	STORM_WRONG_FUNCTION, /* with a good checksum */
	STORM_EXCEPTION,      /* sometimes of another slave */
	STORM_NOISE,          /* a character at any time */
	STORM_FAULT_COUNT
};

struct storm {
	/* What to play; set before the first request. */
	struct wire wire;
	uint64_t random;
	int slaves;         /* 3 to STORM_SLAVES */
	bool equal_lengths; /* all blocks of all slaves are of one length, but for the last of each */
	bool echo;          /* the adapter hears itself */
	unsigned int sound_of; /* beside each fault once, so many sound answers */
	bool late_player; /* it may be late itself: what must come close together comes at once,
				* and what must come early comes as soon as it can */
	int64_t turnaround_least_us;
	int64_t turnaround_most_us;

	int64_t turnaround_us; /* what is learnt of the slave asked now; answers come before it */
	struct line_request request;
	struct read_apart apart[STORM_SLAVES + 1]; /* the product's rule, by slave */
	uint8_t previous[READ_APART]
			[FRAME_MAX]; /* the answers to the requests before, newest first */
	size_t previous_len[READ_APART];
	enum storm_fault fault; /* what struck last */
	uint64_t struck[STORM_FAULT_COUNT];
};

/* The seed: PREPAY_TEST_SEED, or the one given. It is printed. */
uint64_t storm_seed(const char *name, uint64_t seed);

/* How many reads of `count`: divided by PREPAY_TEST_DIVISOR. */
long storm_reads(long count);

int64_t storm_below(struct storm *storm, int64_t n);

/* The next request, one that the product would send now (read_apart.h), and its turnaround_us. */
const struct line_request *storm_request(struct storm *storm);

/* What the line does to the request, whose frame was sent at sent_us: bytes on `line`, now or later. */
void storm_strike(struct storm *storm, struct played *line, const uint8_t *frame, size_t frame_len,
		  int64_t sent_us);

/* Are these the registers that the request asks for? */
bool storm_right(const struct line_request *request, const uint16_t *values, size_t count);

/* Strikes of the kind that was played least, sound answers apart. */
uint64_t storm_least(const uint64_t struck[static STORM_FAULT_COUNT]);

const char *storm_fault_name(enum storm_fault fault);

/* Adds up and prints, on one line behind "storm ", a JSON object: name, reads, answered, wrong, least_kind
 * and the strikes of each kind. */
void storm_print(const char *name, long reads, long answered, long wrong,
		 const uint64_t struck[static STORM_FAULT_COUNT]);
