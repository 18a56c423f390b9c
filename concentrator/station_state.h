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

/* What a device says of itself. */
enum station_says { SAYS_NOTHING, SAYS_NO, SAYS_YES };

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
	bool once_last; /* the last read given out was one: another kind goes next (T1c) */
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
	bool judged; /* a register was judged since the start */
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

/* station_load.c: builds rooms, supplies and devices from the ledger. Also after the store came back. */
int station_load(struct station *station);
void station_unload(struct station *station);
int station_load_keys(struct station *station);
struct station_room *station_room_find(const struct station *station, const char *name);
struct station_supply *station_supply_find(const struct station_room *room, const char *circuit);
/* Does any supply hang on it? A device that lost its last one stays in its line's schedule, idle. */
bool station_device_used(const struct station *station, const struct station_device *device);
size_t station_line_find(const struct station *station, const char *name); /* line_count: none */

/* station_tariff.c: fills the book of prices from the ledger. Lives must be loaded. */
int station_load_tariffs(struct station *station);
/* The prices of what a supply brings. */
const struct tariff_book *station_book(const struct station *station,
				       const struct station_supply *supply);
/* Drops the prices that nothing refers to any more, until one more fits. false: all are still to come. */
bool station_tariff_room(struct station *station);
/* Any tariff that was ever applied, also one that the book has let go of. -ENOENT: there is none; -errno of
 * the ledger. */
int station_tariff_find(struct station *station, int64_t id, struct tariff *ret);
/* Once a second: has another price come into force? */
void station_tariff_check(struct station *station);

/* station_room.c: commissions rows (objects of strings). Each finding names the row, counted from 0.
 * -EINVAL after findings; nothing was changed. */
typedef void (*station_room_finding)(size_t row, const char *column, const char *detail,
				     void *userdata);
int station_rooms_add(struct station *station, const json_t *rows, bool dry_run,
		      station_room_finding finding, void *userdata);
/* Settles and closes the account. -ENOTEMPTY: it has a balance and write_off is not said; -EBUSY: charges
 * of missed days wait for a person. */
struct station_closing;
/* A dry run does the same and takes it back. */
int station_room_remove(struct station *station, struct station_room *room, bool write_off,
			bool dry_run, const char *why, const char *who,
			struct station_closing *ret);

/* station_poll.c: keeps the lines busy and hands answers on. */
void station_feed(struct station *station, size_t line);
/* Takes a relay command back that is not on the wire yet. false: there is none, or it is too late. */
bool station_command_withdraw(struct station *station, const struct station_supply *supply);
int64_t station_cost_us(const struct station *station, const struct station_device *device,
			unsigned span, unsigned channel);
int64_t station_load_cost_us(const struct station *station, const struct station_device *device,
			     unsigned channel);
struct wire station_wire(const struct config_line *config);

/* station_merge.c: the register and the load of a meter by one request, where that pays. */
/* Widens the request of a job in the slot, and notes what comes along; or leaves both alone. */
void station_merge(const struct station *station, struct station_device *device,
		   struct station_job *slot, struct meter_request *request);
/* The job in the slot has ended. true: its answer brings the other kind as well. */
bool station_merge_result(struct station *station, struct station_device *device,
			  const struct station_job *slot, int error);
/* The job and its answer as if this kind alone had been asked for. */
void station_merge_part(const struct station_job *slot, const struct line_result *result,
			enum schedule_span kind, struct station_job *ret_slot,
			struct line_result *ret_result);

/* station_meter.c: a decoded answer of a point. */
void station_reading(struct station *station, struct station_supply *supply,
		     const struct reading *reading, bool energy);
/* A decoded answer that shows nothing but the load. */
void station_load_reading(struct station *station, struct station_supply *supply,
			  const struct reading *reading);
/* An answer that cannot be: row is its implausible value, or NULL. */
void station_implausible(struct station *station, struct station_supply *supply, const char *row);

/* station_use.c: where every account stands in its blocks, from the snapshot and the entries. */
int station_load_use(struct station *station);
/* A position for the snapshot, and what it depends on besides the entries. key: -EIO of libcrypto. */
void station_use_bytes(const struct tariff_use *use, uint8_t ret[static LEDGER_POSITION_MAX],
		       uint32_t *ret_size);
int station_use_key(const struct station *station, uint8_t ret[static DIGEST_SIZE]);
/* station_freeze.c: after loading supplies: what is frozen already. */
int station_freeze_load(struct station *station);
/* Freezes the day that has ended, unless that is done; inside the caller's transaction, after the room's
 * settlement. */
int station_freeze_room(struct station *station, struct station_room *room);
/* That transaction is on the disk. */
void station_frozen(struct station_room *room);
/* Once a second: those that no settlement at midnight has frozen. */
void station_freeze_check(struct station *station);
/* station_profile.c: once a second: is a quarter of an hour over? */
void station_profile_check(struct station *station);
/* A batch has been written, or not. */
void station_profile_written(struct station *station, const struct reader_job *job);
/* Its file. false: none is kept. */
bool station_profile_path(const struct station *station, char ret[static PATH_MAX]);
/* station_snapshot.c: takes one now, in a transaction of its own. -errno of the ledger. */
int station_snapshot_take(struct station *station);
/* Once a second: is one due? */
void station_snapshot_check(struct station *station);
/* After the ledger was opened or reopened: was the snapshot refused? */
void station_snapshot_told(struct station *station);
/* station_silence.c: raises and clears the alarms about lines that fell silent, and about the power. */
void station_silence(struct station *station);

/* station_load_read.c: a device's load is read by itself from now on, where its model allows that. */
void station_load_read_begin(struct station_device *device);
/* It is so again, for one that has been away: it may be another unit. */
void station_load_read_again(struct station *station, struct station_device *device);
/* Is it so now? */
bool station_load_read_used(const struct station_device *device);
/* A read of it has ended: of the load alone, or another that may have brought it along. */
void station_load_read_ended(struct station *station, struct station_device *device,
			     const struct station_job *slot, int error);
/* Its answer. */
void station_load_read_spread(struct station *station, struct station_device *device,
			      const struct station_job *slot, const struct line_result *result);

/* station_load.c: what a device can be asked has changed. -errno: its line's schedule is full. */
int station_device_traits(struct station *station, struct station_device *device);

/* station_overload.c: a reading of the point, which may show its load. */
void station_overload(struct station *station, struct station_supply *supply,
		      const struct reading *reading);

/* station_boundary.c: once a second: tells the lines of the next boundary. */
void station_boundary_check(struct station *station);
/* Are readings at a boundary still to come on a line of this room? */
bool station_boundary_awaited(const struct station *station, const struct station_room *room);

/* station_dated.c: M9. Reads what was done last. */
int station_dated_load(struct station *station, struct station_room *room);
/* Once a second: does what is due. */
void station_dated_run(struct station *station);
/* The next event that is due; false: none. */
bool station_dated_next(const struct station *station, const struct station_room *room,
			struct dated_event *ret);
/* Does it wait for a person? */
bool station_dated_held(const struct station *station, const struct dated_event *event);
/* A person decides about all that is due: it is done, or waived. ret_count: days. */
int station_dated_decide(struct station *station, const char *who, bool waive, int64_t *ret_count);
/* In the caller's transaction, before an account closes: does what is due. -EBUSY: it waits for a person.
 * What memory is ahead by is the caller's to take back with room->dated. */
int station_dated_close(struct station *station, struct station_room *room, const char *who);
/* In the caller's transaction: a tenant has moved, with what was given. */
int station_dated_move(struct station *station, const struct dated_account *from,
		       struct station_room *to);

/* station_persons.c: how many live there. */
int station_persons_load(struct station *station, struct station_room *room);
/* As was said last; 1 where nobody did. */
int32_t station_persons(const struct station_room *room);
int station_persons_set(struct station *station, struct station_room *room, int32_t persons,
			const char *who);

/* station_tax.c: what the account's last tax entry cut off. */
int station_tax_load(struct station *station, struct station_room *room);
/* Remembers the tax of a tariff of the ledger. */
int station_tax_learn(struct station *station, const struct tariff *tariff);
/* rate_ppm 0: it has none. */
struct tariff_tax station_tax_of(const struct station *station, int64_t tariff_id);
/* A charge was appended in this transaction. */
int station_tax_note(struct station *station, struct station_room *room, const struct entry *entry);
/* Appends the tax on all that was noted since the last call. */
int station_tax_take(struct station *station, struct station_room *room, const char *who);

/* station_money.c */
/* S8: is enough known of the room since the start to decide about its money? */
bool station_room_known(const struct station *station, const struct station_room *room);
/* Recomputes what the room spent in the last seven days. */
void station_week(struct station *station, struct station_room *room);
/* Recomputes live and best balance of a room. */
void station_balance(struct station *station, struct station_room *room);
/* Appends the entries of all energy accepted and not settled; inside the caller's transaction, of which
 * station_commit() moves the marks. Call it before any other entry of the room: its balance is read again
 * then. -ERANGE and -EINVAL: part of the energy cannot be priced or does not fit; what was appended
 * stands, so the transaction may go on. Other -errno of the ledger: roll back. */
int station_settle_room(struct station *station, struct station_room *room, const char *why);
/* For station_commit(): the transaction is on the disk, memory follows. */
void station_settled(struct station *station, uint64_t transaction);
/* Takes the money decision, the supplies' and the relays' for a room, and carries them out. */
void station_review(struct station *station, struct station_room *room);
void station_settle_due(struct station *station);
/* Time, boot and their quality on an entry. */
void station_stamp(const struct station *station, struct entry *entry);
/* Unix second of the earliest cut that is announced; 0: none. */
int64_t station_earliest_s(const struct station *station, const struct station_room *room);

/* What is known about the money of a room, for the rules. */
struct supply_facts station_facts(const struct station *station, const struct station_room *room);

/* station_credit.c: what a balance is made of, and the lines below it. */
struct credit_terms station_terms(const struct station *station, const struct station_room *room);
/* The building's policy with the cut-off of this room. */
struct supply_policy station_policy(const struct station *station, const struct station_room *room);
int station_load_credits(struct station *station);
/* Counts the entries that are new. */
int station_credit_follow(struct station *station, struct station_room *room);
/* After a rollback: takes back what was counted of it. */
void station_credits_rewind(struct station *station);
/* Now and then, in the caller's transaction: keeps the count. */
int station_credit_keep_due(struct station *station, struct station_room *room);
/* By the live balance. */
void station_credit_list(const struct station *station, const struct station_room *room,
			 struct credit_line ret[CREDIT_TYPES]);
bool station_emergency_offered(const struct station *station, const struct station_room *room);
/* These three in the caller's transaction: the room's memory moves at once, take it back with that. */
int station_emergency_activate(struct station *station, struct station_room *room);
/* own: agreed for this room; else the building's counts. */
int station_overdraft_set(struct station *station, struct station_room *room, bool own,
			  int64_t limit_nano);
/* The room is being cut: is its emergency credit spent? */
int station_credit_cut(struct station *station, struct station_room *room);
/* Once a second and after every change of the balance: activates, and ends what is repaid. */
void station_credit_review(struct station *station, struct station_room *room);

/* station_debt.c: debts beside the balance. All but the last in the caller's transaction.
 * What a recharge of the tenant's own money pays of them; its entry was appended before. */
int station_debts_take(struct station *station, struct station_room *room,
		       const struct entry *recharge, struct debt_split *ret);
/* What a recharge paid of them goes back with it, but for what kept_nano, the part of the recharge that is not
 * taken back, would have paid; order is the entry that takes it back, appended before. ret: all negative, its parts
 * add up to the order's amount. */
int station_debts_give_back(struct station *station, const struct station_room *room,
			    const char *recharge, int64_t kept_nano, const struct entry *order,
			    struct debt_split *ret);
/* How a room stands, for the policy bits; and what a standing charge does there. */
enum debt_position station_debt_position(const struct station *station,
					 const struct station_room *room);
enum debt_answer station_standing_answer(const struct station *station,
					 const struct station_room *room);
/* name, owner, reason, total_nano and how it is recovered are the caller's. -E2BIG: the room has
 * STATION_DEBTS_MAX; -EDQUOT: more than one room may owe. */
int station_debt_add(struct station *station, struct station_room *room, struct ledger_debt *debt);
/* What fell due and is taken from the next recharge. Errors as station_debt_add(). */
int station_debt_accumulate(struct station *station, struct station_room *room, const char *name,
			    int64_t nano, const char *why);
/* Takes what the balance has, and ends them; ret_left_nano is what stays owed. */
int station_debts_close(struct station *station, struct station_room *room, const char *who,
			int64_t *ret_left_nano);
int station_debts_move(struct station *station, struct station_room *from, struct station_room *to);
/* Once a second: takes what falls due by date. */
void station_debts_run(struct station *station);

/* station_protect.c: is nobody cut for money now? */
bool station_protected(const struct station *station);
/* Once a second: looks at the calendar, and warns rooms before the end. */
void station_protect_check(struct station *station);

/* station_warning.c: tells of warning levels that are crossed. */
void station_warn(struct station *station, struct station_room *room);

/* station_cuts.c: S7. Reads back what was held when the daemon ended. */
int station_cuts_load(struct station *station);
/* Is the cut of this room held with all others? */
bool station_cuts_held(struct station *station, struct station_room *room,
		       const struct supply_facts *facts);
/* Once a second: keeps in the ledger what a restart must not forget. */
void station_cuts_keep(struct station *station);

/* station_link.c: how long the cloud has been away, restarts and a dead messenger included. */
int station_link_load(struct station *station);
/* 0: it is there, or there is none. */
int64_t station_link_away_us(const struct station *station);
/* Once a second: alarm, and what a restart must not forget. */
void station_link_check(struct station *station);

/* station_epoch.c: up to where the outbox was acknowledged at the start. */
int station_epoch_load(struct station *station);
/* What the cloud has of this box. 1: more than the ledger knows; a new epoch has begun. */
int station_epoch_known(struct station *station, int64_t epoch, int64_t through);

/* station_checkpoint.c: M8. Reads when the last one was. */
struct ledger_checkpoint_told;
int station_checkpoint_load(struct station *station);
/* Writes one now. */
int station_checkpoint_take(struct station *station, struct ledger_checkpoint_told *ret);
/* Once a second: the day's. */
void station_checkpoint_check(struct station *station);

/* station_change.c: a change that a person makes to one room, or two. Everything is done in one
 * transaction and in memory; a dry run does the same and takes both back. */
#define STATION_CHANGE_ROOMS 2

struct station_change {
	const char *who;
	const char *why;
	bool dry_run;
	size_t room_count;
	struct {
		struct station_room *room;
		struct station_room saved;
		struct station_supply saved_supplies[LAYERS_SUPPLIES_MAX];
	} rooms[STATION_CHANGE_ROOMS];
};

/* who, why and dry_run are the caller's; other may be NULL. -errno: nothing is open. */
int station_change_begin(struct station *station, struct station_change *change,
			 struct station_room *room, struct station_room *other);
/* Settles a room; memory follows at once, so that what comes next stands on it, and it may be settled
 * again. Unlike station_settle_room() a part that cannot be priced (-ERANGE, -EINVAL) ends the change. */
int station_change_settle(struct station *station, struct station_room *room, const char *why);
/* Appends an entry with the change's time, author and reason, and tells the cloud. */
int station_change_append(struct station *station, const struct station_change *change,
			  const struct station_room *room, struct entry *entry);
/* error 0: commits, or takes a dry run back; else takes back. Returns error, or the commit's. */
int station_change_end(struct station *station, struct station_change *change, int error);

/* station_register.c: what people decide about a register (M6); inside a change. */
struct station_decision {
	enum entry_kind kind; /* what became of the energy; 0: there was none */
	int64_t energy_wh;
	int64_t amount_nano; /* negative or 0 */
	int64_t from_wh;     /* unwrapped, of the old life */
	int64_t to_wh;
	bool life_ended;
	int64_t baseline_wh; /* where the register goes on from */
	char refusal[256];   /* why it cannot be, with -EPERM */
};

struct ledger_quarantine;
/* The quarantined register is true: kind ENTRY_CHARGE, or ENTRY_QUARANTINE to set the energy aside. */
int station_register_accept(struct station *station, const struct station_change *change,
			    struct station_supply *supply, const struct ledger_quarantine *record,
			    enum entry_kind kind, bool rolled_over, struct station_decision *ret);
/* It is not: what the meter shows now is where it goes on from, and nobody pays for the way there. */
int station_register_reject(struct station *station, const struct station_change *change,
			    struct station_supply *supply, const struct ledger_quarantine *record,
			    struct station_decision *ret);
/* Another meter of the same model took its place. final_wh as the old one showed it; -1: it cannot be
 * read, the last accepted register counts. */
int station_register_exchange(struct station *station, const struct station_change *change,
			      struct station_supply *supply, int64_t final_wh, int64_t initial_wh,
			      const char *serial, struct station_decision *ret);
/* After the commit: alarms that are over. */
void station_register_decided(struct station *station, struct station_supply *supply);

/* station_hold.c: a dispute keeps the supply on (S1). */
bool station_kept(const struct station *station, const struct station_room *room);
/* owner, uid, reason, from_s and until_s are the caller's. One that is open is replaced. */
int station_hold_set(struct station *station, struct station_room *room,
		     const struct ledger_hold *hold);
int station_hold_end(struct station *station, struct station_room *room, const char *by);
/* Once a second: ends those whose time is over. */
void station_holds_check(struct station *station);

/* station_tenancy.c: tenants and their balances; inside a change. */
struct station_closing {
	int64_t paid_nano;    /* carried out, or moved: positive is the tenant's, negative a debt */
	int64_t rounded_nano; /* less than the smallest coin, left in an entry of its own */
	int64_t debts_nano;   /* owed beside the balance, and not paid by it */
	int64_t forfeited_nano; /* allowance and subsidy left, which nobody paid for */
};

/* Brings the balance to exactly zero: what was not paid for is forfeited, debts take what they can and
 * end, the rest is carried out, and what is less than a coin is left in a rounding entry. In the caller's
 * transaction, after a settlement. */
int station_pay_out(struct station *station, const struct station_change *change,
		    struct station_room *room, struct station_closing *ret);
/* -EEXIST: the room has a tenancy. */
int station_move_in(struct station *station, const struct station_change *change,
		    struct station_room *room, const char *tenancy, struct station_closing *ret);
/* Charges to the final reading and carries the balance out. -ENOENT: there is no tenancy; -ESTALE: a meter
 * was not read lately or is in quarantine, and last_reading does not say that its last good one counts. */
int station_move_out(struct station *station, const struct station_change *change,
		     struct station_room *room, bool last_reading, struct station_closing *ret);
/* The tenant and the whole balance go to another room. As station_move_out(); -EEXIST: to has a tenancy;
 * -ENOTEMPTY: it has a balance. */
int station_transfer(struct station *station, const struct station_change *change,
		     struct station_room *from, struct station_room *to, bool last_reading,
		     struct station_closing *ret);
int station_adjust(struct station *station, const struct station_change *change,
		   struct station_room *room, int64_t amount_nano, int64_t refers);
/* A debt is given up. -ENOTEMPTY: there is none. */
int station_write_off(struct station *station, const struct station_change *change,
		      struct station_room *room, struct station_closing *ret);

/* station_relay.c */
void station_relay_review(struct station *station, struct station_supply *supply);
void station_relay_sent(struct station *station, struct station_supply *supply, int error);
/* The coil's position was read back. */
void station_relay_read(struct station *station, struct station_supply *supply, bool coil,
			int64_t at_us);
/* S5: a person says that an armed relay may be closed. 1; 0: it is not armed; -errno of the ledger. */
int station_relay_connect(struct station *station, struct station_supply *supply);
enum service_status station_service(const struct station_room *room);

/* station_order.c: applies items of the feed in one transaction with the cursor (NULL: brought by hand).
 * ret_results: rows of {mRID, result, detail}, the caller's. -errno: nothing of it happened. */
int station_deliver(struct station *station, const json_t *items, const char *cursor,
		    json_t **ret_results);
/* What leaves as the receipt of an order; room may be NULL, split too: nothing was credited. The
 * caller's. */
json_t *station_receipt(const struct station *station, const char *mrid, enum order_result result,
			const char *detail, int64_t entry_seq, const struct station_room *room,
			const struct debt_split *split);
/* The same as the ledger keeps it; "" when it is too long to be kept. For free(3); NULL: no memory. */
char *station_receipt_text(json_t *receipt_taken);
/* station_reversal.c: may this reversal take back what it names? 0: ret_refers is the entry, 0 where it
 * names none, ret_kept_nano what is not taken back of what it names, and ret_wrong why not, or NULL; -errno of the
 * ledger. */
int station_reversal_check(struct station *station, const struct station_room *room,
			   const struct order_credit *credit, int64_t *ret_refers,
			   int64_t *ret_kept_nano, const char **ret_wrong);
/* What a credit just appended pays of debts, or, where it takes one back, what that gives back of them. 1, and ret; 0:
 * neither. */
int station_credit_split(struct station *station, struct station_room *room,
			 const struct order_credit *credit, int64_t kept_nano,
			 const struct entry *entry, struct debt_split *ret);
/* station_payment.c: a person decides about an order that was quarantined, once (M3). */
struct station_payment {
	struct order_item item;     /* station_payment_clear() */
	struct order_credit credit; /* what it says */
	char result[LEDGER_NAME_MAX + 1];
	char detail[LEDGER_TEXT_MAX + 1]; /* why it is there, or what is wrong with it */
};

/* Reads the order back. -ENOENT: it never came; -EPERM: it is not quarantined (result says what it is);
 * -EINVAL: its payload is no credit for this box. */
int station_payment_read(struct station *station, const char *mrid, struct station_payment *ret);
void station_payment_clear(struct station_payment *payment);
/* Inside a change of the room: credits it there. -EPERM: a reversal that may not be (detail says why);
 * -ERANGE: the balance would not fit. */
int station_payment_accept(struct station *station, const struct station_change *change,
			   struct station_room *room, struct station_payment *payment);
/* In the caller's transaction: it is never credited; whoever sent it is told to give it back. */
int station_payment_reject(struct station *station, const struct station_payment *payment,
			   const char *who, const char *why);
/* Local date as yyyymmdd. */
int64_t station_local_day(const struct station *station);

/* station_identity.c: what the device says of itself seldom is to be read now. */
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

/* station_model.c: a read has ended; exception is that of -EREMOTEIO. */
void station_model_result(struct station *station, struct station_device *device,
			  const struct station_job *slot, int error, uint8_t exception);
/* Does it refuse a read of its model, so that its register may be something else? */
bool station_model_doubted(const struct station_device *device);
/* A register that does not come is told. */
void station_model_review(struct station *station, struct station_supply *supply);
/* station_mode.c: an answer about a mode or a safe state has come. */
void station_mode_read(struct station *station, struct station_device *device, unsigned span,
		       const struct line_request *request, const struct line_result *result);
/* The device was away: what it said counts no more. */
void station_mode_forget(struct station *station, const struct station_device *device);
/* At least once a second: is there still something that switches beside us? */
void station_mode_review(struct station *station, struct station_supply *supply);

/* station_figures.c: counts what became of a job; device NULL: nobody's any more. */
void station_count(struct station *station, size_t line, struct station_device *device,
		   const struct line_result *result);
/* "alive", "silent", "dead"; "unknown" for one that was never asked or cannot be now. */
const char *station_device_state(const struct station *station,
				 const struct station_device *device);

/* verbs_meter.c: everything a meter.read waited for has come, or failed. Answers the call. */
void station_read_done(struct station *station, struct station_read *read);

/* station_event.c: events, alarms, journal. An event outside a transaction opens one of its own. -errno
 * of the ledger. */
int station_event(struct station *station, int32_t lane, const char *type, json_t *body_taken);
/* An alarm stands and is in the journal at once, inside a transaction or not; the cloud is told with
 * those of the same second. */
void station_alarm(struct station *station, enum alarm_kind kind, const char *subject,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));
void station_alarm_clear(struct station *station, enum alarm_kind kind, const char *subject);
/* Once a second: events of all alarms that began or ended, in one transaction (D2). */
void station_alarms_tell(struct station *station);
/* Clears every alarm about what is no longer there. */
void station_alarm_forget(struct station *station, const char *subject);
/* "305 sockets": what alarms about a supply are about; "line A address 7": about a device. */
void station_subject(const struct station_supply *supply, char ret[static ALARM_SUBJECT_MAX + 1]);
void station_device_subject(const struct station *station, const struct station_device *device,
			    char ret[static ALARM_SUBJECT_MAX + 1]);
json_t *station_money(const struct station *station, int64_t nano);
/* "12.34", rounded toward minus infinity. */
void station_amount(const struct station *station, int64_t nano, char ret[static 48]);
/* -1: too little history to tell. */
int64_t station_days_left(const struct station *station, const struct station_room *room);
/* Reports a room whose outward state has changed. */
void station_room_status(struct station *station, struct station_room *room);

/* Begin, commit and roll back with the store's state kept: a failure raises the alarm, and the station
 * goes on without cutting anybody until the store is back. */
/* Has the ledger failed, in reading too? Then the station knows it, and raises the alarm. */
void station_store_check(struct station *station);
int station_begin(struct station *station);
int station_commit(struct station *station);
void station_rollback(struct station *station);
