/* read_apart.c - see read_apart.h. */
#include "meters/read_apart.h"

unsigned read_apart_bytes(uint8_t function, unsigned count)
{
	bool bits = function == FUNCTION_READ_COILS || function == FUNCTION_READ_DISCRETE;

	return bits ? (count + 7U) / 8U : count * 2U;
}

bool read_apart_mistakes(const struct read_apart *apart, const struct meter_request *request)
{
	unsigned bytes = read_apart_bytes(request->function, request->count);

	for (unsigned i = 0; i < READ_APART; i++)
		if (apart->last[i].function == request->function &&
		    apart->last[i].address != request->address &&
		    read_apart_bytes(apart->last[i].function, apart->last[i].count) == bytes)
			return true;
	return false;
}

bool read_apart_has(const struct read_apart *apart, const struct meter_request *request)
{
	for (unsigned i = 0; i < READ_APART; i++)
		if (apart->last[i].function == request->function &&
		    apart->last[i].address == request->address &&
		    apart->last[i].count == request->count)
			return true;
	return false;
}

void read_apart_sent(struct read_apart *apart, const struct meter_request *request)
{
	for (unsigned i = READ_APART - 1; i > 0; i--)
		apart->last[i] = apart->last[i - 1];
	apart->last[0].function = request->function;
	apart->last[0].address = request->address;
	apart->last[0].count = request->count;
}
