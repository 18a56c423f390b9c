#include "concentrator/daemon.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "concentrator/control_server.h"
#include "concentrator/ledger.h"
#include "concentrator/platform/clock.h"
#include "concentrator/platform/journal.h"
#include "concentrator/platform/problem.h"
#include "concentrator/platform/signature.h"
#include "concentrator/platform/zone.h"
#include "concentrator/reader.h"
#include "concentrator/station.h"
#include "drivers/line.h"
#include "drivers/sensors.h"
#include "meters/model_file.h"

/* A thread that is this long past its own deadline is stuck in a call. */
#define STUCK_LINE_US   INT64_C(10000000)
#define STUCK_SENSOR_US INT64_C(30000000)
/* A verification on a slow card makes progress page by page; no page takes this long. */
#define STUCK_READER_US INT64_C(600000000)
/* The watchdog's own time is long, for the disk may hold up the loop; the threads are looked at as often
 * as this, and the one that is stuck does not wait for that time to pass. */
#define WATCHDOG_LOOK_US UINT64_C(5000000)
/* Between saying so and being killed: what a process says in its last moments may reach the journal
 * without its unit's name. */
#define WATCHDOG_TELL_US UINT64_C(500000)

#define ZONE_PAST_S   (INT64_C(366) * 86400)
#define ZONE_FUTURE_S (INT64_C(20) * 366 * 86400)

struct daemon_line {
	struct daemon *daemon;
	size_t index;
	struct line *line;
	sd_event_source *source;
};

struct daemon {
	const struct config *config;
	sd_event *event;
	struct models *models;
	struct ledger *ledger;
	struct reader *reader;
	struct station *station;
	struct control_server *server;
	struct sensors *sensors;
	size_t line_count;
	struct daemon_line lines[CONFIG_LINES_MAX];
	sd_event_source *timer;
	sd_event_source *after;
	sd_event_source *reader_source;
	sd_event_source *sensors_source;
	sd_event_source *watchdog;
	uint64_t watchdog_us;
	bool stuck_told; /* the next look ends the process */
	int64_t reader_progress_us;
	bool synchronised; /* asked once a second: it costs a system call */
	int64_t asked_us;
};

static void read_clock(void *userdata, struct instant *ret)
{
	struct daemon *daemon = userdata;
	int64_t now_us = clock_boottime_us();
	if (daemon->asked_us == 0 || now_us - daemon->asked_us > 1000000) {
		daemon->synchronised = daemon->config->clock_trust == CONFIG_TRUST_ALWAYS ||
				       clock_synchronised();
		daemon->asked_us = now_us;
	}
	ret->us = now_us;
	ret->s = clock_unix_s();
	/* Never below the last ledger entry or the build: such a clock is wrong, whoever vouches. */
	ret->trusted = daemon->synchronised && ret->s >= clock_build_s &&
		       (daemon->ledger == NULL || ret->s >= ledger_floor_s(daemon->ledger));
}

static int submit(void *userdata, size_t line, const struct line_job *job)
{
	struct daemon *daemon = userdata;
	return line_submit(daemon->lines[line].line, job);
}

/* The last door before the wire (B3): what the model of that very device allows, and nothing else. */
static bool may_write(void *userdata, const struct line_request *request)
{
	const struct daemon_line *line = userdata;
	return line->daemon->station != NULL &&
	       station_may_write(line->daemon->station, line->index, request);
}

static int recall(void *userdata, size_t line, struct line_job *ret)
{
	struct daemon *daemon = userdata;
	return line_recall(daemon->lines[line].line, ret);
}

static int read_ledger(void *userdata, const struct reader_job *job)
{
	struct daemon *daemon = userdata;
	return reader_submit(daemon->reader, job);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	(void)userdata;
	return 0; /* the post source does the work */
}

/* After every event: what became due, and when to wake next. */
static int after_events(sd_event_source *source, void *userdata)
{
	struct daemon *daemon = userdata;
	struct instant now;
	(void)source;
	read_clock(daemon, &now);
	int64_t next_us = station_tick(daemon->station, &now);
	int r = sd_event_source_set_time(daemon->timer, next_us < 0 ? 0 : (uint64_t)next_us);
	return r < 0 ? r : sd_event_source_set_enabled(daemon->timer, SD_EVENT_ONESHOT);
}

static int on_line(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct daemon_line *line = userdata;
	struct line_result result;
	struct instant now;
	int error;
	(void)source;
	(void)fd;
	(void)revents;
	read_clock(line->daemon, &now);
	/* One answer to the state before its results: a lost adapter explains them. */
	enum line_state state = line_state(line->line, &error);
	station_line_state(line->daemon->station, line->index, state, error, &now);
	while (line_take(line->line, &result) == 0) {
		read_clock(line->daemon, &now);
		station_result(line->daemon->station, line->index, &result, &now);
	}
	return 0;
}

static int on_reader(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct daemon *daemon = userdata;
	struct reader_job job;
	struct instant now;
	(void)source;
	(void)fd;
	(void)revents;
	read_clock(daemon, &now);
	while (reader_take(daemon->reader, &job) == 0) {
		station_read_ledger(daemon->station, &job, &now);
		reader_job_clear(&job);
	}
	return 0;
}

static int on_sensors(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct daemon *daemon = userdata;
	(void)source;
	(void)fd;
	(void)revents;
	for (size_t i = 0; i < daemon->config->sensor_count; i++) {
		struct sensor_sample sample;
		int r = sensors_take(daemon->sensors, i, &sample);
		if (r == 0)
			station_sensor_sample(daemon->station, i, sample.value_milli, sample.at_us,
					      sample.error);
	}
	return 0;
}

/* The first thread that is stuck, or NULL. */
static const char *stuck(struct daemon *daemon)
{
	int64_t now_us = clock_boottime_us();
	for (size_t i = 0; i < daemon->line_count; i++)
		if (line_stuck_us(daemon->lines[i].line, now_us) > STUCK_LINE_US)
			return daemon->config->lines[i].name;
	if (daemon->sensors != NULL && sensors_stuck_us(daemon->sensors, now_us) > STUCK_SENSOR_US)
		return "sensors";
	if (reader_stuck_us(daemon->reader, now_us) > STUCK_READER_US)
		return "ledger reader";
	return NULL;
}

static int on_watchdog(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *daemon = userdata;
	(void)usec;
	const char *name = stuck(daemon);
	uint64_t wait_us = daemon->watchdog_us / 3;
	if (wait_us > WATCHDOG_LOOK_US)
		wait_us = WATCHDOG_LOOK_US;
	if (name == NULL) {
		(void)sd_notify(0, "WATCHDOG=1");
	} else if (daemon->stuck_told) {
		(void)sd_notify(0, "WATCHDOG=trigger");
	} else {
		journal_log(LOG_ERR, MESSAGE_ID_WORKER_STUCK, JOURNAL_FIELDS({"LINE", name}),
			    "%s: its thread is stuck in a call; the watchdog restarts prepayd, "
			    "which moves no relay",
			    name);
		if (wait_us > WATCHDOG_TELL_US)
			wait_us = WATCHDOG_TELL_US;
	}
	daemon->stuck_told = name != NULL;
	int r = sd_event_source_set_time(source, (uint64_t)clock_boottime_us() + wait_us);
	return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* Says why the daemon cannot start and returns the exit code. */
static int say(enum problem problem, const char *what, const char *text)
{
	journal_log(LOG_ERR, NULL, NULL, "%s%s", what, text);
	return problem_exit(problem);
}

static int open_ledger(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct ledger_failure failure;
	const struct ledger_settings settings = {
		.path = config->store.ledger,
		.site = config->site.id,
		.built_s = clock_build_s,
		.now_s = clock_unix_s(),
		.clock_us = clock_boottime_us,
	};
	int r = ledger_open(&daemon->ledger, &settings, &failure);
	if (r < 0)
		return say(r == -EBUSY ? PROBLEM_CONFLICT
			   : r == -EMEDIUMTYPE || r == -EPROTONOSUPPORT || r == -EUCLEAN
				   ? PROBLEM_REFUSED
				   : PROBLEM_FAILED,
			   "", failure.text);
	r = reader_open(&daemon->reader, ledger_path(daemon->ledger), ledger_vfs(daemon->ledger));
	return r < 0 ? say(PROBLEM_FAILED, "ledger reader: ", strerror(-r)) : 0;
}

static int read_zone(const struct config *config, struct offset_table *ret)
{
	struct zone_transition rows[CALENDAR_TRANSITIONS_MAX];
	size_t count;
	int64_t now_s = clock_unix_s();
	if (now_s < clock_build_s)
		now_s = clock_build_s;
	int r = zone_set(config->site.zone);
	if (r < 0)
		return r;
	r = zone_transitions(now_s - ZONE_PAST_S, now_s + ZONE_FUTURE_S, CALENDAR_TRANSITIONS_MAX,
			     rows, &count);
	if (r < 0)
		return r;
	ret->count = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		ret->transition[i] = (struct offset_transition){.from_s = rows[i].from_s,
								.offset_s = rows[i].offset_s};
	return 0;
}

static int open_station(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct station_settings settings = {
		.config = config,
		.models = daemon->models,
		.ledger = daemon->ledger,
		.ports = {.submit = submit,
			  .recall = recall,
			  .now = read_clock,
			  .read_ledger = read_ledger},
		.userdata = daemon,
		.version = PREPAY_VERSION,
	};
	char error[STATION_ERROR_SIZE], roots[SIGNATURE_ERROR_SIZE];
	int r = read_zone(config, &settings.zone);
	if (r < 0)
		return say(PROBLEM_USAGE,
			   "[site] zone is not known to this system: ", config->site.zone);
	r = signature_read_roots(config->trust_roots, &settings.roots, roots);
	if (r < 0 && r != -ENOENT)
		return say(PROBLEM_USAGE, "", roots);
	if (r == -ENOENT || settings.roots.count == 0)
		journal_log(
			LOG_WARNING, NULL, NULL,
			"%s holds no payment root: no order can be verified, no recharge applied",
			config->trust_roots);
	r = clock_boot_id(settings.boot);
	if (r < 0)
		return say(PROBLEM_FAILED, "the boot id cannot be read: ", strerror(-r));
	if (getrandom(&settings.seed, sizeof(settings.seed), GRND_NONBLOCK) < 0)
		settings.seed = (uint32_t)clock_boottime_us();
	struct instant now;
	read_clock(daemon, &now);
	r = station_open(&daemon->station, &settings, &now, error);
	if (r < 0)
		return say(r == -EINVAL ? PROBLEM_USAGE : PROBLEM_FAILED, "", error);
	return 0;
}

static int open_lines(struct daemon *daemon)
{
	static const char parity[] = {'N', 'E', 'O'};
	for (size_t i = 0; i < daemon->config->line_count; i++) {
		const struct config_line *config = &daemon->config->lines[i];
		struct daemon_line *line = &daemon->lines[i];
		struct line_settings settings = {
			.baud = config->baud,
			.parity = parity[config->parity],
			.stop_bits = config->stop_bits,
			.rs485 = (enum line_rs485)config->rs485,
			.may_write = may_write,
			.userdata = line,
		};
		snprintf(settings.name, sizeof(settings.name), "%s", config->name);
		snprintf(settings.port, sizeof(settings.port), "%s", config->port);
		line->daemon = daemon;
		line->index = i;
		int r = line_open(&line->line, &settings);
		if (r == -EINVAL)
			return say(PROBLEM_USAGE, "its settings are wrong: line ", config->name);
		if (r < 0)
			return say(PROBLEM_FAILED, "a line's thread cannot start: ", strerror(-r));
		daemon->line_count = i + 1;
		r = sd_event_add_io(daemon->event, &line->source, line_fd(line->line), EPOLLIN,
				    on_line, line);
		if (r < 0)
			return problem_exit(PROBLEM_FAILED);
		(void)sd_event_source_set_priority(line->source, SD_EVENT_PRIORITY_IMPORTANT);
	}
	return 0;
}

static int open_sensors(struct daemon *daemon)
{
	struct sensor_settings settings[CONFIG_SENSORS_MAX] = {0};
	const struct config *config = daemon->config;
	if (config->sensor_count == 0)
		return 0;
	for (size_t i = 0; i < config->sensor_count; i++) {
		snprintf(settings[i].name, sizeof(settings[i].name), "%s", config->sensors[i].name);
		snprintf(settings[i].device, sizeof(settings[i].device), "%s",
			 config->sensors[i].device);
		snprintf(settings[i].channel, sizeof(settings[i].channel), "%s",
			 config->sensors[i].channel);
		settings[i].ratio_ppm = config->sensors[i].ratio_ppm;
		settings[i].period_s = (int32_t)config->sensors[i].period_s;
	}
	int r = sensors_open(&daemon->sensors, settings, config->sensor_count);
	if (r < 0)
		return say(r == -EINVAL ? PROBLEM_USAGE : PROBLEM_FAILED,
			   "sensors: ", strerror(-r));
	r = sd_event_add_io(daemon->event, &daemon->sensors_source, sensors_fd(daemon->sensors),
			    EPOLLIN, on_sensors, daemon);
	return r < 0 ? problem_exit(PROBLEM_FAILED) : 0;
}

static int open_control(struct daemon *daemon)
{
	const struct config_control *control = &daemon->config->control;
	const struct control_server_options options = {
		.socket = control->socket,
		.viewer_group = control->viewer,
		.operator_group = control->operator,
		.admin_group = control->admin,
		.messenger_user = control->messenger,
		.verbs = station_verbs(),
		.userdata = daemon->station,
		.audit = station_audit,
		.explain = station_explain,
	};
	int r = control_server_open(&daemon->server, daemon->event, &options);
	if (r == -EADDRINUSE)
		return say(PROBLEM_CONFLICT,
			   "another prepayd answers; stop it, or set [control] socket: ",
			   control->socket);
	if (r < 0) {
		journal_log(LOG_ERR, NULL, NULL, "%s: the control socket cannot be made: %s; %s",
			    control->socket, strerror(-r),
			    r == -ENOTSOCK ? "remove that file, or set [control] socket"
					   : "check its folder, or set [control] socket");
		return problem_exit(PROBLEM_FAILED);
	}
	return 0;
}

static int open_loop(struct daemon *daemon)
{
	sigset_t signals;
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
	int r = sd_event_default(&daemon->event);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(daemon->event, NULL, SIGINT, NULL, NULL);
	return r < 0 ? say(PROBLEM_FAILED, "event loop: ", strerror(-r)) : 0;
}

static int add_timers(struct daemon *daemon)
{
	int r = sd_event_add_time(daemon->event, &daemon->timer, CLOCK_BOOTTIME, 0, 1, on_timer,
				  daemon);
	if (r >= 0)
		r = sd_event_add_post(daemon->event, &daemon->after, after_events, daemon);
	if (r >= 0)
		r = sd_event_add_io(daemon->event, &daemon->reader_source,
				    reader_fd(daemon->reader), EPOLLIN, on_reader, daemon);
	if (r >= 0 && sd_watchdog_enabled(0, &daemon->watchdog_us) > 0)
		r = sd_event_add_time(daemon->event, &daemon->watchdog, CLOCK_BOOTTIME, 0, 0,
				      on_watchdog, daemon);
	return r < 0 ? say(PROBLEM_FAILED, "event loop: ", strerror(-r)) : 0;
}

static int open_models(struct daemon *daemon)
{
	const char *const dirs[] = {daemon->config->meters.models,
				    daemon->config->meters.models_local};
	char error[512];
	int r = models_read(&daemon->models, dirs, 2, error, sizeof(error));
	return r < 0 ? say(PROBLEM_USAGE, "", error) : 0;
}

int daemon_open(struct daemon **ret, const struct config *config)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));
	if (daemon == NULL)
		return problem_exit(PROBLEM_FAILED);
	daemon->config = config;
	int code = open_loop(daemon);
	if (code == 0)
		code = open_models(daemon);
	if (code == 0)
		code = open_ledger(daemon);
	if (code == 0)
		code = open_station(daemon);
	if (code == 0)
		code = open_control(daemon);
	if (code == 0)
		code = open_sensors(daemon);
	if (code == 0)
		code = open_lines(daemon);
	if (code == 0)
		code = add_timers(daemon);
	if (code != 0) {
		daemon_close(daemon);
		return code;
	}
	*ret = daemon;
	return 0;
}

struct daemon *daemon_close(struct daemon *daemon)
{
	if (daemon == NULL)
		return NULL;
	/* The threads first: nobody hands in results any more. */
	for (size_t i = 0; i < daemon->line_count; i++) {
		sd_event_source_unref(daemon->lines[i].source);
		daemon->lines[i].line = line_close(daemon->lines[i].line);
	}
	sd_event_source_unref(daemon->sensors_source);
	daemon->sensors = sensors_close(daemon->sensors);
	sd_event_source_unref(daemon->reader_source);
	daemon->reader = reader_close(daemon->reader);
	sd_event_source_unref(daemon->timer);
	sd_event_source_unref(daemon->after);
	sd_event_source_unref(daemon->watchdog);
	daemon->station = station_close(daemon->station);
	daemon->server = control_server_close(daemon->server);
	daemon->ledger = ledger_close(daemon->ledger);
	daemon->models = models_close(daemon->models);
	sd_event_unref(daemon->event);
	free(daemon);
	return NULL;
}

int daemon_run(struct daemon *daemon)
{
	journal_log(LOG_INFO, MESSAGE_ID_START, NULL,
		    "prepayd " PREPAY_VERSION " is ready: %zu lines", daemon->line_count);
	(void)sd_notify(0, "READY=1\nSTATUS=metering");
	int r = sd_event_loop(daemon->event);
	(void)sd_notify(0, "STOPPING=1");
	journal_log(LOG_INFO, MESSAGE_ID_STOP, NULL, "prepayd ends; relays stay as they are");
	return r < 0 ? say(PROBLEM_FAILED, "event loop: ", strerror(-r)) : 0;
}
