/* relay_plan.h - from a wish to a verified relay.
 *
 * Level triggered: wish, observed position and load in; at most one command out. The caller commits
 * the state, sends the command, reports with relay_plan_sent(), and calls again on every
 * observation and at least once a second. Positions are the supply's (closed: the room has power);
 * a contactor that opens when its coil is energised is turned around by relay_coil().
 *
 * S4  Every command is verified by the position read back after it and, where there is load, by the
 *     load. A wrong position is commanded again 60, 120 and 180 s after the first command, then
 *     alarms. Energy through an open relay alarms (and is charged: settle.h knows nothing of
 *     relays).
 * S5  Healing only opens. A relay found open that we did not open is armed for connect and is
 *     closed only when a person confirms; one found closed that should be open is opened again.
 *     A meter whose key a person has to press is commanded to close once, and that is waited for.
 * S6  A cut for money or schedule waits, at most RELAY_DEFER_MAX_US, while the current is above the
 *     relay's rated breaking current, where one is given; a cut for safety above it is left to the
 *     breaker and alarmed.
 * S8  Before anything was commanded or observed the plan commands nothing that a person did not ask
 *     for: a relay whose position is not known and that was never commanded is not closed.
 *
 * A device that switches by itself until it is commanded (a meter in prepaid mode under forced
 * control) is taken over: commanded to what is wished where that moves nothing, or where a person
 * asks for it. Until then nothing that it shows proves a command.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "concentrator/rules/layers.h"

#define RELAY_SETTLE_US                                                                            \
	INT64_C(3000000) /* a position read sooner after a command may be the old one */
#define RELAY_RETRY_US  INT64_C(60000000)
#define RELAY_RETRY_MAX 3
#define RELAY_RESEND_US                                                                            \
	INT64_C(2000000) /* after a command that found no answer; doubles to RELAY_RETRY_US */
#define RELAY_PROOF_US     INT64_C(30000000) /* no proof so long after a command: unproven */
#define RELAY_DEFER_MAX_US INT64_C(600000000)
#define RELAY_FOUND_MIN    2  /* agreeing readings before a relay counts as found open or closed */
#define RELAY_LOAD_W       15 /* power from which there is load */
#define RELAY_THROUGH_WH                                                                           \
	10 /* energy through an open relay that alarms, at least; and 2 register steps */

enum relay_position { RELAY_UNKNOWN, RELAY_OPEN, RELAY_CLOSED };
enum relay_contact { RELAY_NORMALLY_OPEN, RELAY_NORMALLY_CLOSED };

enum relay_verify {
	RELAY_VERIFY_NONE,     /* nothing commanded or read yet */
	RELAY_VERIFY_PENDING,  /* commanded; no evidence yet */
	RELAY_VERIFIED,        /* position read, and the load agrees */
	RELAY_VERIFY_POSITION, /* "position read, load unproven" */
	RELAY_VERIFY_LOAD,     /* "position unknown, load agrees" */
	RELAY_VERIFY_UNPROVEN, /* no read-back and no load to tell */
	RELAY_VERIFY_WRONG,    /* position or load contradicts the command */
	RELAY_VERIFY_OWN,      /* the device switches by itself: nothing proves the command */
	RELAY_VERIFY_KEY,      /* "armed, waits for the key at the meter" */
};

/* IEEE 2030.5 ServiceStatus, by value. */
enum service_status {
	SERVICE_CONNECTED = 0,
	SERVICE_DISCONNECTED = 1,
	SERVICE_ARMED_FOR_CONNECT = 2,
	SERVICE_ARMED_FOR_DISCONNECT = 3,
	SERVICE_NO_CONTACTOR = 4,
	SERVICE_LOAD_LIMITED = 5,
};

/* What the relay is. */
struct relay_traits {
	bool has_relay;
	bool reads_back;       /* its position can be read */
	bool key;              /* closing only arms it, until a person presses its key */
	int64_t breaking_ma;   /* rated breaking current; 0: not given */
	int64_t resolution_wh; /* of the register behind it; 0: none */
};

/* What was last seen; each part with its own time, CLOCK_BOOTTIME. */
struct relay_seen {
	enum relay_position position; /* RELAY_UNKNOWN: never read */
	int64_t position_us;
	bool load_known;
	int64_t load_w;
	int64_t load_us;
	bool current_known;
	int64_t current_ma; /* largest phase */
	bool register_known;
	int64_t register_wh; /* accepted, unwrapped */
	int64_t register_us;
	/* When the device was found to switch by itself until it is commanded; 0: it does not, or that
	 * is not known. Set anew when the device was away. */
	int64_t own_us;
};

/* The ledger keeps commanded, proven and armed; the rest begins again. Zero-initialised: never
 * commanded. */
struct relay_state {
	enum relay_position commanded; /* what we last commanded; RELAY_UNKNOWN: nothing ever */
	bool proven; /* a reading has agreed since; without read-back: its result was told */
	bool armed;  /* found open, not by us: a person must confirm (S5) */

	bool in_flight;       /* commanded, relay_plan_sent() not called yet */
	int64_t since_us;     /* first attempt of this command */
	int64_t commanded_us; /* last time that it reached the device; 0: not since the start */
	uint32_t tries;       /* times that it reached the device */
	uint32_t unanswered;  /* attempts in a row that did not */
	int64_t next_us;      /* no attempt before */
	bool alarmed_wrong;
	bool load_before; /* there was load when we opened */
	enum relay_verify verify;

	enum relay_position
		believed;    /* by reading; RELAY_UNKNOWN: not read since the last command */
	int64_t believed_us; /* when that was first read */
	enum relay_position candidate;
	uint32_t candidate_count;
	int64_t candidate_us;

	bool open_wh_set;
	int64_t open_wh;   /* register while open, from which energy through it is counted */
	bool through_open; /* energy through the open relay */
	bool deferred;
	int64_t deferred_us;
	bool left_to_breaker;
	bool looking; /* waits for the first reading since the start */
	int64_t looking_us;
	int64_t own_us; /* as last seen */
};

enum relay_command { RELAY_COMMAND_NONE, RELAY_COMMAND_OPEN, RELAY_COMMAND_CLOSE };

/* Bits: what to announce, each once. VERIFIED comes when verify first becomes POSITION or LOAD
 * after a command, and again if the load then proves it (VERIFIED). */
enum relay_event {
	RELAY_EVENT_VERIFIED = 1 << 0, /* the relay's result: see below */
	RELAY_EVENT_WRONG = 1 << 1,    /* alarm: the retries are used up */
	RELAY_EVENT_WRONG_OVER = 1 << 2,
	RELAY_EVENT_ARMED = 1 << 3, /* alarm: found open, we did not open it */
	RELAY_EVENT_ARMED_OVER = 1 << 4,
	RELAY_EVENT_FOUND_CLOSED = 1 << 5, /* alarm: closed without our command; opened again */
	RELAY_EVENT_THROUGH_OPEN = 1 << 6, /* alarm: energy through the open relay */
	RELAY_EVENT_THROUGH_OPEN_OVER = 1 << 7,
	RELAY_EVENT_DEFERRED = 1 << 8,
	RELAY_EVENT_LEFT_TO_BREAKER = 1 << 9, /* alarm: a safety cut above the breaking current */
	RELAY_EVENT_UNPROVEN = 1 << 10,       /* nothing could tell whether the command worked */
};

struct relay_decision {
	enum relay_command command; /* commit the state, send it, then call relay_plan_sent() */
	uint32_t events;            /* enum relay_event */
	bool keep;                  /* what the ledger keeps of the state has changed: commit it */
};

struct relay_decision relay_plan(struct relay_state *state, const struct relay_traits *traits,
				 const struct layers_verdict *verdict,
				 const struct relay_seen *seen, int64_t now_us);

/* The command was carried out on the wire (error 0) or not (-errno of the job). */
void relay_plan_sent(struct relay_state *state, int error, int64_t now_us);

/* A person confirms that an armed relay may be closed (relay.connect): from now on it counts as
 * opened by us, and the wish decides. Commit the state, clear the alarm. false: it is not armed. */
bool relay_plan_confirm(struct relay_state *state);

/* Does the device switch by itself now: found to, and not commanded since? */
bool relay_plan_own(const struct relay_state *state, const struct relay_seen *seen);

/* Was a position read that is not yet believed? It is to be read again at once. */
bool relay_plan_doubts(const struct relay_state *state);

/* Has it answered the command to close, and waits for a person at its key? */
bool relay_plan_waits_for_key(const struct relay_state *state, const struct relay_traits *traits);

/* Outward state of a supply. */
enum service_status relay_service_status(const struct relay_state *state,
					 const struct relay_traits *traits,
					 const struct layers_verdict *verdict);

/* Is the room behind the relay supplied, as far as is known? The position read, else the last
 * command, else closed. */
enum relay_position relay_believed(const struct relay_state *state);

/* Coil (true: energised) that brings a contactor to a supply position, and back. */
bool relay_coil(enum relay_contact contact, enum relay_position position);
enum relay_position relay_supply_position(enum relay_contact contact, bool coil);

/* "Connected", "Disconnected", "ArmedForConnect", "ArmedForDisconnect", "NoContactor",
 * "LoadLimited". */
const char *service_status_name(enum service_status status);

/* "yes", "no", "load-only", "unproven", as room rows show them, and a sentence for people. */
const char *relay_verify_name(enum relay_verify verify);
const char *relay_verify_text(enum relay_verify verify);

/* "open", "closed", "unknown". */
const char *relay_position_name(enum relay_position position);
