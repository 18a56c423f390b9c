/* rs485.h - the kernel's RS-485 mode of a serial port, which switches the driver of a UART between sending
 * and listening. USB adapters switch by themselves and have no such mode. */
#pragma once

#include "drivers/line.h"

/* Switches the mode of an open port on, where it is wanted and there. What the device tree or the administrator
 * set beside it (levels of RTS, delays, termination) stays. It does not block.
 * Errors: -ENOTTY wish is LINE_RS485_ON and the port has no such mode, or refuses it. */
int rs485_enable(int fd, enum line_rs485 wish);
