/* station.h - the building: lines, meters, rooms, their money and their relays, in one place.
 *
 * The station carries out what the rules decide. It owns no thread, file or socket: time comes in with
 * every call, the lines and the loop are reached through ports, the store is the ledger it is given.
 * The daemon plays it with real ones, the tests with a simulated clock, building and disk; it is the
 * same station.
 *
 * M1  Decisions and screens use the live balance: entries minus the priced step since.
 * M4  An order is answered only after its commit.
 * S8  Opening, closing or losing the station moves no relay: a command follows only from a wish that
 *     was recomputed from facts seen since.
 * B3  No write leaves here that the model's allow-list does not name.
 *
 * All functions belong to the loop's thread. They block for the disk where they commit, nowhere else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "concentrator/config.h"
#include "concentrator/ledger.h"
#include "concentrator/platform/signature.h"
#include "concentrator/reader.h"
#include "concentrator/rules/calendar.h"
#include "concentrator/rules/entry.h"
#include "concentrator/rules/instant.h"
#include "drivers/line.h"
#include "meters/model_file.h"

#define STATION_ERROR_SIZE 256

/* What the station asks of its surroundings. */
struct station_ports {
	/* As line_submit() and line_recall(), for the line of that index in the configuration. */
	int (*submit)(void *userdata, size_t line, const struct line_job *job);
	int (*recall)(void *userdata, size_t line, struct line_job *ret);
	/* The time of a verb that comes in. */
	void (*now)(void *userdata, struct instant *ret);
	/* As reader_submit(): the answer comes back through station_read_ledger(). */
	int (*read_ledger)(void *userdata, const struct reader_job *job);
	/* Events were committed: the outbox has something. May be NULL. */
	void (*committed)(void *userdata);
};

struct station_settings {
	const struct config *config;
	const struct models *models;
	struct ledger *ledger; /* borrowed */
	struct offset_table zone;
	struct signature_roots roots;
	struct station_ports ports;
	void *userdata; /* of the ports */
	uint32_t seed;  /* of jitter */
	char version[32];
	char boot[BOOT_ID_LEN + 1];
	int64_t read_period_us; /* 0: meters are read as fast as the line goes; else this often */
};

struct station;

/* Loads the building from the ledger. Moves nothing. -EINVAL: the ledger names a line or model that is
 * not configured (error says which), -ENOMEM, -EIO. */
int station_open(struct station **ret, const struct station_settings *settings,
		 const struct instant *now, char ret_error[static STATION_ERROR_SIZE]);
struct station *station_close(struct station *station);

/* May this write be sent to the device at its address? Only what the allow-list of the model that is
 * commissioned there names. */
bool station_may_write(const struct station *station, size_t line,
		       const struct line_request *request);

/* A line's job has ended. */
void station_result(struct station *station, size_t line, const struct line_result *result,
		    const struct instant *now);

/* The adapter came or went. */
void station_line_state(struct station *station, size_t line, enum line_state state, int error,
			const struct instant *now);

/* A sensor was read: as sensors_take(). */
void station_sensor_sample(struct station *station, size_t sensor, int64_t value_milli,
			   int64_t at_us, int error);

/* A job of the reader has ended. */
void station_read_ledger(struct station *station, const struct reader_job *job,
			 const struct instant *now);

/* What is due by time. Returns CLOCK_BOOTTIME of the next call at the latest. Call it also after any
 * of the other functions that the station offers (verbs included). */
int64_t station_tick(struct station *station, const struct instant *now);

/* The verbs of the control protocol, for the control server; userdata is the station. */
struct control_verb;
const struct control_verb *station_verbs(void);

/* The audit of the control server: who, what and why, before it takes effect. */
struct control_call;
int station_audit(void *userdata, const struct control_call *call);
/* What the control server says for an error while the store fails: why, and what to do; else NULL. */
const char *station_explain(void *userdata, int error);

/* Hands waiting outbox.fetch calls what there is, or an empty answer when their time is over. Called by
 * station_tick(). */
void station_outbox_serve(struct station *station);
