/* line_check.h - from the figures of a test of a line to words for an electrician.
 *
 * Pure. Software hears only what the adapter hears: it tells noise, echo, silence, garbled answers and
 * slow ones apart, and says what causes such a pattern most often and what to do. It measures no volt.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "concentrator/rules/tally.h"

#define CHECK_DEVICES_MAX  247
#define CHECK_FINDINGS_MAX 64

enum check_grade { CHECK_GOOD, CHECK_WATCH, CHECK_BAD };

enum check_fault {
	CHECK_NOBODY,      /* not one answer on the whole line */
	CHECK_NONE_WHOLE,  /* answers, but not one of them whole */
	CHECK_NOISE,       /* bytes while nobody was asked */
	CHECK_ECHO,        /* the adapter hears itself */
	CHECK_MANY_BROKEN, /* garbled answers of several devices */
	CHECK_ONE_BROKEN,  /* garbled answers at one address */
	CHECK_ABSENT,      /* a device that should be there never answers */
	CHECK_LOOSE,       /* it answers, but not always */
	CHECK_SLOW,        /* some answers take much longer than others */
	CHECK_REFUSES,     /* it answers, and refuses what its model has */
	CHECK_FAULTS
};

struct check_device {
	uint8_t address;
	bool expected; /* commissioned: it should answer, and not refuse */
	uint32_t end[TALLY_ENDS];
	int64_t fastest_us; /* turnaround; of answers */
	int64_t slowest_us;
};

struct check_figures {
	uint32_t noise; /* bytes heard while nobody was asked */
	bool echo;
	size_t count;
	struct check_device device[CHECK_DEVICES_MAX];
};

struct check_finding {
	enum check_fault fault;
	enum check_grade grade;
	uint8_t address; /* 0: the line as a whole */
	uint32_t count;  /* how many of the requests, or bytes of noise */
	uint32_t of;     /* requests; 0: none are meant */
};

/* The findings, those of the line first, then by the order of the devices. Returns how many; what is
 * too much is left out. */
size_t line_check(const struct check_figures *figures,
		  struct check_finding ret[static CHECK_FINDINGS_MAX]);

/* The worst of them. */
enum check_grade line_check_grade(const struct check_finding *findings, size_t count);

/* What it is, and what to do: sentences for people. */
const char *check_fault_text(enum check_fault fault);
const char *check_fault_advice(enum check_fault fault);

/* Stable names: "nobody", "noise", ...; "good", "watch", "bad". */
const char *check_fault_name(enum check_fault fault);
const char *check_grade_name(enum check_grade grade);
