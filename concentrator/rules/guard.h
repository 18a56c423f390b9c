/* guard.h - may this register reading be believed?
 *
 * The guard stands between a decoded reading and any money. It keeps, for one metered channel, the
 * last register accepted (its baseline) and tells of each new reading whether the step is taken,
 * must be read again first, or is set aside.
 *
 * M6  A register that falls, that leaps past what the breaker and the time allow (the time capped
 *     at 24 h; unknown time counts as the cap), or that comes with implausible company is
 *     quarantined: not charged, and never a new baseline by itself. A later reading back on the old
 *     line closes the quarantine; otherwise a person decides. Rollover is believed only from the
 *     last tenth below the model's modulus, and only when read twice. The register of a water meter is
 *     held to the largest flow of its pipe in place of the breaker.
 *
 * A step that is possible but large, a rollover, and the very first register are taken only when a
 * second reading agrees: one wrong answer on the wire never moves money. What is large depends on what
 * proves that the answer is the register's (T1e, T1f): where nothing in the answer does, a small step
 * is suspicious already.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "concentrator/rules/instant.h"
#include "concentrator/rules/medium.h"
#include "meters/reading.h"

#define GUARD_ELAPSED_MAX_US INT64_C(86400000000)
#define GUARD_SLACK_US       INT64_C(30000000) /* registers are refreshed, and dated, in steps */
#define GUARD_BREAKER_PERCENT                                                                      \
	145 /* IEC 60898-1: a breaker may carry 1.45 times its rating up to an hour */
/* A step above this part of the limit is read twice: with a witness in the same answer, and with one in
 * another answer of the meter. Without any, every step is. */
#define GUARD_CONFIRM_PART        4
#define GUARD_CONFIRM_PART_BESIDE 16
#define GUARD_CONFIRM_STEPS       2 /* of the register: never read twice for so little */
#define GUARD_FOLLOW_MAX          3 /* readings after which a suspect register is a line of its own */
#define GUARD_AGAIN_MAX           3 /* readings that contradict each other before it is a quarantine */
#define GUARD_SEVERE_S                                                                             \
	INT64_C(259200) /* default age at which an open quarantine rises in severity */

/* What proves that an answer is the register's: a voltage or frequency that came with it. */
enum guard_witness {
	GUARD_WITNESS_WITHIN, /* in the same answer */
	GUARD_WITNESS_BESIDE, /* in another answer of the same meter, lately */
	GUARD_WITNESS_NONE,
};

/* What the point is, from the model and the commissioning row. */
struct guard_limits {
	enum medium medium;        /* water: the register is the volume, and wh below are litres */
	int64_t modulus_wh;        /* the register wraps to 0 here; 0: never */
	int64_t resolution_wh;     /* one step of the register; at least 1 */
	int64_t breaker_a;         /* at least 1 */
	int64_t phases;            /* 1 to 3 */
	int64_t nominal_voltage_v; /* phase to neutral */
	int64_t flow_l_per_h;      /* of water, in place of the three before; at least 1 */
	int64_t plausibility_factor; /* at least 1; a simulator's energy runs faster */
	int64_t serial;              /* expected serial number; 0: not known */
	bool ratio_changed;          /* the register is counted by another ratio than before */
	enum guard_witness witness;
};

/* A register value and when it was read; litres of a water meter. */
struct mark {
	int64_t wh;      /* unwrapped: equal to the register modulo the modulus */
	int64_t at_us;   /* CLOCK_BOOTTIME; meaningful only with this_boot */
	int64_t at_s;    /* Unix; meaningful only with dated */
	bool this_boot;  /* read since the box started: at_us compares with now */
	bool dated;      /* at_s comes from a trusted clock */
	int64_t since_s; /* not dated: it was read at this Unix time or later; 0: nothing says so */
};

enum guard_reason {
	GUARD_OK,
	GUARD_FALL,     /* below the baseline, and no rollover */
	GUARD_LEAP,     /* further than breaker x time */
	GUARD_WITNESS,  /* voltage or frequency beside it cannot be */
	GUARD_SERIAL,   /* another meter answers */
	GUARD_DISAGREE, /* repeated readings contradict each other */
	GUARD_RATIO,    /* a transformer ratio changed */
	GUARD_REASON_COUNT
};

enum guard_outcome {
	GUARD_NOTHING,    /* the reading carries no energy register */
	GUARD_BASELINE,   /* first register of this meter life: the baseline is set, no step */
	GUARD_ACCEPT,     /* the step is taken; step_wh may be 0 */
	GUARD_READ_AGAIN, /* read this span again at once; nothing is taken yet */
	GUARD_QUARANTINE, /* not taken, baseline unchanged */
};

struct guard_verdict {
	enum guard_outcome outcome;
	enum guard_reason reason; /* with GUARD_QUARANTINE */
	bool opened;              /* this reading opened the quarantine: record it, alarm */
	bool returned;      /* with GUARD_ACCEPT or GUARD_BASELINE: it closed an open quarantine */
	bool rolled_over;   /* with GUARD_ACCEPT: the register wrapped */
	int64_t step_wh;    /* with GUARD_ACCEPT: not negative */
	int64_t limit_wh;   /* the largest step that was possible */
	int64_t suspect_wh; /* with GUARD_QUARANTINE: the register as read */
};

/* State of one point. Zero-initialised: no baseline yet. */
struct guard {
	bool has_baseline;
	struct mark accepted; /* the baseline */

	bool quarantined;
	enum guard_reason reason; /* why the quarantine was opened */
	int64_t suspect_wh;       /* where the suspect line began, as read */
	int64_t suspect_last_wh;  /* last register on the suspect line */
	int64_t suspect_last_us;
	uint32_t suspect_follows; /* readings that followed the suspect line */

	uint32_t again;   /* readings waiting for agreement; 0: none */
	int64_t again_wh; /* the register to agree with, as read */
	int64_t again_us;
};

/* Sets the baseline from the ledger's last settled register: after a restart, a declared exchange
 * or reset, or a person's decision to accept a quarantined register. Closes an open quarantine. */
void guard_rebase(struct guard *guard, const struct mark *mark);

/* Reopens, after a restart, the quarantine that the ledger holds open. */
void guard_requarantine(struct guard *guard, enum guard_reason reason, int64_t suspect_wh);

/* Judges one reading and moves the state. now is the instant of the reading: now.us should be
 * reading.at_us. */
struct guard_verdict guard_judge(struct guard *guard, const struct guard_limits *limits,
				 const struct reading *reading, const struct instant *now);

/* The register that money follows. */
enum quantity guard_register(enum medium medium);

/* Time from mark to now, microseconds, at most GUARD_ELAPSED_MAX_US; that cap when it is not
 * known. */
int64_t guard_elapsed_us(const struct mark *mark, const struct instant *now);

/* The largest plausible step after elapsed_us, Wh or litres. */
int64_t guard_limit_wh(const struct guard_limits *limits, int64_t elapsed_us);

/* Words for people, a stable name: "fall", "leap", "witness", "serial", "disagree",
 * "ratio". */
const char *guard_reason_name(enum guard_reason reason);
