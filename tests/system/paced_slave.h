/* paced_slave.h - Modbus slaves on a pseudo-terminal that keep a line's pace, and misbehave on
 * demand.
 *
 * A process of its own plays slaves 1 to 9 at 9600 8N1, written from the Modbus specification
 * and from nothing of ours. Register `address` of slave `s` holds s * 1000 + address; coils
 * remember what was written. The process and the test share a page: what to do wrong, and what
 * was seen. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PACED_SLAVES  9
#define PACED_LOG     4096
#define PACED_CHAR_US (10 * 1000000 / 9600.0)
#define PACED_GAP_US  3646

enum paced_fault {
	PACED_HEALTHY,
	PACED_SILENT,
	PACED_LATE, /* param: us from the end of the request */
	PACED_BAD_CRC,
	PACED_TRICKLE, /* param: us a byte */
	PACED_WRONG_SLAVE,
	PACED_WRONG_FUNCTION,
	PACED_EXCEPTION, /* param: its code */
	PACED_TRAILING,  /* a byte too many */
	PACED_CUT,       /* half of the reply */
};

struct paced_request {
	uint8_t slave;
	uint8_t function;
	uint16_t address;
	int64_t start_us;   /* its first byte was seen */
	int64_t silence_us; /* since the last byte of the line before it */
};

struct paced_page {
	_Atomic int fault[PACED_SLAVES + 1]; /* enum paced_fault, by slave */
	_Atomic int param[PACED_SLAVES + 1];
	_Atomic int turnaround_us;
	_Atomic bool echo;
	_Atomic bool plugged; /* what the test wants */
	_Atomic bool present; /* what is */
	_Atomic bool stop;
	_Atomic uint32_t n_requests;
	struct paced_request log[PACED_LOG]; /* complete below n_requests */
};

struct paced {
	struct paced_page *page;
	pid_t pid;
	char link[256];
};

/* Starts the process; the port is at the symbolic link when this returns. */
int paced_start(struct paced *paced, const char *link);
void paced_stop(struct paced *paced);

/* Takes the adapter away (the other side is closed, the link dangles) or puts a new one there. */
void paced_plug(struct paced *paced, bool in);
