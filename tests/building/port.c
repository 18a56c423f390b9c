/* port.c - see port.h. */
#include "tests/building/port.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static const struct {
	int baud;
	speed_t speed;
} speeds[] = {
	{1200, B1200},   {2400, B2400},   {4800, B4800},   {9600, B9600},
	{19200, B19200}, {38400, B38400}, {57600, B57600}, {115200, B115200},
};

void port_init(struct port *port, const char *link)
{
	*port = (struct port){.fd = -1};
	(void)snprintf(port->link, sizeof(port->link), "%s", link);
}

static int link_to(const char *target, const char *link)
{
	char next[200];

	(void)snprintf(next, sizeof(next), "%s.next", link);
	(void)unlink(next);
	if (symlink(target, next) < 0)
		return -errno;
	return rename(next, link) < 0 ? -errno : 0;
}

int port_plug(struct port *port)
{
	struct termios settings;
	int r;

	if (port->fd >= 0)
		return 0;
	port->fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (port->fd < 0)
		return -errno;
	if (grantpt(port->fd) < 0 || unlockpt(port->fd) < 0 ||
	    ptsname_r(port->fd, port->path, sizeof(port->path)) != 0 ||
	    tcgetattr(port->fd, &settings) < 0)
		goto fail;
	cfmakeraw(&settings);
	if (tcsetattr(port->fd, TCSANOW, &settings) < 0)
		goto fail;
	r = link_to(port->path, port->link);
	if (r < 0) {
		errno = -r;
		goto fail;
	}
	port->in_use = false;
	return 0;
fail:
	r = -errno;
	(void)close(port->fd);
	port->fd = -1;
	return r;
}

void port_unplug(struct port *port)
{
	if (port->fd < 0)
		return;
	(void)unlink(port->link);
	(void)close(port->fd);
	port->fd = -1;
	port->in_use = false;
}

/* What a real port does at its last close: unread bytes and exclusive use are forgotten. */
static int forget_user(struct port *port)
{
	int fd = open(port->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) { /* TIOCEXCL binds everybody but root */
		(void)close(port->fd);
		port->fd = -1;
		return port_plug(port);
	}
	(void)ioctl(fd, TIOCNXCL);
	(void)tcflush(fd, TCIOFLUSH);
	(void)close(fd);
	return 0;
}

int port_check(struct port *port)
{
	struct pollfd poller = {.fd = port->fd, .events = POLLIN};

	if (port->fd < 0)
		return 0;
	(void)poll(&poller, 1, 0);
	bool in_use = !(poller.revents & POLLHUP);
	bool left = port->in_use && !in_use;
	port->in_use = in_use;
	return left ? forget_user(port) : 0;
}

bool port_speaks(const struct port *port, int baud, int stop_bits)
{
	struct termios settings;

	if (tcgetattr(port->fd, &settings) < 0)
		return false;
	if (((settings.c_cflag & CSTOPB) != 0) != (stop_bits == 2))
		return false;
	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
		if (speeds[i].baud == baud)
			return cfgetospeed(&settings) == speeds[i].speed;
	return false;
}

size_t port_read(struct port *port, uint8_t *bytes, size_t size)
{
	ssize_t n = port->fd < 0 ? -1 : read(port->fd, bytes, size);

	return n > 0 ? (size_t)n : 0;
}

void port_write(struct port *port, const uint8_t *bytes, size_t n)
{
	ssize_t written;

	if (port->fd < 0 || !port->in_use)
		return;
	do
		written = write(port->fd, bytes, n);
	while (written < 0 && errno == EINTR);
}
