/* fuzz_exchange - any bytes, at any pace, in answer to any request.
 *
 * Input: slave, function, address (2), count (2), then one byte that says how the bytes come,
 * then the bytes. Whatever they are, the exchange ends in bounded time; and what it accepts has
 * the slave, the function, the length and the checksum of the answer, checked here a second
 * time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/exchange.h"
#include "tests/unit/played_line.h"

#define HEADER    7
#define ANSWER_US 15000

#define MODE_ECHO_HEARD   0x01
#define MODE_ECHO_UNKNOWN 0x02
#define MODE_AT_ONCE      0x04
#define MODE_EARLY        0x08
#define MODE_SLOW         0x10
#define MODE_ECHOED       0x20

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_accepted(const struct line_request *request, const uint8_t *reply, size_t n)
{
	uint8_t sealed[FRAME_MAX + 2];
	size_t len = request->function > 4 ? 8 : (size_t)5 + reply[2];

	require(n >= len && len <= FRAME_MAX);
	require(reply[0] == request->slave && reply[1] == request->function);
	if (request->function == 3 || request->function == 4)
		require(reply[2] == 2 * request->count);
	memcpy(sealed, reply, len - 2);
	require(played_seal(sealed, len - 2) == len);
	require(memcmp(sealed, reply, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct exchange_line memory = {.wire = {9600, 10}, .unlearnt_us = EXCHANGE_UNLEARNT_US};
	static struct played line;
	struct line_request request = {0};
	struct exchange x;
	int64_t start_us, end_us;
	uint8_t mode;

	if (n < HEADER || n > HEADER + 1024)
		return 0;
	request.slave = bytes[0];
	request.function = bytes[1];
	request.address = (uint16_t)(bytes[2] << 8 | bytes[3]);
	request.count = (uint16_t)(bytes[4] << 8 | bytes[5]);
	request.values[0] = request.count;
	mode = bytes[6];
	memory.echo = (mode & MODE_ECHO_HEARD) != 0     ? EXCHANGE_ECHO_HEARD
		      : (mode & MODE_ECHO_UNKNOWN) != 0 ? EXCHANGE_ECHO_UNKNOWN
							: EXCHANGE_ECHO_NONE;
	memset(&line, 0, sizeof(line));
	line.now_us = 1000000;
	if (exchange_begin(&x, &memory, &request, ANSWER_US, line.now_us) < 0)
		return 0;
	end_us = line.now_us + wire_chars_us(&memory.wire, (int64_t)x.frame_len);
	start_us = (mode & MODE_EARLY) != 0 ? line.now_us : end_us + ANSWER_US;
	if ((mode & MODE_ECHOED) != 0)
		played_put(&line, &memory.wire, line.now_us, x.frame, x.frame_len);
	for (size_t i = HEADER; i < n; i++) {
		if ((mode & MODE_AT_ONCE) == 0)
			start_us += (mode & MODE_SLOW) != 0 ? 7000 : 1042;
		played_byte(&line, start_us, bytes[i]);
	}
	played_run(&line, &x);
	require(line.now_us < end_us + 1000000);
	if (x.outcome.error != 0) {
		require(x.outcome.count == 0);
		return 0;
	}
	/* With an echo in front, the answer is not where the input has it. */
	if ((mode & (MODE_ECHO_HEARD | MODE_ECHO_UNKNOWN | MODE_ECHOED)) == 0)
		check_accepted(&request, bytes + HEADER, n - HEADER);
	return 0;
}
