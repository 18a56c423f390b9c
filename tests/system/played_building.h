/* played_building.h - a building in virtual time, for driving the very station through days in a moment.
 *
 * One line of Hiking DDS238 ZN/SR meters, Acrel DDSY1352 ones (serial number, current transformer, run
 * word, forced control), ORNO OR-WE-514 with two rates, users of one phase of an Acrel ADF400L, WB-MR6C boards, and WB-MWAC v2 with a water
 * meter and its valve on the first channel, written from the register facts, not from the product's model files. A job takes the time that it would take on the
 * wire. There is no sleep: time jumps to the next event.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "concentrator/station.h"

#define PLAYED_METERS_MAX 247

struct played_meter {
	int64_t energy_uwh; /* exact; the register shows hundredths of a kWh */
	int64_t load_w;     /* while the relay is closed */
	bool closed;
	bool dead;
	bool garbles;  /* its answers have wrong checksums */
	bool frozen;   /* the register stands still */
	bool backward; /* power flows backward; the register stands still */
	bool acrel;
	uint64_t serial; /* Acrel: 12 decimal digits; 0: it refuses to tell */
	uint16_t ct;     /* Acrel: the ratio */
	int64_t identity_reads;
	int64_t glitch_count; /* the next energy answers show glitch_raw instead */
	uint32_t glitch_raw;  /* hundredths of a kWh */
	int64_t relay_writes;
	bool key;          /* to be pressed before its relay closes */
	bool key_armed;    /* ... which the command allowed */
	uint16_t run_word; /* Acrel: bit 6 is prepaid mode */
	bool adf;
	uint16_t adf_mode; /* ADF400L: high byte 0 prepaid, 1 metering */
	bool orno;
	int64_t band_uwh
		[2]; /* ORNO: T1 counts from peak_from_s to peak_to_s of its own clock's day, T2 else */
	int64_t peak_from_s;
	int64_t peak_to_s;
	int64_t clock_ahead_s; /* of Shanghai's time */
	bool bands_frozen;
	bool map12; /* WB-MAP12E: each group's three registers show 3 Wh less than the group's before,
			    * its currents and powers 1 A and 1 W more */
	bool volts_gone; /* ADF400L: the voltage reads as zero */
	bool whole;      /* it refuses reads that begin within a block */
	bool board;
	bool water; /* energy_uwh is millionths of a litre, load_w litres an hour, closed: it runs */
	uint16_t weight; /* litres per pulse, as the water counter says */
	bool stuck;      /* the valve: its coil moves and the water does not */
	bool coil[6];
	uint16_t power_on; /* WB-MR6C: holding 6, 930 and on, 938 and on */
	uint16_t safe[6];
	uint16_t loss[6];
	int64_t seldom_reads; /* of what it says of itself; and how many came one behind the other */
	int64_t seldom_twice;
	bool seldom_last;
};

struct played_building {
	int64_t now_us; /* CLOCK_BOOTTIME */
	int64_t base_s; /* Unix time at now_us 0 */
	bool trusted;
	int64_t moved_us; /* energy counted up to here */
	size_t meters;
	struct played_meter meter[PLAYED_METERS_MAX]; /* address 1, 2, ... */

	struct station *station;
	size_t held;
	struct line_job job[2];
	int64_t done_us; /* of job[0] */
	int64_t resting; /* slave that did not answer last */
	int64_t commits;
	void (*on_commit)(void *userdata); /* NULL: nobody looks */
	void *userdata;
	int64_t noise_per_s;   /* bytes while nobody sends */
	int64_t noised_us;     /* heard up to here */
	int64_t lost_writes;   /* sent with settings that nobody hears */
	int64_t faster;        /* the line, than at 9600 baud; 0: as that */
	int64_t slower;        /* its characters, than at 9600 baud; 0: as that */
	int64_t shifted_every; /* so many answers, a gateway hands out one it has kept; 0: never */
	size_t shifted_by;     /* ... the one before, or the one before that */
	int64_t answers;
	int64_t passed; /* kept ones that fit a request for other registers */
	struct {
		struct line_request request;
		struct line_result result;
	} kept[2];    /* newest first */
	bool reading; /* the reader has a job */
	struct reader_job read;
};

/* The ports of a station that hangs on this building. */
struct station_ports played_ports(void);

struct instant played_now(const struct played_building *building);

/* What a meter's register shows, Wh. */
int64_t played_register_wh(const struct played_meter *meter);

/* Does what the reader's thread would, at once. */
void played_read_ledger(struct played_building *building);

/* Lets the station live until then. */
void played_run(struct played_building *building, int64_t until_us);
