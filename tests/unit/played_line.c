#include "tests/unit/played_line.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void played_byte(struct played *line, int64_t at_us, uint8_t byte)
{
	size_t i = line->n;

	assert(line->n < PLAYED_MAX);
	for (; i > 0 && line->at_us[i - 1] > at_us; i--) {
		line->at_us[i] = line->at_us[i - 1];
		line->byte[i] = line->byte[i - 1];
	}
	line->at_us[i] = at_us;
	line->byte[i] = byte;
	line->n++;
	if (at_us > line->last_us)
		line->last_us = at_us;
}

void played_put(struct played *line, const struct wire *wire, int64_t start_us,
		const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		played_byte(line,
			    start_us +
				    (int64_t)(i + 1) * wire->bits_per_char * 1000000 / wire->baud,
			    bytes[i]);
}

static size_t waiting(const struct played *line)
{
	size_t n = 0;

	while (n < line->n && line->at_us[n] <= line->now_us)
		n++;
	return n;
}

static size_t take(struct played *line, uint8_t *ret, size_t n)
{
	assert(n <= line->n);
	if (ret != NULL)
		memcpy(ret, line->byte, n);
	line->n -= n;
	memmove(line->at_us, line->at_us + n, line->n * sizeof(line->at_us[0]));
	memmove(line->byte, line->byte + n, line->n);
	return n;
}

static void wake_at(struct played *line, int64_t at_us)
{
	if (line->lateness_us != NULL)
		at_us += line->lateness_us(line->lateness_arg);
	if (at_us > line->now_us)
		line->now_us = at_us;
}

/* Waits for n bytes, not beyond until_us. */
static bool wait_for(struct played *line, size_t n, int64_t until_us)
{
	if (n > line->n || (n > 0 && line->at_us[n - 1] > until_us)) {
		if (until_us > line->now_us)
			line->now_us = until_us;
		return false;
	}
	if (n > 0 && line->at_us[n - 1] > line->now_us)
		line->now_us = line->at_us[n - 1];
	return true;
}

static size_t receive(struct played *line, int64_t until_us, uint8_t frame[static FRAME_MAX])
{
	size_t len;

	if (!wait_for(line, 3, until_us))
		return take(line, frame, waiting(line));
	if (line->byte[1] >= 1 && line->byte[1] <= 4)
		len = 5 + (size_t)line->byte[2];
	else if (line->byte[1] == 5 || line->byte[1] == 6 || line->byte[1] == 15 ||
		 line->byte[1] == 16)
		len = 8;
	else
		len = 5;
	if (len > FRAME_MAX)
		len = 3;
	if (!wait_for(line, len, until_us))
		return take(line, frame, waiting(line));
	return take(line, frame, len);
}

void played_run(struct played *line, struct exchange *x)
{
	uint8_t bytes[PLAYED_MAX];
	size_t n;

	exchange_sent(x, line->now_us);
	for (int looks = 0; looks < 1000; looks++) {
		struct exchange_step step = exchange_next(x, line->now_us, waiting(line));

		switch (step.action) {
		case EXCHANGE_SLEEP:
			assert(step.until_us > line->now_us);
			wake_at(line, step.until_us);
			break;
		case EXCHANGE_LISTEN:
			assert(step.until_us > line->now_us);
			if (line->n > 0 && line->at_us[0] < step.until_us)
				wake_at(line, line->at_us[0]);
			else
				wake_at(line, step.until_us);
			break;
		case EXCHANGE_STRIP:
			n = take(line, bytes, step.bytes);
			exchange_echoed(x, bytes, n, line->now_us);
			break;
		case EXCHANGE_TAKE:
			n = receive(line, step.until_us, bytes);
			exchange_taken(x, bytes, n, line->now_us);
			break;
		case EXCHANGE_DISCARD:
			(void)take(line, NULL, waiting(line));
			break;
		case EXCHANGE_DONE:
			return;
		}
	}
	abort(); /* the exchange never ends */
}

size_t played_drain(struct played *line, const struct exchange_line *memory)
{
	size_t stray = 0, n;

	if (line->now_us < memory->quiet_until_us)
		wake_at(line, memory->quiet_until_us);
	while ((n = waiting(line)) > 0) {
		stray += take(line, NULL, n);
		wake_at(line, line->now_us + wire_gap_us(&memory->wire));
	}
	return stray;
}

size_t played_hex(const char *hex, uint8_t *ret)
{
	size_t n = 0;
	char *end;

	for (;;) {
		unsigned long byte = strtoul(hex, &end, 16);

		if (end == hex)
			return n;
		ret[n++] = (uint8_t)byte;
		hex = end;
	}
}

/* The checksum by the polynomial x^16 + x^15 + x^2 + 1, one bit at a time, low bit first. */
size_t played_seal(uint8_t *bytes, size_t n)
{
	unsigned int remainder = 0xFFFF;

	for (size_t bit = 0; bit < n * 8; bit++) {
		unsigned int in = (unsigned int)bytes[bit / 8] >> (bit % 8) & 1U;
		unsigned int out = remainder & 1U;

		remainder >>= 1;
		if (in != out)
			remainder ^= 1U << 15 | 1U << 13 | 1U << 0;
	}
	bytes[n] = (uint8_t)(remainder & 0xFFU);
	bytes[n + 1] = (uint8_t)(remainder >> 8);
	return n + 2;
}
