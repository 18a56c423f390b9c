#include "concentrator/rules/line_check.h"

#include <assert.h>

#define FEW_PERCENT  2  /* failures that a healthy line does not show in a test */
#define MANY_PERCENT 20 /* ... and with which it is of no use */
#define NOISE_MUCH   8  /* bytes in the seconds of silence */
#define SLOW_US      INT64_C(100000)
#define SLOW_FACTOR  4

static const struct {
	const char *name;
	const char *text;
	const char *advice;
} faults[CHECK_FAULTS] = {
	[CHECK_NOBODY] = {"nobody", "nobody answers",
			  "Check in this order: are the meters powered; is A on A and B on B (swap "
			  "them at the adapter once); are the baud rate and parity those of the "
			  "meters (prepay line scan --settings all finds them); is the adapter the "
			  "right one."},
	[CHECK_NONE_WHOLE] =
		{"none-whole", "answers come, but not one of them whole",
		 "The baud rate, the parity or the stop bits are not those of the "
		 "meters, or the two wires of the bus are swapped: run prepay line scan "
		 "--settings all, then check A and B."},
	[CHECK_NOISE] =
		{"noise", "bytes are heard while nobody sends",
		 "The silent bus is not held at rest: put bias resistors (560 to 680 ohm, A "
		 "to plus and B to ground) at the adapter, one 120 ohm terminator at each "
		 "end and at no other place, and keep the cable away from mains cables. Check "
		 "that no other master polls this bus."},
	[CHECK_ECHO] = {"echo", "the adapter hears what it sends itself",
			"Prepay removes the echo, and no meter is to blame. If the adapter has a "
			"switch or jumper for it, switch it off."},
	[CHECK_MANY_BROKEN] =
		{"many-broken", "answers of several devices come damaged",
		 "The bus itself is not well: one 120 ohm terminator at each end and "
		 "none between, one line without long branches, twisted pair, shield to "
		 "ground at one end, bias at the adapter. A lower baud rate helps on a "
		 "long cable."},
	[CHECK_ONE_BROKEN] =
		{"one-broken", "its answers come damaged, those of others do not",
		 "Two devices have this address, or its joint is bad: switch this meter "
		 "off; if the address still answers there are two. Else tighten A and B "
		 "at this meter and look at its branch."},
	[CHECK_ABSENT] =
		{"absent", "it never answers",
		 "Is the meter powered, is this its address, are its A and B connected and "
		 "not swapped, and is its baud rate that of the line?"},
	[CHECK_LOOSE] =
		{"loose", "it does not always answer",
		 "Tighten A and B at this meter; look at the supply of the meter and at the "
		 "branch that leads to it. The last meters of a bus without terminator show "
		 "this first."},
	[CHECK_SLOW] = {"slow", "some of its answers take very long",
			"Prepay waits for it as long as it must. A gateway or radio between, or a "
			"meter busy with something else, answers like this; it slows the line."},
	[CHECK_REFUSES] =
		{"refuses", "it answers, but refuses what its model must have",
		 "It is not the model that it was commissioned as: prepay line scan names "
		 "what answers at an address that is not commissioned."},
};

static uint32_t answers(const struct check_device *device)
{
	return device->end[TALLY_GOOD] + device->end[TALLY_EXCEPTION];
}

static uint32_t broken(const struct check_device *device)
{
	return device->end[TALLY_CRC] + device->end[TALLY_GARBLED];
}

static uint32_t asked(const struct check_device *device)
{
	return answers(device) + broken(device) + device->end[TALLY_TIMEOUT];
}

/* An address where nothing is known to be and nothing was heard. */
static bool vacant(const struct check_device *device)
{
	return asked(device) == 0 ||
	       (!device->expected && answers(device) == 0 && broken(device) == 0);
}

static bool above(uint32_t count, uint32_t of, unsigned percent)
{
	return (uint64_t)count * 100 > (uint64_t)of * percent;
}

struct list {
	struct check_finding *finding;
	size_t count;
};

static void find(struct list *list, enum check_fault fault, enum check_grade grade, uint8_t address,
		 uint32_t count, uint32_t of)
{
	if (list->count < CHECK_FINDINGS_MAX)
		list->finding[list->count++] = (struct check_finding){.fault = fault,
								      .grade = grade,
								      .address = address,
								      .count = count,
								      .of = of};
}

static enum check_grade grade_of(uint32_t count, uint32_t of)
{
	return above(count, of, MANY_PERCENT) ? CHECK_BAD : CHECK_WATCH;
}

static void check_device(struct list *list, const struct check_device *device, bool many)
{
	uint32_t of = asked(device);

	if (answers(device) == 0 && broken(device) == 0) {
		find(list, CHECK_ABSENT, CHECK_BAD, device->address, of, of);
		return;
	}
	if (!many && above(broken(device), of, FEW_PERCENT))
		find(list, CHECK_ONE_BROKEN, grade_of(broken(device), of), device->address,
		     broken(device), of);
	if (above(device->end[TALLY_TIMEOUT], of, FEW_PERCENT))
		find(list, CHECK_LOOSE, grade_of(device->end[TALLY_TIMEOUT], of), device->address,
		     device->end[TALLY_TIMEOUT], of);
	if (device->expected && device->end[TALLY_GOOD] == 0 && device->end[TALLY_EXCEPTION] > 0)
		find(list, CHECK_REFUSES, CHECK_BAD, device->address, device->end[TALLY_EXCEPTION],
		     of);
	if (device->slowest_us > SLOW_US && device->slowest_us > SLOW_FACTOR * device->fastest_us)
		find(list, CHECK_SLOW, CHECK_WATCH, device->address, 0, 0);
}

size_t line_check(const struct check_figures *figures,
		  struct check_finding ret[static CHECK_FINDINGS_MAX])
{
	struct list list = {.finding = ret};
	uint32_t all = 0, answered = 0, damaged = 0, there = 0, damaged_devices = 0;
	bool many;

	for (size_t i = 0; i < figures->count; i++) {
		const struct check_device *device = &figures->device[i];

		all += asked(device);
		answered += answers(device);
		damaged += broken(device);
		there += !vacant(device);
		damaged_devices += above(broken(device), asked(device), FEW_PERCENT);
	}
	many = damaged_devices > 1 && damaged_devices * 2 >= there;
	if (figures->noise > 0)
		find(&list, CHECK_NOISE, figures->noise > NOISE_MUCH ? CHECK_BAD : CHECK_WATCH, 0,
		     figures->noise, 0);
	if (figures->echo)
		find(&list, CHECK_ECHO, CHECK_WATCH, 0, 0, 0);
	if (answered == 0) {
		/* One cause for all of them: not one finding for each. */
		find(&list, damaged == 0 ? CHECK_NOBODY : CHECK_NONE_WHOLE, CHECK_BAD, 0, all, all);
		return list.count;
	}
	if (many)
		find(&list, CHECK_MANY_BROKEN, grade_of(damaged, all), 0, damaged, all);
	for (size_t i = 0; i < figures->count; i++)
		if (!vacant(&figures->device[i]))
			check_device(&list, &figures->device[i], many);
	return list.count;
}

enum check_grade line_check_grade(const struct check_finding *findings, size_t count)
{
	enum check_grade worst = CHECK_GOOD;

	for (size_t i = 0; i < count; i++)
		if (findings[i].grade > worst)
			worst = findings[i].grade;
	return worst;
}

const char *check_fault_text(enum check_fault fault)
{
	assert((unsigned)fault < CHECK_FAULTS);
	return faults[fault].text;
}

const char *check_fault_advice(enum check_fault fault)
{
	assert((unsigned)fault < CHECK_FAULTS);
	return faults[fault].advice;
}

const char *check_fault_name(enum check_fault fault)
{
	assert((unsigned)fault < CHECK_FAULTS);
	return faults[fault].name;
}

const char *check_grade_name(enum check_grade grade)
{
	switch (grade) {
	case CHECK_GOOD:
		return "good";
	case CHECK_WATCH:
		return "watch";
	case CHECK_BAD:
		break;
	}
	return "bad";
}
