/* rs485.c - see rs485.h. Source: the kernel's Documentation/driver-api/serial/serial-rs485.rst. */
#include "drivers/rs485.h"

#include <errno.h>
#include <sys/ioctl.h>

#include <linux/serial.h>

static int ask_for(int fd)
{
	struct serial_rs485 rs485 = {0};

	if (ioctl(fd, TIOCGRS485, &rs485) < 0)
		return -ENOTTY;
	if ((rs485.flags & SER_RS485_ENABLED) != 0)
		return 0;
	rs485.flags |= SER_RS485_ENABLED;
	/* Nobody said which level of RTS sends: the usual one. */
	if ((rs485.flags & (SER_RS485_RTS_ON_SEND | SER_RS485_RTS_AFTER_SEND)) == 0)
		rs485.flags |= SER_RS485_RTS_ON_SEND;
	return ioctl(fd, TIOCSRS485, &rs485) < 0 ? -ENOTTY : 0;
}

int rs485_enable(int fd, enum line_rs485 wish)
{
	int r = wish == LINE_RS485_OFF ? 0 : ask_for(fd);

	return wish == LINE_RS485_ON ? r : 0;
}
