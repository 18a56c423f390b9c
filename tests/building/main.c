/* main.c - prepay-building: plays a building to the daemon, over pseudo-terminals.
 *
 * A program of its own, for demonstrations and tests: it is not installed, and it shares nothing with
 * the product, neither code nor register maps. DIR gets:
 *
 *     lines/A, lines/B ...   the adapters: links to pseudo-terminals
 *     building.sock          commands in, JSON out (command.h)
 *     building.conf          with --standard: the configuration that is played
 *     rooms.csv              the rooms, ready to be commissioned
 *
 * One thread, one poll loop; SCHED_FIFO where that is allowed, because the pace of the wire is what
 * everything here is measured against.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/building/building.h"
#include "tests/building/control.h"
#include "tests/building/moment.h"

enum { FIFO_PRIORITY = 50 };

static volatile sig_atomic_t stopped;

static void on_stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

struct options {
	const char *dir, *config;
	unsigned standard;
	int64_t factor, opening_minor;
	uint64_t seed;
	bool with_parent, check;
};

static int usage(void)
{
	(void)fprintf(stderr,
		      "usage: prepay-building --dir DIR {--config FILE | --standard METERS}\n"
		      "                       [--factor F] [--seed N] [--opening MINOR]\n"
		      "                       [--with-parent] [--check]\n"
		      "  --standard     2 to 64 meters on lines A and B\n"
		      "  --factor       energy runs F times faster than time (1)\n"
		      "  --opening      opening credit of the standard building's rooms (5000)\n"
		      "  --with-parent  end when the starting process ends\n"
		      "  --check        read the configuration, write rooms.csv, and end\n");
	return 2;
}

static bool number(const char *text, int64_t low, int64_t high, int64_t *ret_value)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || end == text || *end || value < low || value > high)
		return false;
	*ret_value = value;
	return true;
}

static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"dir", required_argument, NULL, 'd'},
		{"config", required_argument, NULL, 'c'},
		{"standard", required_argument, NULL, 's'},
		{"factor", required_argument, NULL, 'f'},
		{"seed", required_argument, NULL, 'n'},
		{"opening", required_argument, NULL, 'o'},
		{"with-parent", no_argument, NULL, 'p'},
		{"check", no_argument, NULL, 'k'},
		{NULL, 0, NULL, 0},
	};
	int64_t value;
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 'd':
			options->dir = optarg;
			break;
		case 'c':
			options->config = optarg;
			break;
		case 's':
			if (!number(optarg, 2, 64, &value))
				return false;
			options->standard = (unsigned)value;
			break;
		case 'f':
			if (!number(optarg, 0, 1000000, &options->factor))
				return false;
			break;
		case 'n':
			if (!number(optarg, 0, INT64_MAX, &value))
				return false;
			options->seed = (uint64_t)value;
			break;
		case 'o':
			if (!number(optarg, 0, INT64_MAX, &options->opening_minor))
				return false;
			break;
		case 'p':
			options->with_parent = true;
			break;
		case 'k':
			options->check = true;
			break;
		default:
			return false;
		}
	}
	return optind == argc && options->dir && !options->config == !!options->standard;
}

static int complain(const char *what, int r)
{
	(void)fprintf(stderr, "prepay-building: %s: %s\n", what, strerror(-r));
	return 1;
}

/* Reads or writes the configuration and fills the building. Returns the exit code. */
static int prepare(struct building *building, const struct options *options)
{
	char path[160];
	const char *config = options->config;
	int r;

	if (strlen(options->dir) >= sizeof(building->dir))
		return complain(options->dir, -ENAMETOOLONG);
	(void)snprintf(building->dir, sizeof(building->dir), "%s", options->dir);
	(void)mkdir(building->dir, 0755);
	(void)snprintf(path, sizeof(path), "%s/lines", building->dir);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return complain(path, -errno);

	(void)snprintf(path, sizeof(path), "%s/building.conf", building->dir);
	if (options->standard) {
		r = building_write_standard(path, options->standard, options->seed,
					    options->opening_minor);
		if (r < 0)
			return complain(path, r);
		config = path;
	}
	building->seed = options->seed;
	building->plant.factor = options->factor;
	building->plant.events = events_new();
	if (!building->plant.events)
		return complain("events", -ENOMEM);
	if (building_configure(building, config) < 0)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/rooms.csv", building->dir);
	r = building_write_rooms(building, path);
	return r < 0 ? complain(path, r) : 0;
}

static int start(struct building *building, struct control *control)
{
	const struct sched_param fifo = {.sched_priority = FIFO_PRIORITY};
	char path[160];
	int r;

	(void)snprintf(path, sizeof(path), "%s/building.sock", building->dir);
	r = control_open(control, path);
	if (r < 0)
		return complain(path, r);
	(void)prctl(PR_SET_TIMERSLACK, 1);
	building->fifo = sched_setscheduler(0, SCHED_FIFO, &fifo) == 0;
	building->started_ns = moment_ns();
	for (unsigned i = 0; i < building->plant.n_devices; i++)
		building->plant.devices[i].counted_us = building->started_ns / 1000;
	for (unsigned i = 0; i < building->n_wires; i++) {
		r = wire_plug(&building->wires[i], building->started_ns);
		if (r < 0)
			return complain(building->wires[i].port.link, r);
	}
	return 0;
}

static int64_t step(struct building *building)
{
	int64_t now_ns = moment_ns(), next = INT64_MAX, at;

	plant_advance(&building->plant, NULL, now_ns / 1000);
	for (unsigned i = 0; i < building->n_wires; i++) {
		at = wire_step(&building->wires[i], now_ns);
		next = at < next ? at : next;
	}
	at = plant_next_us(&building->plant);
	return at < next / 1000 ? at * 1000 : next;
}

static void run(struct building *building, struct control *control, const sigset_t *open_mask)
{
	struct pollfd polls[BUILDING_LINES + CONTROL_POLLS];
	unsigned n = building->n_wires;

	while (!stopped && !building->quit) {
		int64_t wait_ns = step(building);
		struct timespec wait;

		wait_ns = wait_ns == INT64_MAX ? 60000000000 : wait_ns - moment_ns();
		if (wait_ns < 0)
			wait_ns = 0;
		wait = (struct timespec){wait_ns / 1000000000, wait_ns % 1000000000};
		for (unsigned i = 0; i < n; i++) {
			const struct port *port = &building->wires[i].port;

			polls[i] = (struct pollfd){.fd = port->in_use ? port->fd : -1,
						   .events = POLLIN};
		}
		control_prepare(control, polls + n);
		if (ppoll(polls, n + CONTROL_POLLS, &wait, open_mask) <= 0)
			continue;

		int64_t now_ns = moment_ns();
		(void)step(building);
		for (unsigned i = 0; i < n; i++)
			if (polls[i].revents)
				wire_receive(&building->wires[i], now_ns);
		control_serve(control, building, polls + n);
	}
}

int main(int argc, char **argv)
{
	static struct building building;
	struct options options = {.factor = 1, .seed = 1, .opening_minor = 5000};
	struct control control = {.fd = -1};
	struct sigaction stop = {.sa_handler = on_stop};
	sigset_t stops, open_mask;
	int r;

	if (!parse(argc, argv, &options))
		return usage();
	if (options.with_parent)
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)sigemptyset(&stops);
	(void)sigaddset(&stops, SIGTERM);
	(void)sigaddset(&stops, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &stops, &open_mask);
	(void)sigdelset(&open_mask, SIGTERM);
	(void)sigdelset(&open_mask, SIGINT);
	(void)sigaction(SIGTERM, &stop, NULL);
	(void)sigaction(SIGINT, &stop, NULL);

	r = prepare(&building, &options);
	if (r == 0 && !options.check) {
		r = start(&building, &control);
		if (r == 0) {
			(void)printf("ready\n");
			(void)fflush(stdout);
			run(&building, &control, &open_mask);
		}
		for (unsigned i = 0; i < building.n_wires; i++)
			port_unplug(&building.wires[i].port);
		control_close(&control);
	}
	building_clear(&building);
	building.plant.events = events_free(building.plant.events);
	return r;
}
