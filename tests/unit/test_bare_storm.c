/* test_bare_storm - the storm of test_exchange_storm.c against libmodbus alone: it must bite.
 *
 * libmodbus's own select(), read() and write() of the port are played here, in virtual time; it is the very
 * library that drivers/port.c uses, asked in a plain loop. What it accepts and is wrong is the measure of what
 * the exchange keeps away.
 */

/* The fortified headers define read() and its like inline; here they are ours. */
#undef _FORTIFY_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

#include <modbus.h>

#include "tests/unit/storm.h"

#define READS        300000 /* of each of the four */
#define DEFAULT_SEED 20260315
#define FEW_SLAVES   3
#define MS           1000
#define PATIENCE_US  (200 * MS)

/* What a port keeps of bytes that nobody reads; those behind are lost. */
#define PORT_KEEPS (PLAYED_MAX - 4 * FRAME_MAX)

/* The port that is played; -1: none. */
static int played_fd = -1;
static struct storm storm;
static struct played line;

static size_t waiting(void)
{
	size_t n = 0;

	while (n < line.n && line.at_us[n] <= line.now_us)
		n++;
	return n;
}

/* Does a byte arrive until then? */
static bool collides(int64_t until_us)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.at_us[i] > line.now_us && line.at_us[i] <= until_us)
			return true;
	return false;
}

/* The prototypes are those of unistd.h and sys/select.h. */
int select(int n, fd_set *reading, fd_set *writing, fd_set *except, struct timeval *timeout)
{
	static int (*real)(int, fd_set *, fd_set *, fd_set *, struct timeval *);
	int64_t until_us;

	if (played_fd < 0 || reading == NULL || !FD_ISSET(played_fd, reading)) {
		if (real == NULL)
			*(void **)&real = dlsym(RTLD_NEXT, "select");
		return real(n, reading, writing, except, timeout);
	}
	until_us = timeout == NULL
			   ? INT64_MAX
			   : line.now_us + (int64_t)timeout->tv_sec * 1000000 + timeout->tv_usec;
	if (line.n > 0 && line.at_us[0] <= until_us) {
		if (line.at_us[0] > line.now_us)
			line.now_us = line.at_us[0];
		return 1;
	}
	line.now_us = until_us;
	FD_ZERO(reading);
	return 0;
}

ssize_t read(int fd, void *bytes, size_t n)
{
	static ssize_t (*real)(int, void *, size_t);
	size_t got = waiting();

	if (fd != played_fd || played_fd < 0) {
		if (real == NULL)
			*(void **)&real = dlsym(RTLD_NEXT, "read");
		return real(fd, bytes, n);
	}
	got = got < n ? got : n;
	memcpy(bytes, line.byte, got);
	line.n -= got;
	memmove(line.at_us, line.at_us + got, line.n * sizeof(line.at_us[0]));
	memmove(line.byte, line.byte + got, line.n);
	return (ssize_t)got;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	static ssize_t (*real)(int, const void *, size_t);

	if (fd != played_fd || played_fd < 0) {
		if (real == NULL)
			*(void **)&real = dlsym(RTLD_NEXT, "write");
		return real(fd, bytes, n);
	}
	if (line.n > PORT_KEEPS)
		line.n = PORT_KEEPS;
	/* Nobody hears a request while somebody else still speaks. */
	if (collides(line.now_us + wire_chars_us(&storm.wire, (int64_t)n)))
		return (ssize_t)n;
	storm_strike(&storm, &line, bytes, n, line.now_us);
	return (ssize_t)n;
}

int tcflush(int fd, int queue)
{
	static int (*real)(int, int);
	size_t n = waiting();

	if (fd != played_fd || played_fd < 0) {
		if (real == NULL)
			*(void **)&real = dlsym(RTLD_NEXT, "tcflush");
		return real(fd, queue);
	}
	line.n -= n;
	memmove(line.at_us, line.at_us + n, line.n * sizeof(line.at_us[0]));
	memmove(line.byte, line.byte + n, line.n);
	return 0;
}

/* flush: throw away what waits before each request, as a careful program does. */
static long rage(const char *name, bool flush, bool equal_lengths, bool echo, struct wire wire,
		 uint64_t struck[static STORM_FAULT_COUNT])
{
	long reads = storm_reads(READS), answered = 0, wrong = 0;
	uint16_t values[LINE_VALUES_MAX];
	int master, slave;
	char path[64];
	modbus_t *modbus;

	assert_int_equal(openpty(&master, &slave, path, NULL, NULL), 0);
	modbus = modbus_new_rtu(path, wire.baud, 'N', 8, 1);
	assert_non_null(modbus);
	assert_int_equal(modbus_connect(modbus), 0);
	(void)modbus_set_response_timeout(modbus, 0, PATIENCE_US);
	memset(&line, 0, sizeof(line));
	line.now_us = 1000000;
	storm = (struct storm){
		.wire = wire,
		.random = storm_seed(name, DEFAULT_SEED),
		.slaves = equal_lengths ? FEW_SLAVES : STORM_SLAVES,
		.equal_lengths = equal_lengths,
		.echo = echo,
		.sound_of = 10,
		.turnaround_least_us = 5 * MS,
		.turnaround_most_us = 35 * MS,
	};
	played_fd = modbus_get_socket(modbus);
	for (long i = 0; i < reads; i++) {
		const struct line_request *request = storm_request(&storm);
		int n;

		if (flush)
			(void)modbus_flush(modbus);
		(void)modbus_set_slave(modbus, request->slave);
		n = request->function == 3 ? modbus_read_registers(modbus, request->address,
								   request->count, values)
					   : modbus_read_input_registers(modbus, request->address,
									 request->count, values);
		answered += n > 0;
		wrong += n > 0 && !storm_right(request, values, (size_t)n);
	}
	played_fd = -1;
	storm_print(name, reads, answered, wrong, storm.struck);
	for (int fault = 0; fault < STORM_FAULT_COUNT; fault++)
		struck[fault] += storm.struck[fault];
	modbus_close(modbus);
	modbus_free(modbus);
	(void)close(master);
	(void)close(slave);
	return wrong;
}

static void weather(const char *name, bool flush)
{
	uint64_t struck[STORM_FAULT_COUNT] = {0};
	long wrong = 0;

	wrong += rage("9600 8N1", flush, false, false, (struct wire){9600, 10}, struck);
	wrong += rage("9600 8N1, equal blocks", flush, true, false, (struct wire){9600, 10},
		      struck);
	wrong += rage("9600 8E1 with echo", flush, false, true, (struct wire){9600, 11}, struck);
	wrong += rage("115200 8N1", flush, false, false, (struct wire){115200, 10}, struck);
	storm_print(name, 4 * storm_reads(READS), 0, wrong, struck);
	assert_true(wrong > 0);
}

static void libmodbus_alone_accepts_wrong_values(void **state)
{
	(void)state;
	weather("bare_libmodbus", false);
}

static void flushing_before_each_request_does_not_help_enough(void **state)
{
	(void)state;
	weather("flushing_libmodbus", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libmodbus_alone_accepts_wrong_values),
		cmocka_unit_test(flushing_before_each_request_does_not_help_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
