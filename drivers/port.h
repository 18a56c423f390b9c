/* port.h - the serial port of one line, opened, locked and set up; libmodbus within.
 *
 * For the line's worker alone. Opening a device by path follows a udev link anew each time, so an
 * adapter that comes back elsewhere is found. Nothing here waits but port_receive().
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "drivers/line.h"

struct port;

/* Errors: -ENOENT, -ENXIO, -ENODEV or -EIO nothing there; -EBUSY another process holds it; -ENOTTY
 * no terminal, or no RS-485 mode where that is demanded; what open() says else. */
int port_open(struct port **ret, const struct line_settings *settings);

/* Throws away what is unsent. Accepts NULL, returns NULL. */
struct port *port_close(struct port *port);

int port_fd(const struct port *port);

/* Bytes received and not read: 0 or more, or -EIO when the port is gone. */
int port_waiting(const struct port *port);

/* Hands a request to the kernel. frame_len counts the CRC, which libmodbus makes itself. -EIO when
 * the port is gone or stuck. */
int port_send(struct port *port, const uint8_t *frame, size_t frame_len);

/* Receives one frame of `slave` into a zeroed buffer, waiting timeout_us in all at most. Returns
 * the bytes to judge: what libmodbus took for an intact frame, else `hint`, what was waiting. */
size_t port_receive(struct port *port, uint8_t slave, size_t hint, int64_t timeout_us,
		    uint8_t ret[static FRAME_MAX]);

/* Reads at most n waiting bytes raw; returns how many, or -EIO. ret may be NULL: they are
 * dropped. */
int port_read(struct port *port, uint8_t *ret, size_t n);
