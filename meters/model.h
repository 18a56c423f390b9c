/* model.h - what one model of meter or relay board is, as a value.
 *
 * A model says which registers to read, what they mean, how its relays are moved and which writes may
 * ever be sent to it. It is read once at start from a *.meter file (model_file.h) and never changes;
 * everything here is pure and allocates nothing. The slave address is not known here: the hub adds it.
 *
 * B3 (part)  Nothing outside a model's write allow-list can be sent: model_may_write() decides.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "meters/reading.h"

#define MODEL_NAME_MAX    48  /* bytes of a model's, span's or row's name */
#define MODEL_TEXT_MAX    96  /* bytes of vendor and title */
#define MODEL_SPANS_MAX   8   /* blocks read from one model */
#define MODEL_ROWS_MAX    40  /* values decoded from one model */
#define MODEL_WRITES_MAX  8   /* entries of the allow-list */
#define MODEL_ALLOW_MAX   8   /* values (or value tuples) of one entry */
#define MODEL_VALUE_MAX   4   /* registers of one allowed write */
#define MODEL_ABSENT_MAX  4   /* raw values of a row that mean "no value" */
#define MODEL_STATE_MAX   2   /* raw values of a row that mean the same state */
#define MODEL_CHANNEL_MAX 64  /* channels of one device */
#define MODEL_MARKS_MAX   2   /* places by which a device is recognised */
#define MODEL_MARK_MAX    12  /* alternatives of one mark */
#define MODEL_MARK_WORDS  8   /* registers of one mark told by their values */
#define MODEL_MARK_TEXTS  8   /* alternatives of one mark told by a text */
#define MODEL_MARK_TEXT   15  /* bytes of such a text */
#define MODEL_TEXT_WORDS  32  /* registers that may hold it, two characters each */
#define MODEL_COUNT_MAX   125 /* elements of one read: the protocol's limit for registers */
#define REQUEST_VALUE_MAX 16  /* values of one write */

/* Modbus functions a model may use. Anything else is refused when the file is read. */
enum model_function {
	FUNCTION_READ_COILS = 1,
	FUNCTION_READ_DISCRETE = 2,
	FUNCTION_READ_HOLDING = 3,
	FUNCTION_READ_INPUT = 4,
	FUNCTION_WRITE_COIL = 5,
	FUNCTION_WRITE_REGISTER = 6,
	FUNCTION_WRITE_REGISTERS = 16,
};

enum model_kind { MODEL_METER, MODEL_RELAY_BOARD, MODEL_WATER };

/* How well the register map as a whole is evidenced. Low is experimental: never for money unasked. */
enum model_confidence { MODEL_CONFIDENCE_LOW, MODEL_CONFIDENCE_MEDIUM, MODEL_CONFIDENCE_HIGH };

enum model_role {
	MODEL_ROLE_ENERGY,  /* the money register with its witness */
	MODEL_ROLE_INSTANT, /* voltage, current, power */
	MODEL_ROLE_RELAY,   /* relay positions */
	/* Read seldom: at start, after each silence, once a day. */
	MODEL_ROLE_IDENTITY, /* serial number */
	MODEL_ROLE_RATIO,    /* transformer ratios: a change is a silent price change */
	MODEL_ROLE_MODE,     /* does the meter decide about supply by itself? */
	MODEL_ROLE_SAFE,     /* what does a relay do by itself: line silent, power back? */
};

enum model_type {
	MODEL_BIT, /* one coil or discrete input */
	MODEL_U16,
	MODEL_S16,
	MODEL_U32,
	MODEL_S32,
	MODEL_U64,
	MODEL_S64,
	MODEL_FLOAT32, /* IEEE 754 binary32 */
	MODEL_FLOAT64,
	MODEL_BCD16, /* 4, 8, 12 or 16 decimal digits, two a byte */
	MODEL_BCD32,
	MODEL_BCD48,
	MODEL_BCD64,
};

/* Order of the registers of one value; the bytes of a register are always high byte first. */
enum model_order { MODEL_MSW_FIRST, MODEL_LSW_FIRST };

/* One request on the line, without the slave address. For function 5 value[0] is 0xFF00 or 0x0000. */
struct meter_request {
	uint8_t function;
	uint16_t address;
	uint16_t count;                    /* elements read, or values written */
	uint16_t value[REQUEST_VALUE_MAX]; /* writes only */
};

/* A ratio that the device holds in its ratio span. A row's sets of them are bits, 1 << ratio. */
enum model_ratio { RATIO_CT, RATIO_PT, RATIO_PULSES, RATIO_COUNT };

/* One block of elements that is read by one request. Channels are numbered from 1. Where a device has
 * more channels than one block holds, block b (from 0) lies stride x b behind the first. */
struct model_span {
	char name[MODEL_NAME_MAX + 1];
	enum model_role role;
	uint8_t function; /* 1 to 4 */
	uint16_t address;
	uint16_t count;
	uint16_t channels; /* channels one block holds; at least 1 */
	uint16_t stride;   /* elements from one block to the next; 0: one block */
	int8_t witness; /* T1e: the span that holds this one's witness: itself, another, or -1: none */
};

/* One value in a span. For the k-th channel of a block (from 0) it lies stride x k behind offset. */
struct model_row {
	char name[MODEL_NAME_MAX + 1];
	enum quantity quantity;
	uint8_t span;    /* index into spans[] */
	uint16_t offset; /* elements behind the span's address */
	uint16_t stride;
	enum model_type type;
	enum model_order order;
	int64_t numerator; /* value = raw x numerator / denominator, in the quantity's unit; never 0 */
	int64_t denominator;               /* at least 1 */
	uint64_t mask;                     /* integer types: bits of raw that count */
	uint64_t absent[MODEL_ABSENT_MAX]; /* raw values that mean "no value" */
	uint8_t absent_count;
	bool witness;  /* the whole answer is refused unless least <= value <= most */
	int64_t least; /* in the quantity's unit */
	int64_t most;
	uint8_t times; /* ratios the register is multiplied by (RATIO_PULSES: divided by) */
	uint8_t alone; /* ratios that must be 1 for the value to be believed */
	/* quantity_is_state(): raw values of 1, and of 0; any other is no value. */
	uint64_t closed[MODEL_STATE_MAX];
	uint64_t open[MODEL_STATE_MAX];
	uint8_t closed_count;
	uint8_t open_count;
};

/* A place whose contents tell this model from others: the registers hold one of the alternatives, or
 * text that has one of them in it. */
struct model_mark {
	char name[MODEL_NAME_MAX + 1];
	uint8_t function; /* 3 or 4 */
	uint16_t address;
	uint8_t count;
	uint8_t values_count;
	uint16_t values[MODEL_MARK_MAX][MODEL_MARK_WORDS];
	uint8_t texts_count; /* 0: told by values */
	char texts[MODEL_MARK_TEXTS][MODEL_MARK_TEXT + 1];
};

struct model_relay {
	bool present;
	bool key; /* the command to close only arms it: a person presses a key at the meter */
	uint8_t function; /* 5, 6 or 16 */
	uint16_t address; /* of channel 1 */
	uint16_t stride;  /* from one channel to the next */
	uint8_t count;    /* values of one command */
	uint16_t close[MODEL_VALUE_MAX];
	uint16_t open[MODEL_VALUE_MAX];
};

/* One kind of write that may be sent: this function, any address of first..last, exactly one of the
 * allowed values. */
struct model_write {
	char name[MODEL_NAME_MAX + 1];
	uint8_t function;
	uint16_t first;
	uint16_t last;
	uint8_t count; /* values of one write */
	uint8_t allowed_count;
	uint16_t allowed[MODEL_ALLOW_MAX][MODEL_VALUE_MAX];
};

struct model {
	char name[MODEL_NAME_MAX + 1]; /* eastron-sdm120; also the file's name before ".meter" */
	char vendor[MODEL_TEXT_MAX + 1];
	char title[MODEL_TEXT_MAX + 1];
	enum model_kind kind;
	enum model_confidence confidence;
	uint8_t phases;   /* 0: not a meter, or not known */
	uint8_t channels; /* metered or switched channels, numbered from 1 */

	uint16_t max_registers; /* longest read the device is known to answer; 0: not known */
	uint16_t holes; /* longest hole between values that it bears to be read; 0: not known */
	uint32_t min_gap_us; /* rest it wants between its answer and the next request; 0: none */

	uint32_t baud;         /* as delivered; 0: not known */
	char parity;           /* 'N', 'E', 'O'; 0: not known */
	uint8_t stop_bits;     /* 1, 2; 0: not known */
	uint8_t slave_address; /* as delivered; 0: not known */

	/* T3: where the money register (energy_import; volume of a water meter, and then litres) starts
	 * again from zero. modulus_wh is evidenced (0: not known).
	 * width_wh is what the register's width allows at most (0: a float, or no energy). */
	int64_t modulus_wh;
	int64_t width_wh;
	int64_t resolution_wh; /* step of the money register; 0: no energy */

	uint8_t spans_count;
	uint8_t rows_count;
	uint8_t writes_count;
	uint8_t marks_count;
	struct model_span spans[MODEL_SPANS_MAX];
	struct model_row rows[MODEL_ROWS_MAX];
	struct model_relay relay;
	struct model_write writes[MODEL_WRITES_MAX];
	struct model_mark marks[MODEL_MARKS_MAX];
};

/* Elements (registers or bits) one value of this type takes. */
unsigned model_type_elements(enum model_type type);

/* Index of the first span of this role at or behind index from, or -1. A model may have several spans
 * of one role (voltages and currents here, total power there). */
int model_span_of(const struct model *model, enum model_role role, unsigned from);

/* Is a span of this role read seldom? Between two such reads of a device another of its reads goes. */
bool model_role_is_seldom(enum model_role role);

/* Does this model yield the quantity for its channels, from whatever span? */
bool model_has(const struct model *model, enum quantity quantity);

/* The read that fetches a span for a channel (from 1). All channels of one block get the same request.
 * -EINVAL: no such span or channel. */
__attribute__((warn_unused_result)) int model_span_request(const struct model *model, unsigned span,
							   unsigned channel,
							   struct meter_request *ret);

/* Must the ratio span have been read before all of the model's values are known? */
bool model_needs_ratios(const struct model *model);

/* The read that fetches a mark, and whether its answer (mark->count registers) is this model's. */
struct meter_request model_mark_request(const struct model_mark *mark);
bool model_mark_matches(const struct model_mark *mark, const uint16_t *regs);

/* The write that closes or opens a channel's relay (from 1). It passes model_may_write().
 * -ENOTSUP: the model has no relay command. -EINVAL: no such channel. */
__attribute__((warn_unused_result)) int model_relay_request(const struct model *model,
							    unsigned channel, bool close,
							    struct meter_request *ret);

/* The span that decodes to QUANTITY_RELAY_CLOSED, or -1: the position cannot be read back. */
int model_relay_readback_span(const struct model *model);

/* May this write ever be sent to a device of this model? True only if an allow-list entry has its
 * function, its count, its address in range and exactly its values. False for every read. */
bool model_may_write(const struct model *model, const struct meter_request *request);
