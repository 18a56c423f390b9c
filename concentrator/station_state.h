/* station_state.h - what the station knows, for the files that make it up (station_*.c, verbs_*.c).
 *
 * Owned by the loop thread. The ledger holds everything here that must survive; the rest is derived
 * again from the ledger, the model files and the meters' own registers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "concentrator/commission.h"
#include "concentrator/config.h"
#include "concentrator/control_server.h"
#include "concentrator/ledger.h"
#include "concentrator/ledger_credit.h"
#include "concentrator/ledger_debt.h"
#include "concentrator/ledger_hold.h"
#include "concentrator/ledger_room.h"
#include "concentrator/ledger_snapshot.h"
#include "concentrator/order.h"
#include "concentrator/platform/digest.h"
#include "concentrator/rules/alarms.h"
#include "concentrator/rules/calendar.h"
#include "concentrator/rules/dated.h"
#include "concentrator/rules/credit.h"
#include "concentrator/rules/guard.h"
#include "concentrator/rules/instant.h"
#include "concentrator/rules/layers.h"
#include "concentrator/rules/load.h"
#include "concentrator/rules/mass_cut.h"
#include "concentrator/rules/progress.h"
#include "concentrator/rules/relay_plan.h"
#include "concentrator/rules/schedule.h"
#include "concentrator/rules/supply.h"
#include "concentrator/rules/tally.h"
#include "concentrator/rules/tariff_price.h"
#include "concentrator/rules/warning.h"
#include "concentrator/rules/tax.h"
#include "concentrator/station.h"
#include "drivers/line.h"
#include "meters/decode.h"
#include "meters/model.h"
#include "meters/read_apart.h"
#include "meters/read_plan.h"
#include "meters/reading.h"

#define STATION_ROOMS_MAX     1024
#define STATION_SUPPLIES_MAX  2048 /* of all rooms; a room has at most LAYERS_SUPPLIES_MAX */
#define STATION_DEBTS_MAX     16   /* open ones of one room */
#define STATION_READS_MAX     64   /* distinct requests of one kind to one device */
#define STATION_CALLS_WAITING 32   /* meter.read and outbox.fetch calls that wait, each */

#define COMMIT_SLOW_US INT64_C(2000000)

struct station_room;
struct station_supply;

/* The distinct requests behind one kind of read, taken in turn. */
struct station_reads {
	uint8_t count;
	uint8_t next;
	struct {
		uint8_t span;
		uint8_t channel;
		uint8_t refused; /* in a row; station_model.c */
	} at[STATION_READS_MAX];
};

/* The reading of what a device is. */
struct station_identity {
	bool pending;   /* not read since the start, or since the device was away: no money moves */
	int64_t due_us; /* the next round */
	uint8_t next;   /* of station_device.once */
	uint8_t failures;
	int64_t asked_us; /* of what is on its way; 0: nothing */
	bool missed;      /* something of this round did not come */
	bool refused;     /* the serial number, last time */
};

/* What a device says of itself. Other: what its model knows no meaning of; of a mode of its own alone. */
enum station_says { SAYS_NOTHING, SAYS_NO, SAYS_YES, SAYS_OTHER };

/* What switches a supply beside us, as its devices said last. */
struct station_mode {
	enum station_says own;      /* in prepaid mode of its own */
	int64_t own_us;             /* when that was first read, since it was away */
	bool of_relay;              /* it is the device whose relay we command */
	enum station_says loss;     /* a silent line moves the relay */
	enum station_says safe;     /* yes: to a closed coil */
	enum station_says power_on; /* its own power coming back moves it */
	uint8_t told_own;           /* as station_mode.c counts what stands as an alarm */
	uint8_t told_safe;
};

/* What answers at one address of one line: a meter, or a relay board. */
struct station_device {
	size_t line; /* index */
	uint8_t address;
	const struct model *model;
	bool scheduled; /* index is its place in the line's schedule */
	uint16_t index;
	struct station_reads reads[SCHEDULE_READS];
	/* Serial numbers, ratios, modes, safe states: seldom, in the place of another read. */
	struct station_reads once;
	uint8_t once_before; /* its count, while the reads are gathered anew */
	uint16_t users;      /* supplies that hang on it, as meter and as relay */
	uint16_t users_before;
	bool once_last;          /* the last read given out was one: another kind goes next (T1c) */
	struct read_apart apart; /* reads sent to it last, whoever asked for them (T1c) */
	struct station_identity identity;
	uint8_t merge_failures; /* of reads of two spans at once, in a row */
	struct read_load
		load; /* what SCHEDULE_LOAD fetches; count 0: nothing, the whole span shows it */
	uint8_t load_failures; /* of these in a row, while others were answered */
	bool load_failed;      /* the last one did, and nothing was answered since */
	struct tally tally;
};

/* A job on a line, by the tag it travels with. */
struct station_job {
	bool used;
	uint64_t tag;
	struct schedule_job job;
	struct line_request request;
	bool once;   /* a read of what the device is, in the place of the schedule's */
	bool mute;   /* its answer could be another's: it goes between reads, and is not believed */
	bool survey; /* of the line's scan or test, not of the schedule */
	const struct model *model; /* what it was asked as */
	uint8_t span;              /* of the model */
	uint8_t channel;
	bool merged;              /* the answer brings a span of another kind as well: */
	enum schedule_span other; /* ... its kind */
	uint8_t other_span;       /* ... of the model */
};

struct station_line {
	const struct config_line *config;
	struct schedule schedule;
	struct station_job jobs[2]; /* running and ready */
	uint64_t next_tag;
	enum line_state state;
	int state_error;
	int64_t measured_us; /* start of the window of the rates below */
	int64_t measured_polls;
	int64_t measured_limit_us;
	int64_t limit_us;          /* sum of T(N) over good transactions since the window began */
	int64_t polls_per_s_milli; /* of the last whole window */
	int64_t share_ppm;
	struct tally tally;    /* of all its devices, and the stray bytes, which are nobody's */
	struct survey *survey; /* the scan or test under way, or the last one; NULL: none */
	int64_t wait_us;       /* CLOCK_BOOTTIME when the schedule wants to be asked again */
};

struct station_wish {
	int64_t uid;
	char owner[LEDGER_TEXT_MAX + 1];
	char reason[LEDGER_TEXT_MAX + 1];
};

/* How fast a register moves: Wh per hour over the last step long enough to tell. */
struct station_rate {
	bool has_mark;
	int64_t mark_wh;
	int64_t mark_us;
	int64_t wh_per_h;
};

/* A meter's own band registers as one answer had them, beside the total register, unwrapped. */
struct station_band_pair {
	bool known;
	int64_t total_wh;
	int64_t wh[BANDS_MAX];
};

/* Where bands are declared for a meter. */
struct station_bands {
	const struct bands_names *names;
	uint32_t count;                    /* registers it has */
	struct station_band_pair accepted; /* with the total register accepted last ... */
	struct station_band_pair
		settled; /* ... and settled last: of use while the totals are the marks' */
	struct station_band_pair settling;
	int64_t doubted_s; /* as bands_step.doubted_s */
	int64_t settling_doubted_s;
};

/* One circuit of a room, or its water: what is Wh below is then litres. */
struct station_supply {
	struct ledger_supply record;
	struct station_room *room;
	enum medium medium;
	struct station_device *meter; /* NULL: no point */
	struct station_device *relay; /* NULL: no relay */

	/* the point */
	struct ledger_life life; /* id 0: the first register is not accepted yet */
	struct guard guard;
	struct guard_limits limits;
	struct mark settled;
	struct mark settling; /* what settled becomes when transaction settling_in is committed */
	uint64_t settling_in;
	struct reading latest; /* newest value of each quantity */
	int64_t value_us[QUANTITY_COUNT];
	bool unread; /* not since the tenancy began: what it counts up to its next reading is the house's */
	int64_t quarantine_id; /* 0: none open */
	int64_t quarantine_opened_s;
	struct station_rate rate;
	struct progress progress;
	uint32_t implausible; /* answers in a row */
	/* Where the witness is in another answer than the register: when that was last well, and
	 * whether the last one was not. */
	int64_t witness_us; /* 0: never */
	bool witness_bad;
	struct meter_ratios ratios;
	struct station_bands *bands; /* NULL: none are declared */
	bool judged;                 /* a register was judged since the start */
	struct load load;
	int64_t lacking_us; /* no register comes since then; 0: one does, or none can */
	bool lacking_told;

	/* the relay */
	struct layers layers;
	struct layers_verdict verdict;
	struct station_mode mode;
	struct relay_traits traits;
	struct relay_state relay_state;
	struct relay_seen seen;
	struct station_wish wishes[2]; /* who stands behind LAYER_LOCKOUT and LAYER_OPERATOR */
	char cause[LEDGER_ID_MAX + 1]; /* mRID of the order behind the next relay result; "" none */
};

/* Tax on the charges of a transaction. */
struct station_taxing {
	uint64_t in; /* the transaction */
	struct tax_carry carry;
	int64_t tariff_id; /* of the last charge that bears it; 0: none does */
	int64_t from_s;    /* what the charges cover */
	int64_t to_s;
};

/* The tax of a tariff, also of one that the book has let go of. */
struct station_tax {
	int64_t tariff_id;
	struct tariff_tax tax;
};

struct station_room {
	struct ledger_room record;
	size_t supply_count;
	struct station_supply *supplies[LAYERS_SUPPLIES_MAX];
	int64_t settled_nano; /* balance by entries */
	int64_t live_nano;    /* M1: minus the priced step since */
	int64_t best_nano;    /* S1: minus the least that step can cost */
	bool overflowed;      /* these two did not fit */
	struct tariff_persons persons;
	int64_t free_wh;             /* left of an allowance of energy, as it may be at the best */
	struct tariff_use use;       /* by entries: where the account stands in its blocks */
	struct tariff_use use_after; /* with the entries of settled_in, once they are committed */
	int64_t tax_rest;            /* of tax_carry, as the ledger has it */
	struct station_taxing taxing;
	struct dated_account dated; /* which dated events are done */
	struct supply_money money;
	struct ledger_credit credit; /* by the entries that are committed */
	int64_t protect_told_s;      /* the end of protected hours that the room was warned of */
	bool recharged;              /* since the last look at the warning levels */
	int credit_behind;           /* entries that its row in the ledger does not count yet */
	struct ledger_hold hold;     /* id 0: none */
	struct supply_answer answer; /* of the latest step */
	int64_t money_kept_us;       /* when the ledger last kept the money state */
	int64_t cost_nano_per_h;
	int64_t week_nano; /* spent on energy since week_from_s: at most seven days, for the forecast */
	int64_t week_from_s;
	bool was_due;         /* for a cut, at the last look */
	uint64_t settled_in;  /* the transaction that settled it last */
	int64_t frozen_day;   /* the last one; 0: none */
	int64_t frozen_month; /* the last day of the last month that is */
	int64_t freezing_day; /* what frozen_day becomes when transaction freezing_in is committed */
	uint64_t freezing_in;
	enum credit_status told_credit;
	enum service_status told_service;
	bool told;
};

/* A call of meter.read that waits for its device's answer. */
struct station_read {
	struct control_call *call; /* NULL: free */
	struct station_device *device;
	uint8_t channel;
	int64_t until_us;
	uint8_t wanted; /* bit per enum schedule_span still to come */
	struct reading reading;
	struct line_result result;
	int error;
};

/* A call of outbox.fetch that waits for events. */
struct station_fetch {
	struct control_call *call; /* NULL: free */
	int64_t after;
	int64_t until_us;
	int32_t lane; /* -1: all */
	int32_t limit;
};

struct station_sensor {
	int64_t value_milli;
	int64_t at_us; /* 0: never */
	int error;
	bool lived; /* it has shown the voltage of live mains */
};

struct station_link {
	char state[16]; /* off, connecting, online, away */
	char detail[LEDGER_TEXT_MAX + 1];
	int64_t http;
	int64_t rtt_ms;
	int64_t last_good_s;
	int64_t last_good_us; /* 0: not since the start */
	int64_t reported_us;  /* the messenger's last word */
	int64_t away_s; /* as the ledger keeps it: Unix time of the last good answer; 0: online */
	int64_t bytes_up;
	int64_t bytes_down;
};

/* The 15-minute profile on its way to its file. */
struct station_profile {
	int64_t slot_s; /* the last quarter seen; 0: none since the start */
	int64_t slots;  /* sampled and not handed over */
	int64_t retry_us;
	bool writing;
	size_t count, allocated;
	struct profile_row *rows;
};

struct station {
	struct station_settings settings;
	const struct config *config;
	struct ledger *ledger;
	struct instant now; /* of the event being handled */
	int64_t started_us;

	struct tariff_book book;
	struct tariff_book water; /* the water of the same tariffs */
	size_t tax_count;
	struct station_tax *taxes; /* of all tariffs that have any */
	struct supply_policy policy;
	struct order_keys keys;
	struct alarms alarms;
	struct mass_cut mass;
	struct mass_cut mass_kept; /* as the ledger has it: held, changed and changed_us alone */
	int64_t change_s; /* Unix time of a change before the start, until the time is known; 0: none */
	int64_t counted_us;     /* the last count of rooms due */
	int64_t protected_s;    /* Unix; the end of the protected hours; 0, or past: none */
	int64_t protect_minute; /* the last look at them */
	int64_t debts_day;      /* the local day whose debts are taken; 0: none since the start */
	bool power_out;         /* every line fell silent at about the same time */
	bool was_trusted;
	int64_t tariff_id; /* in force at the last look */
	bool clock_base_set;
	int64_t clock_base_s; /* Unix time of boot, by the trusted clock */
	uint64_t transaction; /* counts them */
	bool store_failing;
	bool snapshot_stale; /* prices have changed: its positions are not right any more */
	int64_t store_retry_us;
	int64_t boundary_s;       /* Unix; of the price, or a midnight, around it; 0: none near */
	int64_t boundary_us;      /* the same as CLOCK_BOOTTIME */
	int64_t second_us;        /* next run of the once-a-second work */
	int64_t ticked_us;        /* the last station_tick() */
	int64_t polls;            /* good answers since the start */
	int64_t through_at_start; /* the outbox's cursor */
	int64_t checkpoint_us;    /* the last checkpoint, or the start */
	int64_t checkpoint_day;   /* local date of the last one, yyyymmdd; 0: none */
	int64_t checkpoint_retry_us; /* none before */

	char error[STATION_ERROR_SIZE]; /* why loading failed */

	size_t line_count;
	struct station_line *lines;
	size_t device_count;
	struct station_device **devices;
	size_t supply_count;
	struct station_supply **supplies;
	size_t room_count;
	struct station_room **rooms;
	struct station_read asked[STATION_CALLS_WAITING];
	struct station_fetch fetches[STATION_CALLS_WAITING];
	struct control_call
		*reading[STATION_CALLS_WAITING]; /* calls the reader works for, by token */
	struct station_sensor sensors[CONFIG_SENSORS_MAX];
	struct station_link link;
	struct station_profile profile;
};
