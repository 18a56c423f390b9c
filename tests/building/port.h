/* port.h - the pseudo-terminal that stands for a line's RS-485 adapter.
 *
 * The symbolic link DIR/lines/NAME leads to it, and is replaced atomically. A pseudo-terminal
 * differs from a UART in ways that matter here:
 * - It keeps TIOCEXCL after its last user has gone, because the terminal lives as long as the master
 *   side; a real port forgets it. port_check() clears it, or plugs a new terminal where it may not.
 * - While nobody has it open the master reports POLLHUP without end and does not say when that
 *   changes, so the owner asks port_check() now and then.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct port {
	int fd;      /* the master side; -1: unplugged */
	bool in_use; /* somebody has the other side open */
	char path[64];
	char link[192];
};

/* Sets the link's name and plugs nothing yet. */
void port_init(struct port *port, const char *link);

/* A new pseudo-terminal, raw, and the link to it. 0 or -errno. */
int port_plug(struct port *port);

/* The adapter is pulled: link and terminal go, the user's reads fail. */
void port_unplug(struct port *port);

/* Looks whether somebody has the terminal open. 0 or -errno (a new terminal could not be made). */
int port_check(struct port *port);

/* Does the user's setting of speed and stop bits match? A pseudo-terminal does not keep parity. */
bool port_speaks(const struct port *port, int baud, int stop_bits);

/* Bytes from the user: their number, 0: none now. */
size_t port_read(struct port *port, uint8_t *bytes, size_t size);

/* Bytes to the user. What the user's full buffer cannot take is lost, as on a UART. */
void port_write(struct port *port, const uint8_t *bytes, size_t n);
