/* described.h - a device played from a description of its registers.
 *
 * The description is tests/models/registers.table: what documents and public sources say, written down
 * apart from the product's own models. This is one of its devices, ready to be played. A register that
 * no source knows answers exception 2; one that a source lists, and nobody says the meaning of here,
 * reads 0; a write that is no relay command is refused and told as a hazard.
 */
#pragma once

#include "tests/building/model.h"

enum { DESCRIBED_ROWS = 48, DESCRIBED_SPANS = 160, DESCRIBED_WORDS = 8, DESCRIBED_NAME = 48 };

/* What a register shows. */
enum show {
	SHOW_ZERO,   /* export, reactive energy */
	SHOW_ENERGY, /* the counter: energy, or volume */
	SHOW_ENERGY_PHASE,
	SHOW_BAND, /* what its own band registers have of the counter */
	SHOW_VOLTAGE,
	SHOW_CURRENT,
	SHOW_POWER,
	SHOW_POWER_PHASE,
	SHOW_REACTIVE,
	SHOW_APPARENT,
	SHOW_POWER_FACTOR,
	SHOW_FREQUENCY,
	SHOW_SERIAL,
	SHOW_RATIO,
	SHOW_RELAY,
	SHOW_NO,    /* a state that says no: nothing but the wire moves the relays */
	SHOW_FIXED, /* what tells the model */
};

enum encoding { ENCODE_BIT, ENCODE_INTEGER, ENCODE_FLOAT, ENCODE_BCD };

struct described_row {
	enum show show;
	unsigned part;     /* which phase, from 0; or which plant_ratio */
	bool money;        /* the register that is charged by */
	uint8_t functions; /* bit f: function f reads it */
	uint16_t address;
	enum encoding encoding;
	unsigned words;
	bool is_signed, lsw_first;
	int64_t scale_num,
		scale_den; /* of the raw value, in the base unit: Wh, litres, V, A, W ... */
	int64_t step_num,
		step_den; /* the counter goes in steps of this many Wh; 0: none of its own */
	bool alone;       /* never read within a longer read */
	unsigned each, group,
		group_each;              /* addresses from channel to channel; group 0: no groups */
	bool by[RATIO_COUNT];            /* the ratios that make of it what flowed */
	int64_t offset;                  /* added to the raw value */
	uint64_t yes, no;                /* raw values of a state */
	uint16_t fixed[DESCRIBED_WORDS]; /* SHOW_FIXED */
};

/* A relay command: the values written at the first relay's address. */
struct described_relay {
	uint8_t function; /* 0: none */
	uint16_t address;
	unsigned each, words;
	uint16_t close[DESCRIBED_WORDS], open[DESCRIBED_WORDS];
};

struct described {
	struct model model; /* first: a model is taken for its described */
	char name[DESCRIBED_NAME];
	struct described_row rows[DESCRIBED_ROWS];
	unsigned n_rows;
	struct described_relay relay;
	struct span
		spans[DESCRIBED_SPANS]; /* sorted, merged where they touch; ended by function 0 */
	unsigned n_spans;
};

/* Address of a row for a channel, counted from 0. */
unsigned described_place(const struct described_row *row, unsigned channel);

/* The raw value of a row as its channel shows it; n_meters samples. */
uint64_t described_raw(const struct described_row *row, const struct device *device,
		       const struct sample *sample);

/* The functions of a described device's model. */
uint16_t described_word(const struct device *device, const struct sample *sample, uint8_t function,
			uint16_t address);
enum modbus_exception described_write(struct plant *plant, struct device *device, uint8_t function,
				      uint16_t address, uint16_t count, const uint16_t *words,
				      int64_t now_us);
int64_t described_shown_wh(const struct device *device, int64_t energy_uwh);
