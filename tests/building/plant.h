/* plant.h - the electrical side of the building: loads, contacts, meters that count.
 *
 * A device is a slave on a line: a meter (with or without a relay of its own) or a relay board. One
 * that meters several circuits is several devices beside each other, one a circuit; the first of them
 * is the slave. Of a water meter, W is litres per hour and Wh litres. A
 * contact sits between a relay and a meter's load: the relay of the meter itself, or a contactor
 * whose coil hangs on a board's channel. A load draws its power while every contact that feeds it is
 * closed. Energy is exact: power x time x factor in integers, with the remainder carried, so a
 * register differs from the truth by its own step and by nothing else.
 *
 * Counting is lazy: a device is brought up to date when someone looks at it or when its power
 * changes, at the very moment of the change. A contact moves some milliseconds after its relay was
 * commanded; plant_advance() applies the moves that are due.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/building/chance.h"
#include "tests/building/events.h"

enum {
	PLANT_DEVICES = 1024,
	PLANT_CONTACTS = 1024,
	PLANT_CHANNELS = 16,
	PLANT_METERS = 12,
	PLANT_BANDS = 4
};

/* What a register is multiplied by, or read beside it; in thousandths. */
enum plant_ratio { RATIO_CT, RATIO_PT, RATIO_PULSES, RATIO_COUNT };

struct model;

enum fault_kind {
	FAULT_NONE,
	FAULT_DEAF,           /* does not hear the request */
	FAULT_SILENT,         /* obeys, but the reply is lost */
	FAULT_LATE,           /* answers `value` ms later than it should */
	FAULT_BAD_CRC,        /* last byte wrong */
	FAULT_TRUNCATE,       /* only the first `value` bytes */
	FAULT_TRICKLE,        /* `value` ms from byte to byte */
	FAULT_SHORT,          /* one register or coil byte less, with a valid CRC */
	FAULT_WRONG_SLAVE,    /* the next address answers, valid CRC */
	FAULT_WRONG_FUNCTION, /* another function code, valid CRC */
	FAULT_EXCEPTION,      /* exception `value`; the request is not obeyed */
	FAULT_ECHO,           /* the request comes back in front of the reply */
	FAULT_PREVIOUS,       /* the reply to the request before: a queueing gateway */
};

struct fault {
	enum fault_kind kind;
	int64_t left; /* replies yet to spoil */
	int64_t value;
};

enum glitch_kind {
	GLITCH_NONE,
	GLITCH_ZERO,
	GLITCH_FAR,
	GLITCH_OTHER, /* the answer to another block of the same length: its map's beginning */
};

struct glitch {
	enum glitch_kind kind;
	int64_t left;  /* energy reads yet to spoil */
	int64_t by_wh; /* GLITCH_FAR: how far away */
};

struct device {
	const struct model *model;
	char line[8];
	uint8_t address;
	uint8_t channel; /* from 1 where the slave meters several circuits; else 0 */
	struct chance chance;

	/* energy */
	int64_t load_w;
	int64_t load_default_w;
	int64_t energy_uwh; /* the counter, in millionths of a Wh */
	/* Its own band registers: what all but the first have counted, and which one counts now, from 1. */
	int64_t band_uwh[PLANT_BANDS - 1];
	unsigned band;
	int64_t residue;    /* W x us x factor below one uWh: 0 to 3599 */
	int64_t start_uwh;  /* counter when the building started */
	int64_t counted_us; /* up to when the counter is right */

	/* what the meter sees besides */
	int64_t voltage_mv;
	int64_t power_factor_milli;
	uint32_t serial;
	int64_t ratio_milli[RATIO_COUNT];

	uint16_t coils; /* commanded positions, bit 0 is channel 1; a meter's relay: 1 is closed */
	uint16_t readback_wanted; /* channels whose new position nobody has read yet */
	uint16_t words[2];        /* DDSY1352: the forced control words as last written */

	/* on the line */
	int64_t turnaround_ns;
	bool dead;
	struct fault fault;
	struct glitch glitch;
	uint8_t previous[256]; /* the last reply before faults, for FAULT_PREVIOUS */
	uint16_t previous_n;
	int64_t requests, replies, exceptions, writes, spoilt;
};

struct contact {
	struct device *driver; /* the board, or the meter itself */
	struct device *feeds;
	uint8_t channel;      /* of the driver, from 1 */
	bool normally_closed; /* opens when the channel is energised */
	bool closed;          /* where the contact is */
	bool welded;          /* stays where it is */
	int64_t move_us;      /* how long it takes */
	int64_t due_us;       /* when the move under way ends; 0: none */
};

struct plant {
	struct device devices[PLANT_DEVICES];
	unsigned n_devices;
	struct contact contacts[PLANT_CONTACTS];
	unsigned n_contacts;
	int64_t factor; /* energy runs this much faster than time */
	struct events *events;
};

/* The quantities of one moment, before a model puts them into registers. Phases beyond the meter's
 * are zero. Power is noisy by a few parts in a thousand; energy is not. */
struct sample {
	int64_t energy_uwh;
	int64_t band_uwh[PLANT_BANDS];
	int64_t voltage_mv[3];
	int64_t current_ma[3];
	int64_t power_mw[3];
	int64_t apparent_mva[3];
	int64_t reactive_mvar[3];
	int64_t power_factor_milli;
	int64_t frequency_mhz;
};

/* The first channel of a slave; NULL when there is none. */
struct device *plant_find(struct plant *plant, const char *line, unsigned address);

/* "A/12", or "A/12/3" of one that meters several circuits, into a buffer of 16. */
const char *device_name(const struct device *device, char name[static 16]);

/* What the register shows of a counter. */
int64_t device_register_wh(const struct device *device, int64_t energy_uwh);

/* Power of the load at this moment, without noise. */
int64_t plant_power_w(const struct plant *plant, const struct device *device);

/* Applies the contact moves that are due and counts the device up to now. device may be NULL. */
void plant_advance(struct plant *plant, struct device *device, int64_t now_us);

/* When the next contact move is due; INT64_MAX: none. */
int64_t plant_next_us(const struct plant *plant);

void plant_set_load(struct plant *plant, struct device *device, int64_t load_w, int64_t now_us);
void plant_set_factor(struct plant *plant, int64_t factor, int64_t now_us);
void plant_set_register(struct plant *plant, struct device *device, int64_t energy_uwh,
			int64_t now_us);

/* Commands a relay; cause is "wire" or "local". Commanding the position it has changes nothing. */
void plant_set_coil(struct plant *plant, struct device *device, unsigned channel, bool on,
		    const char *cause, int64_t now_us);

/* A welded contact stays where it is; released, it goes where its relay holds it. */
void plant_weld(struct plant *plant, struct contact *contact, bool welded, int64_t now_us);

/* Puts every contact where its relay holds it, silently: the building as it is found. */
void plant_settle_contacts(struct plant *plant);

void plant_sample(struct plant *plant, struct device *device, int64_t now_us,
		  struct sample *ret_sample);
