/* schedule.h - what goes on the wire of one line next.
 *
 * Pure: the state of one line's devices and now in, one job out; results come back and teach it. It
 * never sleeps: "nothing until T" is an answer. Energy, load, instant and position reads are taken by
 * earliest deadline, so that nothing starves when the line is full. Relay commands go first, then
 * the registers that a boundary of the price wants now, then
 * rooms near zero or near a limit of power, whose reads take at most SCHEDULE_HURRY_PERCENT of the
 * line, then what was asked for at once, the read-backs behind commands among them.
 *
 * B2  k dead devices of n leave the others at least 95 % of their rate: a device that does not
 *     answer SCHEDULE_SILENT_POLLS times in a row is only probed, with its cheapest span, ever less
 *     often, and all probes that fail cost at most SCHEDULE_PROBE_PERCENT of the line's time.
 * B3  A relay command is the next job, opens before closes; behind a time-out of that very device
 *     it waits one more transaction.
 * M7 (part)  Every register is read once as near to a boundary as the line can. A round that takes R is
 *     begun R / 2 before it: so the readings lie R / 4 from it on average and R / 2 at the most, where a
 *     round wholly behind it would lie R / 2 on average and R at the most; and the energy on the wrong
 *     side of the boundary grows with that. A round is one read of each register, so it ends, and nothing
 *     starves.
 *
 * After a time-out the next request goes to another device (facts/polling.md, T1b).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHEDULE_DEVICES_MAX   247
#define SCHEDULE_COMMANDS_MAX  256
#define SCHEDULE_SILENT_POLLS  3
#define SCHEDULE_PROBE_PERCENT 4 /* of 5: the whole of it would leave the others just under 95 */
#define SCHEDULE_HURRY_PERCENT 65
#define SCHEDULE_NEVER_US      INT64_MAX
/* A reading further from a boundary than this is none at it: tariff_price.h's half minute, less what is
 * lost to whole seconds until it is settled. */
#define SCHEDULE_BOUNDARY_US INT64_C(28000000)
#define SCHEDULE_SELDOM_LATE_US                                                                    \
	INT64_C(3500000) /* what does not show the load may be late by this before what does is */
#define SCHEDULE_LOAD_LATE_US                                                                      \
	INT64_C(100000) /* a load later than this is read alone, not as part of the whole */
#define SCHEDULE_SETTLED_US                                                                        \
	INT64_C(3200000) /* after a command: relay_plan.h's settling, and a little */

enum schedule_span {
	SCHEDULE_ENERGY,   /* the money register with its witness */
	SCHEDULE_LOAD,     /* of another span the least that shows the load: often, because short */
	SCHEDULE_INSTANT,  /* power, voltage, current ... */
	SCHEDULE_POSITION, /* relay read-back: all channels of a board at once */
	SCHEDULE_RELAY,    /* a relay command; not a read */
	SCHEDULE_SPAN_COUNT
};

#define SCHEDULE_READS SCHEDULE_RELAY /* spans below are reads */

enum schedule_device_state { SCHEDULE_ALIVE, SCHEDULE_SILENT, SCHEDULE_DEAD };

struct schedule_policy {
	int64_t period_us[SCHEDULE_READS]; /* deadline of each span after its last read */
	bool continuous; /* read ahead of deadlines rather than leave the line idle */
	int64_t ahead_us
		[SCHEDULE_READS]; /* who has waited the longest measured by this has the spare
					   * time; 0: never */
	int64_t close_stagger_us; /* between two closes */
	int64_t quiet_us;       /* silence after a time-out where there is no other device to ask */
	int64_t probe_first_us; /* first probe after falling silent; doubles each time ... */
	int64_t probe_max_us;   /* ... up to this; behind it a probe may wait for its budget */
	int64_t dead_us;        /* silent longer than this is dead */
};

/* The line is kept busy, and all that is due on 64 meters at 9600 just fits: of each 3.2 s their loads take 64 times
 * 38 ms; their registers, every 20 s, 0.47 s; and what wholes take more than the loads in whose place they are
 * read, every 23 s, 0.22 s; in all 98 % of the line. So a load is due 3.2 s behind the last; it is late by
 * SCHEDULE_LOAD_LATE_US and by what was given out before it, two longer reads or 0.15 s; and the second reading
 * follows 1.15 s behind the first. An overload is seen twice within about 4.6 s of its beginning, at any time once
 * all has been read for the first time. That takes 8 s, in which a load may be read 7 s behind the last. */
struct schedule_policy schedule_policy_default(void);

/* What a device can be asked. cost_us: estimated time of a healthy transaction of each span; 0: the
 * device has no such span. One that lost all of them (nobody uses it any more) is left alone. */
struct schedule_traits {
	int64_t cost_us[SCHEDULE_READS];
	uint8_t round[SCHEDULE_READS]; /* transactions until all of the span is read, one a job;
					* 0 is 1. Deadlines are of the round. */
	int64_t between_us; /* what has to be read between two of a round, so that none is taken for the
			     * other; 0: nothing */
	int64_t gap_us;     /* rest of the device between its answer and the next request to it */
	enum schedule_span load_in; /* where SCHEDULE_LOAD is a span: the one it is a part of */
};

struct schedule_job {
	uint16_t device; /* index from schedule_add() */
	enum schedule_span span;
	bool probe;       /* of a device that does not answer: expect a time-out */
	bool asked;       /* by schedule_ask() */
	bool boundary;    /* of the register, for a boundary: nothing comes with it */
	bool same_device; /* SCHEDULE_RELAY behind a job of the same device: if that one times out,
			   * do not send; hand it back with schedule_put_back() */
	/* With SCHEDULE_RELAY: */
	uint16_t channel;
	bool close;      /* the supply's position wanted: true closed */
	uint32_t cookie; /* the caller's */
};

struct schedule_device {
	struct schedule_traits traits;
	enum schedule_device_state state;
	int64_t money_us;                 /* schedule_urgent(); 0: not urgent */
	int64_t load_us;                  /* schedule_watch(); 0: not watched */
	uint8_t in_flight;                /* bit per span */
	uint8_t asked;                    /* bit per span: wanted at once */
	uint8_t hurried;                  /* bit per span: goes before others when due */
	uint8_t boundary;                 /* reads that the boundary still wants */
	uint8_t settling;                 /* bit per span: due when a relay has settled */
	int64_t read_us[SCHEDULE_READS];  /* last good read; 0: never */
	int64_t ended_us[SCHEDULE_READS]; /* last read, good or not; 0: never */
	int64_t due_us[SCHEDULE_READS];   /* deadline */
	int64_t last_us;                  /* end of the last transaction */
	int64_t answered_us;              /* last answer of any kind; 0: never */
	uint32_t failures;                /* in a row */
	bool heard;                       /* bytes came, the last time that it failed */
	int64_t failing_us;               /* since when */
	int64_t silent_us;
	int64_t probe_us; /* next probe */
	int64_t backoff_us;
	int64_t turnaround_us; /* learnt, near its 99th percentile; 0: nothing learnt */
	uint64_t polls;
	uint64_t timeouts;
	uint64_t garbled;
	uint64_t exceptions;
};

struct schedule_command {
	uint16_t device;
	uint16_t channel;
	bool close;
	uint32_t cookie;
	int64_t queued_us;
};

struct schedule {
	struct schedule_policy policy;
	uint32_t seed; /* of the jitter */
	size_t devices;
	struct schedule_device device[SCHEDULE_DEVICES_MAX];
	size_t commands;
	struct schedule_command command[SCHEDULE_COMMANDS_MAX]; /* in order of arrival */
	int64_t closed_us;                                      /* last close given out */
	bool has_closed;
	int32_t avoid; /* device that timed out last; -1: none */
	int64_t quiet_until_us;
	int64_t probe_credit_us; /* line time that probes may still cost */
	int64_t credited_us;
	bool probing;        /* a probe is in flight */
	uint32_t out;        /* jobs given out and not ended */
	int64_t given_us;    /* what the one given out last takes, as far as is known */
	int64_t boundary_us; /* schedule_boundary(); 0: none */
	bool boundary_behind;
	bool fault; /* more than half of the line went silent at once */
	int64_t fault_us;
	size_t fault_devices; /* alive before it */
	int64_t polls;
	int64_t busy_us;       /* line time of all transactions */
	int64_t probe_busy_us; /* ... of probes that failed */
};

/* Bits of schedule_result()'s answer. */
enum schedule_event {
	SCHEDULE_EVENT_SILENT = 1 << 0,  /* the device fell silent */
	SCHEDULE_EVENT_REVIVED = 1 << 1, /* a silent or dead device answered */
	SCHEDULE_EVENT_FAULT = 1 << 2,   /* line fault: one alarm, not one for each device */
	SCHEDULE_EVENT_FAULT_OVER = 1 << 3,
};

void schedule_init(struct schedule *schedule, const struct schedule_policy *policy, uint32_t seed,
		   int64_t now_us);

/* Adds a device; its index is given. -ENOSPC: full. -EINVAL: no span at all. */
__attribute__((warn_unused_result)) int schedule_add(struct schedule *schedule,
						     const struct schedule_traits *traits,
						     int64_t now_us, uint16_t *ret_device);

/* What the device can be asked has changed. One that had nothing to be asked begins anew: it may be
 * another device. */
void schedule_traits(struct schedule *schedule, uint16_t device,
		     const struct schedule_traits *traits, int64_t now_us);

/* Queues a relay command. Its device's position is read as soon as it was answered, and again when
 * the relay has settled. A command still waiting for the same device and channel is replaced: its
 * cookie is given back in ret_replaced (ret_replaced_any false: none). -ENOSPC: the queue is
 * full. */
__attribute__((warn_unused_result)) int
schedule_command(struct schedule *schedule, uint16_t device, uint16_t channel, bool close,
		 uint32_t cookie, int64_t now_us, bool *ret_replaced_any, uint32_t *ret_replaced);

/* Takes back a command that still waits. false: none waits. */
bool schedule_withdraw(struct schedule *schedule, uint16_t device, uint16_t channel);

/* Reads a span as soon as the line is free: meter.read, a reading to be repeated. Nothing if the
 * device has no such span. */
void schedule_ask(struct schedule *schedule, uint16_t device, enum schedule_span span);

/* The device's energy register decides about a cut soon: reads it every within_us; 0: no more. */
void schedule_urgent(struct schedule *schedule, uint16_t device, int64_t within_us, int64_t now_us);

/* The device's load is near a limit: reads what shows it every within_us; 0: no more. */
void schedule_watch(struct schedule *schedule, uint16_t device, int64_t within_us, int64_t now_us);

/* The span that shows the device's load soonest: load, where there is none instant, or energy where one
 * read brings both. */
enum schedule_span schedule_load_span(const struct schedule *schedule, uint16_t device);

/* The price may change at at_us: reads the register of every device that answers as near to it as the line
 * can. behind: not before it, because what is read before does not count there. Replaces what was said
 * before, done or not; 0: no boundary. */
void schedule_boundary(struct schedule *schedule, int64_t at_us, bool behind);

/* Is such a round under way? Not before it is due, when all have been read, or SCHEDULE_BOUNDARY_US behind
 * the boundary. */
bool schedule_boundary_runs(const struct schedule *schedule, int64_t now_us);

/* A relay has switched what this device measures: all that shows its load is read when that has settled,
 * whether it was read in between or not. */
void schedule_settle(struct schedule *schedule, uint16_t device, int64_t now_us);

/* How soon a span of this device is to be read again; ret_hurried: it goes before others. */
int64_t schedule_period_us(const struct schedule *schedule, const struct schedule_device *device,
			   enum schedule_span span, bool *ret_hurried);

/* The next job, marked as in flight; or false and the time to ask again (sooner after any result,
 * command or ask). The caller may hold one job running and one ready. */
bool schedule_next(struct schedule *schedule, int64_t now_us, struct schedule_job *ret_job,
		   int64_t *ret_wait_us);

/* The job, taken and not sent yet, is to read this span of the same device instead (which has one). What it was
 * to read is wanted as before. */
void schedule_instead(struct schedule *schedule, struct schedule_job *job, enum schedule_span span);

/* A job taken but never sent goes back, to be given out again. */
void schedule_put_back(struct schedule *schedule, const struct schedule_job *job, int64_t now_us);

/* Does a relay command wait that should overtake a job taken but not sent yet? */
bool schedule_relay_waits(const struct schedule *schedule, int64_t now_us);

/* The job has ended. error: 0, or -ETIMEDOUT, -EBADMSG, -EREMOTEIO (an exception: the device
 * lives); any other error is the line's own (adapter gone) and says nothing about the device.
 * took_us: line time; turnaround_us: from the end of the request to the first byte, or -1. Returns
 * enum schedule_event bits. A relay command is never repeated here: relay_plan.h decides. */
uint32_t schedule_result(struct schedule *schedule, const struct schedule_job *job, int error,
			 int64_t took_us, int64_t turnaround_us, int64_t now_us);

/* Would an answer that brings this span along be welcome now: is it due or asked for, or read ahead of
 * its deadline anyway? Not while its device is silent. */
bool schedule_welcome(const struct schedule *schedule, uint16_t device, enum schedule_span span,
		      int64_t now_us);

/* A good answer to another job of the device, which has ended, has brought this span along. */
void schedule_came_along(struct schedule *schedule, uint16_t device, enum schedule_span span,
			 int64_t now_us);

/* The turnaround to compute the time-out of this device's next job with: what was learnt, now and
 * then four times that for one that does not answer (it may have become slow); 0: nothing learnt
 * yet. */
int64_t schedule_turnaround_us(const struct schedule *schedule, uint16_t device);

/* State of a device at now (silent becomes dead with time). */
enum schedule_device_state schedule_state(const struct schedule *schedule, uint16_t device,
					  int64_t now_us);

/* Should the device's silence be alarmed? Not during a line fault, and only when the devices that
 * are alive have answered since it fell silent: until then the line itself may be the cause. */
bool schedule_alarms(const struct schedule *schedule, uint16_t device);

/* Do most of the devices that fell silent say something all the same, but nothing whole? */
bool schedule_is_garbled(const struct schedule *schedule);

/* Devices alive. */
size_t schedule_alive(const struct schedule *schedule);

/* "alive", "silent", "dead". */
const char *schedule_state_name(enum schedule_device_state state);
