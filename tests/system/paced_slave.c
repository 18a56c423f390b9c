#include "tests/system/paced_slave.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define COILS       64
#define FRAME       300
#define LOOK_MS     5
#define PRIORITY    50
#define START_TRIES 2000

struct bus {
	struct paced_page *page;
	const char *link;
	int master;
	int64_t line_end_us; /* the last byte of either side */
	bool coil[PACED_SLAVES + 1][COILS];
};

static int64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void wait_until(int64_t at_us)
{
	const struct timespec ts = {.tv_sec = at_us / 1000000, .tv_nsec = at_us % 1000000 * 1000};

	while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &ts, NULL) == EINTR)
		continue;
}

static size_t seal(uint8_t *frame, size_t n)
{
	uint16_t crc = 0xFFFF;

	for (size_t i = 0; i < n; i++) {
		uint8_t byte = frame[i];

		for (int bit = 0; bit < 8; bit++, byte >>= 1) {
			bool divide = ((crc ^ byte) & 1) != 0;

			crc = (uint16_t)(crc >> 1);
			if (divide)
				crc ^= 0xA001;
		}
	}
	frame[n] = (uint8_t)(crc & 0xFF);
	frame[n + 1] = (uint8_t)(crc >> 8);
	return n + 2;
}

static bool plug(struct bus *bus)
{
	int slave_fd;
	struct termios raw;
	char temporary[300];

	bus->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (bus->master < 0 || grantpt(bus->master) < 0 || unlockpt(bus->master) < 0)
		return false;
	/* Raw from the start, so that nothing is echoed before the line opens it. */
	slave_fd = open(ptsname(bus->master), O_RDWR | O_NOCTTY);
	if (slave_fd < 0 || tcgetattr(slave_fd, &raw) < 0)
		return false;
	cfmakeraw(&raw);
	(void)tcsetattr(slave_fd, TCSANOW, &raw);
	(void)close(slave_fd);
	(void)snprintf(temporary, sizeof(temporary), "%s.new", bus->link);
	(void)unlink(temporary);
	return symlink(ptsname(bus->master), temporary) == 0 && rename(temporary, bus->link) == 0;
}

/* Byte by byte, each when its last bit would be through. */
static void send_paced(struct bus *bus, int64_t start_us, double char_us, const uint8_t *bytes,
		       size_t n)
{
	for (size_t i = 0; i < n; i++) {
		wait_until(start_us + (int64_t)((double)(i + 1) * char_us));
		if (write(bus->master, bytes + i, 1) != 1)
			return;
	}
	bus->line_end_us = start_us + (int64_t)((double)n * char_us);
}

static size_t answer(struct bus *bus, const uint8_t *request, uint8_t *reply)
{
	unsigned int address = (unsigned int)request[2] << 8 | request[3];
	unsigned int count = (unsigned int)request[4] << 8 | request[5];
	unsigned int slave = request[0];
	size_t n = 3;

	memcpy(reply, request, 6);
	switch (request[1]) {
	case 1:
		reply[2] = (uint8_t)((count + 7) / 8);
		memset(reply + 3, 0, reply[2]);
		for (unsigned int i = 0; i < count; i++)
			if (bus->coil[slave][(address + i) % COILS])
				reply[3 + i / 8] |= (uint8_t)(1U << i % 8);
		return seal(reply, 3U + reply[2]);
	case 3:
	case 4:
		reply[2] = (uint8_t)(2 * count);
		for (unsigned int i = 0; i < count; i++) {
			unsigned int value = slave * 1000 + address + i;

			reply[n++] = (uint8_t)(value >> 8);
			reply[n++] = (uint8_t)value;
		}
		return seal(reply, n);
	case 5:
		bus->coil[slave][address % COILS] = request[4] == 0xFF;
		return seal(reply, 6);
	default:
		return seal(reply, 6);
	}
}

static void respond(struct bus *bus, const uint8_t *request, int64_t end_us)
{
	struct paced_page *page = bus->page;
	int fault = page->fault[request[0]], param = page->param[request[0]];
	double char_us = PACED_CHAR_US;
	uint8_t reply[FRAME];
	size_t n = answer(bus, request, reply);
	int64_t start_us = end_us + page->turnaround_us;

	switch ((enum paced_fault)fault) {
	case PACED_SILENT:
		return;
	case PACED_LATE:
		start_us = end_us + param;
		break;
	case PACED_BAD_CRC:
		reply[n - 1] ^= 0x10;
		break;
	case PACED_TRICKLE:
		char_us = param;
		break;
	case PACED_WRONG_SLAVE:
		reply[0] = (uint8_t)(reply[0] % PACED_SLAVES + 1);
		n = seal(reply, n - 2);
		break;
	case PACED_WRONG_FUNCTION:
		reply[1] = reply[1] == 3 ? 4 : 3;
		n = seal(reply, n - 2);
		break;
	case PACED_EXCEPTION:
		reply[1] |= 0x80;
		reply[2] = (uint8_t)param;
		n = seal(reply, 3);
		break;
	case PACED_TRAILING:
		reply[n++] = 0;
		break;
	case PACED_CUT:
		n /= 2;
		break;
	case PACED_HEALTHY:
		break;
	}
	send_paced(bus, start_us, char_us, reply, n);
}

static size_t request_len(const uint8_t *bytes, size_t n)
{
	if (n < 8)
		return 8;
	return bytes[1] == 15 || bytes[1] == 16 ? 9 + (size_t)bytes[6] : 8;
}

static void serve(struct bus *bus)
{
	struct paced_page *page = bus->page;
	struct pollfd pollfd = {.fd = bus->master, .events = POLLIN};
	uint32_t n_requests = page->n_requests;
	uint8_t bytes[FRAME];
	int64_t start_us, end_us;
	size_t n = 0;

	if (poll(&pollfd, 1, LOOK_MS) <= 0)
		return;
	if ((pollfd.revents & POLLIN) == 0) {
		wait_until(now_us() + 1000); /* nobody has it open */
		return;
	}
	start_us = now_us();
	while (n < request_len(bytes, n)) {
		ssize_t got = read(bus->master, bytes + n, request_len(bytes, n) - n);

		if (got <= 0)
			return;
		n += (size_t)got;
	}
	page->log[n_requests % PACED_LOG] = (struct paced_request){
		.slave = bytes[0],
		.function = bytes[1],
		.address = (uint16_t)(bytes[2] << 8 | bytes[3]),
		.start_us = start_us,
		.silence_us = start_us - bus->line_end_us,
	};
	page->n_requests = n_requests + 1;
	end_us = start_us + (int64_t)((double)n * PACED_CHAR_US);
	if (page->echo)
		send_paced(bus, start_us, PACED_CHAR_US, bytes, n);
	bus->line_end_us = end_us;
	if (bytes[0] >= 1 && bytes[0] <= PACED_SLAVES)
		respond(bus, bytes, end_us);
}

static void play(struct paced_page *page, const char *link)
{
	struct bus bus = {.page = page, .link = link, .master = -1};
	const struct sched_param priority = {.sched_priority = PRIORITY};

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	(void)sched_setscheduler(0, SCHED_FIFO, &priority);
	while (!page->stop) {
		if (page->plugged && bus.master < 0)
			page->present = plug(&bus);
		if (!page->plugged && bus.master >= 0) {
			(void)close(bus.master);
			bus.master = -1;
			page->present = false;
		}
		if (bus.master >= 0)
			serve(&bus);
		else
			wait_until(now_us() + LOOK_MS * 1000);
	}
}

int paced_start(struct paced *paced, const char *link)
{
	(void)snprintf(paced->link, sizeof(paced->link), "%s", link);
	paced->page = mmap(NULL, sizeof(*paced->page), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (paced->page == MAP_FAILED)
		return -errno;
	paced->page->turnaround_us = 8000;
	paced->page->plugged = true;
	paced->pid = fork();
	if (paced->pid < 0)
		return -errno;
	if (paced->pid == 0) {
		play(paced->page, link);
		_exit(0);
	}
	paced_plug(paced, true);
	return paced->page->present ? 0 : -ENODEV;
}

void paced_stop(struct paced *paced)
{
	paced->page->stop = true;
	(void)waitpid(paced->pid, NULL, 0);
	(void)munmap(paced->page, sizeof(*paced->page));
	(void)unlink(paced->link);
}

void paced_plug(struct paced *paced, bool in)
{
	paced->page->plugged = in;
	for (int i = 0; i < START_TRIES && paced->page->present != in; i++)
		wait_until(now_us() + 1000);
}
