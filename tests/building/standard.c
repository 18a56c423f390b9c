/* standard.c - the building that the demonstration runs on.
 *
 * Two lines, A and B, half of the meters on each. Of every 32 meters of a line:
 *
 *     1..12   Eastron SDM120, switched by channels of relay boards 101 and 102 on the same line
 *             (contactors: the first nine open without coil current, the rest close)
 *     13..22  Hiking DDS238 ZN/SR, relay in the meter
 *     23..28  Acrel DDSY1352, relay in the meter
 *     29..32  Eastron SDM630, each with a three-pole contactor on a channel of board 102
 *
 * The first four rooms of a line have two supplies on one account: sockets on an SDM120 and air
 * conditioning, cut first, on a DDS238; and light, without a meter and never cut. So 64 meters make
 * 56 rooms: 101 to 128 on line A, 201 to 228 on line B. Everybody is connected at the start.
 */
#include "tests/building/building.h"

#include <errno.h>
#include <stdio.h>

enum {
	SDM120_FIRST = 1,
	DDS238_FIRST = 13,
	DDSY1352_FIRST = 23,
	SDM630_FIRST = 29,
	METERS_PER_LINE = 32,
	SHARED_ROOMS = 4,
	NORMALLY_CLOSED_FIRST =
		10, /* SDM120 from here have contactors that close without current */
};

static const char *model_at(unsigned address)
{
	if (address >= SDM630_FIRST)
		return "sdm630";
	if (address >= DDSY1352_FIRST)
		return "ddsy1352";
	return address >= DDS238_FIRST ? "dds238" : "sdm120";
}

/* Channels 1..8 of board 101 feed meters 1..8; those of 102 feed 9..12 and 29..32. */
static void write_contactor(FILE *out, char line, unsigned address)
{
	unsigned board = address <= 8 ? 101 : 102;
	unsigned channel = address <= 8              ? address
			   : address >= SDM630_FIRST ? address - SDM630_FIRST + 5
						     : address - 8;
	bool normally_closed = address >= NORMALLY_CLOSED_FIRST && address < DDS238_FIRST;

	(void)fprintf(out, "contactor %c %u/%u feeds %c/%u %s\n", line, board, channel, line,
		      address, normally_closed ? "nc" : "no");
}

static void write_line(FILE *out, char line, unsigned meters, struct chance *chance)
{
	(void)fprintf(out, "line %c baud 9600\n", line);
	for (unsigned address = 1; address <= meters; address++) {
		bool three_phase = address >= SDM630_FIRST;

		(void)fprintf(out, "meter %c %u %s load %d register %lld\n", line, address,
			      model_at(address),
			      (int)(three_phase ? chance_between(chance, 15, 60)
						: chance_between(chance, 3, 22)) *
				      100,
			      (long long)chance_between(chance, 50000, 30000000));
	}
	/* Channels 2, 3 and 4 of board 102 drive contactors that are closed without current. */
	(void)fprintf(out, "relay-board %c 101 waveshare8 coils 0xFF\n", line);
	(void)fprintf(out, "relay-board %c 102 waveshare8 coils 0xF1\n", line);
	for (unsigned address = 1; address <= meters; address++)
		if (address < DDS238_FIRST || address >= SDM630_FIRST)
			write_contactor(out, line, address);
}

static void write_rooms(FILE *out, char line, unsigned meters, int64_t opening_minor)
{
	unsigned room = line == 'A' ? 101 : 201;
	bool shared_rooms = meters >= DDS238_FIRST + SHARED_ROOMS;

	for (unsigned address = 1; address <= meters; address++) {
		bool shared = shared_rooms && address <= SHARED_ROOMS;

		if (shared_rooms && address >= DDS238_FIRST &&
		    address < DDS238_FIRST + SHARED_ROOMS)
			continue;
		(void)fprintf(out,
			      "room %u sockets meter %c/%u cut-order %d breaker %d tenancy T%u "
			      "opening %lld\n",
			      room, line, address, shared ? 2 : 1,
			      address >= SDM630_FIRST ? 32 : 20, room, (long long)opening_minor);
		if (shared)
			(void)fprintf(out,
				      "room %u air meter %c/%u cut-order 1 breaker 20\n"
				      "room %u light may-cut no\n",
				      room, line, address + DDS238_FIRST - SDM120_FIRST, room);
		room++;
	}
}

int building_write_standard(const char *file, unsigned meters, uint64_t seed, int64_t opening_minor)
{
	struct chance chance = {.state = seed};
	FILE *out;

	if (meters < 2 || meters > 2 * METERS_PER_LINE || meters % 2)
		return -EINVAL;
	out = fopen(file, "we");
	if (!out)
		return -errno;
	(void)fprintf(out, "# The standard building: %u meters on two lines, seed %llu.\n", meters,
		      (unsigned long long)seed);
	for (char line = 'A'; line <= 'B'; line++) {
		write_line(out, line, meters / 2, &chance);
		write_rooms(out, line, meters / 2, opening_minor);
	}
	return fclose(out) == 0 ? 0 : -errno;
}
