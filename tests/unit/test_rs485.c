/* test_rs485.c - the kernel's RS-485 mode, on ports that this machine does not have: ioctl() is replaced. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include <cmocka.h>
#include <linux/serial.h>

#include "drivers/rs485.h"

#define PORT    7
#define ENABLED SER_RS485_ENABLED
#define ON      SER_RS485_RTS_ON_SEND
#define AFTER   SER_RS485_RTS_AFTER_SEND
#define ENDED   SER_RS485_TERMINATE_BUS

/* The port. */
static struct serial_rs485 kept;
static int get_error, set_error; /* 0: it does what it is asked */
static int sets;

int __wrap_ioctl(int fd, unsigned long request, ...);

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	struct serial_rs485 *rs485;
	va_list args;
	int error;

	va_start(args, request);
	rs485 = va_arg(args, struct serial_rs485 *);
	va_end(args);
	assert_int_equal(fd, PORT);
	assert_true(request == TIOCGRS485 || request == TIOCSRS485);
	error = request == TIOCGRS485 ? get_error : set_error;
	if (error != 0) {
		errno = error;
		return -1;
	}
	if (request == TIOCGRS485) {
		*rs485 = kept;
	} else {
		kept = *rs485;
		sets++;
	}
	return 0;
}

static const struct {
	const char *name;
	enum line_rs485 wish;
	uint32_t flags; /* before */
	int get_error;
	int set_error;
	int r;
	uint32_t flags_after;
	int sets;
} cases[] = {
	{"nothing is set: on, and RTS high sends", LINE_RS485_AUTO, 0, 0, 0, 0, ENABLED | ON, 1},
	{"the device tree says RTS low sends: it stays", LINE_RS485_AUTO, AFTER, 0, 0, 0,
	 ENABLED | AFTER, 1},
	{"a terminator that was switched on stays", LINE_RS485_ON, ON | ENDED, 0, 0, 0,
	 ENABLED | ON | ENDED, 1},
	{"it is on already: left alone", LINE_RS485_ON, ENABLED | AFTER, 0, 0, 0, ENABLED | AFTER,
	 0},
	{"not wanted: not even asked", LINE_RS485_OFF, AFTER, 0, 0, 0, AFTER, 0},
	{"an adapter has no such mode", LINE_RS485_AUTO, 0, ENOTTY, ENOTTY, 0, 0, 0},
	{"an adapter that must have it", LINE_RS485_ON, 0, ENOTTY, ENOTTY, -ENOTTY, 0, 0},
	{"a port that refuses it", LINE_RS485_AUTO, 0, 0, EINVAL, 0, 0, 0},
	{"a port that refuses it and must not", LINE_RS485_ON, 0, 0, EINVAL, -ENOTTY, 0, 0},
};

static void what_was_set_beside_the_mode_stays(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].name);
		kept = (struct serial_rs485){.flags = cases[i].flags,
					     .delay_rts_before_send = 3,
					     .delay_rts_after_send = 5};
		get_error = cases[i].get_error;
		set_error = cases[i].set_error;
		sets = 0;
		assert_int_equal(rs485_enable(PORT, cases[i].wish), cases[i].r);
		assert_int_equal(kept.flags, cases[i].flags_after);
		assert_int_equal(kept.delay_rts_before_send, 3);
		assert_int_equal(kept.delay_rts_after_send, 5);
		assert_int_equal(sets, cases[i].sets);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_set_beside_the_mode_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
