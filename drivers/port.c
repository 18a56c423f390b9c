#include "drivers/port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

#include <linux/serial.h>
#include <modbus.h>

#include "drivers/rs485.h"

#define DATA_BITS  8
#define US_PER_S   1000000
#define TIMEOUT_US 1000 /* the least that a frame which is there already is given */

/* libmodbus reads into a buffer of this size whatever the frame says. */
_Static_assert(FRAME_MAX >= MODBUS_RTU_MAX_ADU_LENGTH, "libmodbus writes past the buffer");

struct port {
	modbus_t *modbus;
	int fd;      /* libmodbus's own */
	int lock_fd; /* held from before the port is touched until after it is let go */
};

/* The lock goes first: what another process has open is not even set up. flock() keeps out other
 * instances of ours, root's included; TIOCEXCL everybody else. */
static int lock_path(const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	if (isatty(fd) == 0)
		r = -ENOTTY;
	else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		r = errno == EWOULDBLOCK ? -EBUSY : -errno;
	else
		return fd;
	(void)close(fd);
	return r;
}

/* Lets the adapter hand bytes over at once, where it can hold them back (FTDI: 16 ms). */
static void lower_latency(int fd)
{
	struct serial_struct serial;

	if (ioctl(fd, TIOCGSERIAL, &serial) < 0)
		return;
	serial.flags |= (int)ASYNC_LOW_LATENCY;
	(void)ioctl(fd, TIOCSSERIAL, &serial);
}

static int connect_modbus(struct port *port, const struct line_settings *settings)
{
	port->modbus = modbus_new_rtu(settings->port, settings->baud, settings->parity, DATA_BITS,
				      settings->stop_bits);
	if (port->modbus == NULL)
		return -errno;
	if (modbus_set_error_recovery(port->modbus, MODBUS_ERROR_RECOVERY_NONE) < 0)
		return -errno;
	/* No time-out between bytes: the whole frame has one, set for each. */
	if (modbus_set_byte_timeout(port->modbus, 0, 0) < 0)
		return -errno;
	if (modbus_connect(port->modbus) < 0)
		return -errno;
	port->fd = modbus_get_socket(port->modbus);
	/* libmodbus waits with select(). */
	return port->fd < FD_SETSIZE ? 0 : -EMFILE;
}

int port_open(struct port **ret, const struct line_settings *settings)
{
	struct port *port;
	int r, lock_fd = lock_path(settings->port);

	if (lock_fd < 0)
		return lock_fd;
	port = calloc(1, sizeof(*port));
	if (port == NULL) {
		(void)close(lock_fd);
		return -ENOMEM;
	}
	port->lock_fd = lock_fd;
	port->fd = -1;
	r = connect_modbus(port, settings);
	if (r == 0)
		r = rs485_enable(port->fd, settings->rs485);
	if (r < 0) {
		(void)port_close(port);
		return r;
	}
	lower_latency(port->fd);
	(void)ioctl(port->fd, TIOCEXCL);
	*ret = port;
	return 0;
}

struct port *port_close(struct port *port)
{
	if (port == NULL)
		return NULL;
	if (port->fd >= 0) {
		/* Else close() may wait half a minute for a stuck port to send the rest. */
		(void)tcflush(port->fd, TCIOFLUSH);
		(void)ioctl(port->fd, TIOCNXCL);
		modbus_close(port->modbus);
	}
	modbus_free(port->modbus);
	(void)close(port->lock_fd);
	free(port);
	return NULL;
}

int port_fd(const struct port *port)
{
	return port->fd;
}

int port_waiting(const struct port *port)
{
	int n = 0;

	return ioctl(port->fd, FIONREAD, &n) < 0 ? -EIO : n;
}

int port_send(struct port *port, const uint8_t *frame, size_t frame_len)
{
	int len = (int)(frame_len - FRAME_CRC_LEN);

	return modbus_send_raw_request(port->modbus, frame, len) == (int)frame_len ? 0 : -EIO;
}

size_t port_receive(struct port *port, uint8_t slave, size_t hint, int64_t timeout_us,
		    uint8_t ret[static FRAME_MAX])
{
	int n;

	if (timeout_us < TIMEOUT_US)
		timeout_us = TIMEOUT_US;
	memset(ret, 0, FRAME_MAX);
	(void)modbus_set_slave(port->modbus, slave);
	(void)modbus_set_response_timeout(port->modbus, (uint32_t)(timeout_us / US_PER_S),
					  (uint32_t)(timeout_us % US_PER_S));
	n = modbus_receive_confirmation(port->modbus, ret);
	/* -1 is garbled, 0 another slave's: the exchange says which, from the bytes. */
	return n > 0 ? (size_t)n : hint;
}

int port_read(struct port *port, uint8_t *ret, size_t n)
{
	uint8_t dropped[FRAME_MAX];
	ssize_t got;

	if (ret == NULL) {
		ret = dropped;
		n = n < sizeof(dropped) ? n : sizeof(dropped);
	}
	got = read(port->fd, ret, n);
	return got > 0 ? (int)got : -EIO;
}
