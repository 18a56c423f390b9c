/* test_line - the line's worker over a pseudo-terminal, against slaves that keep the line's
 * pace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "concentrator/platform/clock.h"
#include "drivers/line_worker.h"
#include "tests/system/paced_slave.h"

#define MS            1000
#define COILS         64
#define PATIENCE_MS   8000
#define TURNAROUND_US 15000

struct fixture {
	char folder[64];
	struct paced paced;
	struct line *line;
};

/* The list of this line: its first coils. */
static bool is_coil(void *userdata, const struct line_request *request)
{
	(void)userdata;
	return request->function == 5 && request->address < COILS;
}

static void settings_of(const struct fixture *f, struct line_settings *ret)
{
	*ret = (struct line_settings){
		.name = "A", .baud = 9600, .parity = 'N', .stop_bits = 1, .may_write = is_coil};
	(void)snprintf(ret->port, sizeof(ret->port), "%s", f->paced.link);
}

static void await_state(struct line *line, enum line_state state)
{
	for (int i = 0; i < PATIENCE_MS && line_state(line, NULL) != state; i++)
		(void)usleep(1 * MS);
	assert_int_equal(line_state(line, NULL), state);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct line_settings settings;
	char link[100];

	assert_non_null(f);
	(void)strcpy(f->folder, "/tmp/prepay-line-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	(void)snprintf(link, sizeof(link), "%s/rs485", f->folder);
	assert_int_equal(paced_start(&f->paced, link), 0);
	settings_of(f, &settings);
	assert_int_equal(line_open(&f->line, &settings), 0);
	await_state(f->line, LINE_OK);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->line = line_close(f->line);
	paced_stop(&f->paced);
	(void)rmdir(f->folder);
	free(f);
	return 0;
}

static struct line_job read_of(uint8_t slave, uint16_t address, uint16_t count)
{
	return (struct line_job){
		.tag = (uint64_t)slave << 32 | address,
		.request = {.slave = slave, .function = 3, .address = address, .count = count},
		.turnaround_us = TURNAROUND_US,
	};
}

static struct line_job coil_of(uint8_t slave, uint16_t address, bool on)
{
	return (struct line_job){
		.tag = (uint64_t)slave << 32 | address,
		.request = {.slave = slave, .function = 5, .address = address, .values = {on}},
		.turnaround_us = TURNAROUND_US,
	};
}

static struct line_result await_result(struct line *line)
{
	int64_t until_us = clock_boottime_us() + PATIENCE_MS * MS;
	struct pollfd pollfd = {.fd = line_fd(line), .events = POLLIN};
	struct line_result result;

	while (line_take(line, &result) == -EAGAIN) {
		assert_true(clock_boottime_us() < until_us);
		(void)poll(&pollfd, 1, PATIENCE_MS);
	}
	return result;
}

static struct line_result ask(struct line *line, struct line_job job)
{
	struct line_result result;

	assert_int_equal(line_submit(line, &job), 0);
	result = await_result(line);
	assert_int_equal(result.tag, job.tag);
	return result;
}

static void assert_values(const struct line_result *result, const struct line_job *job)
{
	assert_int_equal(result->error, 0);
	assert_int_equal(result->count, job->request.count);
	for (unsigned int i = 0; i < result->count; i++)
		assert_int_equal(result->values[i],
				 job->request.slave * 1000U + job->request.address + i);
}

/* What a line without a list sends, and one with: reads, and what the list names. */
static void a_write_that_nobody_allows_is_not_sent(void **state)
{
	static const struct line_request writes[] = {
		{.slave = 1, .function = 5, .address = COILS, .values = {1}},
		{.slave = 1, .function = 5, .address = UINT16_MAX, .values = {1}},
		{.slave = 1, .function = 6, .address = 0, .values = {0}},
		{.slave = 1, .function = 15, .address = 0, .count = 8, .values = {1}},
		{.slave = 1, .function = 16, .address = 0, .count = 1, .values = {0}},
		{.slave = 1, .function = 22, .address = 0, .count = 1, .values = {0}},
		{.slave = 1, .function = 0x42, .address = 0, .count = 1, .values = {0}},
	};
	struct fixture *f = *state;
	struct line_settings settings;
	struct line *line = NULL;

	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		struct line_job job = {.request = writes[i]};

		assert_int_equal(line_submit(f->line, &job), -EPERM);
	}
	assert_int_equal(line_jobs_held(f->line), 0);
	/* A read first: until then an echo could pass for the answer to a write. */
	assert_int_equal(ask(f->line, read_of(1, 0, 2)).error, 0);
	assert_int_equal(ask(f->line, coil_of(1, 0, true)).error, 0);

	settings_of(f, &settings);
	settings.may_write = NULL;
	snprintf(settings.port, sizeof(settings.port), "%s/nothing", f->folder);
	assert_int_equal(line_open(&line, &settings), 0);
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		struct line_job job = {.request = writes[i]};

		assert_int_equal(line_submit(line, &job), -EPERM);
	}
	line_close(line);
}

static void answers_arrive_with_their_times(void **state)
{
	struct fixture *f = *state;
	struct line_job job = read_of(3, 40, 10);

	for (int i = 0; i < 5; i++) {
		struct line_result result = ask(f->line, job);

		assert_values(&result, &job);
		assert_int_equal(result.stray, 0);
		/* 8 ms, and what the two hosts need. */
		assert_in_range(result.turnaround_us, 7 * MS, 25 * MS);
		/* 33 characters, 8 ms and the gap: 46 ms. */
		assert_in_range(result.done_us - result.sent_us, 44 * MS, 75 * MS);
	}
	assert_int_equal(line_jobs_held(f->line), 0);
	assert_int_equal(line_stuck_us(f->line, clock_boottime_us()), 0);
}

struct fault_case {
	const char *name;
	enum paced_fault fault;
	int param;
	int error;
};

static const struct fault_case faults[] = {
	{"the slave is silent", PACED_SILENT, 0, -ETIMEDOUT},
	{"its checksum is wrong", PACED_BAD_CRC, 0, -EBADMSG},
	{"its reply trickles", PACED_TRICKLE, 30 * MS, -EBADMSG},
	{"another slave answers", PACED_WRONG_SLAVE, 0, -EBADMSG},
	{"another function is answered", PACED_WRONG_FUNCTION, 0, -EBADMSG},
	{"it refuses", PACED_EXCEPTION, 2, -EREMOTEIO},
	{"a byte follows its reply", PACED_TRAILING, 0, -EBADMSG},
	{"half of its reply is lost", PACED_CUT, 0, -EBADMSG},
};

/* ... and the next slave is asked with success, and the faulty one when it has recovered. */
static void every_fault_hurts_its_own_slave_alone(void **state)
{
	struct fixture *f = *state;
	struct line_job job = read_of(1, 7, 10), other = read_of(2, 9, 10);

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct line_result result;

		print_message("%s\n", faults[i].name);
		f->paced.page->param[1] = faults[i].param;
		f->paced.page->fault[1] = faults[i].fault;
		result = ask(f->line, job);
		assert_int_equal(result.error, faults[i].error);
		assert_int_equal(result.count, 0);
		if (result.error == -EREMOTEIO)
			assert_int_equal(result.exception, 2);
		/* The deadline of 10 registers: 8 + 25 characters, 2 x 15 ms, 20 ms, the gap. */
		assert_true(result.done_us - result.sent_us < 140 * MS);
		f->paced.page->fault[1] = PACED_HEALTHY;
		if (faults[i].fault == PACED_TRICKLE)
			(void)usleep(800 * MS); /* the slave goes on for so long */
		result = ask(f->line, other);
		assert_values(&result, &other);
		result = ask(f->line, job);
		assert_values(&result, &job);
	}
}

/* T1: the late answer has the very length of the next one. */
static void a_late_answer_is_never_the_next_one(void **state)
{
	struct fixture *f = *state;
	/* The slave has until 59 ms; 20 ms of silence follow, then other requests of 46 ms. */
	static const int late_ms[] = {62, 75, 85, 100, 120};
	unsigned int stray = 0;

	for (size_t i = 0; i < sizeof(late_ms) / sizeof(late_ms[0]); i++) {
		struct line_job first = read_of(1, 100, 10), other = read_of(2, 200, 10);
		struct line_job second = read_of(1, 300, 10);
		struct line_result result;

		f->paced.page->param[1] = late_ms[i] * MS;
		f->paced.page->fault[1] = PACED_LATE;
		result = ask(f->line, first);
		assert_int_equal(result.error, -ETIMEDOUT);
		f->paced.page->fault[1] = PACED_HEALTHY;
		for (int k = 0; k < 4; k++) {
			result = ask(f->line, other);
			stray += result.stray;
			if (result.error == 0)
				assert_values(&result, &other);
			result = ask(f->line, second);
			stray += result.stray;
			if (result.error == 0)
				assert_values(&result, &second);
		}
		assert_values(&result, &second);
	}
	print_message("%u stray bytes\n", stray);
	assert_true(stray >= 25);
}

static void an_echo_is_found_out_and_stripped(void **state)
{
	struct fixture *f = *state;
	struct line_job job = read_of(1, 7, 10), on = coil_of(2, 5, true);
	struct line_job check = read_of(2, 0, 8);
	struct line_result result;

	f->paced.page->echo = true;
	for (int i = 0; i < 3; i++) {
		result = ask(f->line, job);
		assert_values(&result, &job);
	}
	result = ask(f->line, on);
	assert_int_equal(result.error, 0);
	check.request.function = 1;
	result = ask(f->line, check);
	assert_int_equal(result.error, 0);
	assert_int_equal(result.values[5], 1);
	assert_int_equal(result.values[4], 0);
	/* Nobody there: our own bytes are no answer. */
	f->paced.page->fault[3] = PACED_SILENT;
	result = ask(f->line, coil_of(3, 5, true));
	assert_int_equal(result.error, -ETIMEDOUT);
}

static void an_adapter_goes_and_comes_back(void **state)
{
	struct fixture *f = *state;
	struct line_job job = read_of(1, 7, 10);
	struct line_result result = ask(f->line, job);
	int error;

	assert_values(&result, &job);
	for (int i = 0; i < 2; i++) {
		paced_plug(&f->paced, false);
		result = ask(f->line, job);
		assert_int_equal(result.error, -ENODEV);
		await_state(f->line, LINE_ABSENT);
		result = ask(f->line, job);
		assert_int_equal(result.error, -ENODEV);
		assert_int_equal(result.sent_us, 0);
		(void)line_state(f->line, &error);
		assert_true(error < 0);
		assert_int_equal(line_stuck_us(f->line, clock_boottime_us()), 0);
		paced_plug(&f->paced, true);
		await_state(f->line, LINE_OK);
		result = ask(f->line, job);
		assert_values(&result, &job);
	}
}

/* The worker waits for an answer when the adapter goes. */
static void an_adapter_goes_in_the_middle(void **state)
{
	struct fixture *f = *state;
	struct line_job job = read_of(1, 7, 10);
	struct line_result result;

	f->paced.page->fault[1] = PACED_SILENT;
	job.turnaround_us = 400 * MS;
	assert_int_equal(line_submit(f->line, &job), 0);
	(void)usleep(100 * MS);
	paced_plug(&f->paced, false);
	result = await_result(f->line);
	assert_int_equal(result.error, -ENODEV);
	assert_true(result.sent_us > 0);
	assert_true(result.done_us - result.sent_us < 600 * MS);
}

static void a_port_belongs_to_one_instance(void **state)
{
	struct fixture *f = *state;
	struct line_job job = read_of(1, 7, 10);
	struct line_settings settings;
	struct line_result result;
	struct line *second;
	int error;

	settings_of(f, &settings);
	assert_int_equal(line_open(&second, &settings), 0);
	await_state(second, LINE_LOCKED);
	(void)line_state(second, &error);
	assert_int_equal(error, -EBUSY);
	result = ask(second, job);
	assert_int_equal(result.error, -ENODEV);
	result = ask(f->line, job);
	assert_values(&result, &job);
	f->line = line_close(f->line);
	await_state(second, LINE_OK);
	result = ask(second, job);
	assert_values(&result, &job);
	second = line_close(second);
	assert_null(second);
}

static void what_is_no_terminal_is_a_fault(void **state)
{
	struct fixture *f = *state;
	struct line_settings settings;
	struct line *line;
	int error;

	settings_of(f, &settings);
	(void)strcpy(settings.port, "/dev/null");
	assert_int_equal(line_open(&line, &settings), 0);
	await_state(line, LINE_FAULT);
	(void)line_state(line, &error);
	assert_int_equal(error, -ENOTTY);
	line = line_close(line);
	settings.baud = 9601;
	assert_int_equal(line_open(&line, &settings), -EINVAL);
	settings.baud = 9600;
	settings.rs485 = LINE_RS485_ON;
	f->line = line_close(f->line);
	settings_of(f, &settings);
	settings.rs485 = LINE_RS485_ON;
	assert_int_equal(line_open(&line, &settings), 0);
	await_state(line, LINE_FAULT); /* a pseudo-terminal has no RS-485 mode */
	line = line_close(line);
}

/* B3: a relay command goes in front of what is ready. */
static void a_ready_job_is_recalled_for_a_relay(void **state)
{
	struct fixture *f = *state;
	struct line_job first = read_of(1, 7, 40), ready = read_of(2, 9, 40), back;
	struct line_job relay = coil_of(4, 1, true);
	struct paced_page *page = f->paced.page;
	struct line_result result;
	uint32_t seen;

	(void)ask(f->line, read_of(5, 1, 2)); /* the echo is known from here on */
	seen = page->n_requests;
	assert_int_equal(line_recall(f->line, &back), -ENOENT);
	assert_int_equal(line_submit(f->line, &first), 0);
	while (page->n_requests == seen)
		(void)usleep(1 * MS);
	assert_int_equal(line_submit(f->line, &ready), 0);
	assert_int_equal(line_jobs_held(f->line), 2);
	assert_int_equal(line_submit(f->line, &relay), -EBUSY);
	assert_int_equal(line_recall(f->line, &back), 0);
	assert_int_equal(back.tag, ready.tag);
	assert_int_equal(line_submit(f->line, &relay), 0);
	result = await_result(f->line);
	assert_values(&result, &first);
	assert_int_equal(line_submit(f->line, &back), 0);
	result = await_result(f->line);
	assert_int_equal(result.tag, relay.tag);
	assert_int_equal(result.error, 0);
	result = await_result(f->line);
	assert_values(&result, &ready);
	assert_int_equal(page->log[seen + 1].slave, 4);
	assert_int_equal(page->log[seen + 1].function, 5);
	assert_int_equal(page->log[seen + 2].slave, 2);
}

static void after_a_failure_another_slave_goes_first(void **state)
{
	struct fixture *f = *state;
	struct line_job silent = read_of(1, 7, 10), again = read_of(1, 8, 9);
	struct line_job other = read_of(2, 9, 10);
	struct paced_page *page = f->paced.page;
	uint32_t seen = page->n_requests;
	struct line_result result;

	page->fault[1] = PACED_SILENT;
	assert_int_equal(line_submit(f->line, &silent), 0);
	assert_int_equal(line_submit(f->line, &again), 0);
	result = await_result(f->line);
	assert_int_equal(result.error, -ETIMEDOUT);
	assert_int_equal(line_submit(f->line, &other), 0);
	result = await_result(f->line);
	assert_values(&result, &other);
	result = await_result(f->line);
	assert_int_equal(result.tag, again.tag);
	assert_int_equal(page->log[seen + 1].slave, 2);
	assert_true(page->log[seen + 1].silence_us > 20 * MS);
	/* With no other slave to ask, time does. */
	page->fault[1] = PACED_HEALTHY;
	result = ask(f->line, again);
	assert_values(&result, &again);
	assert_true(page->log[seen + 3].start_us - page->log[seen + 2].start_us > 300 * MS);
}

/* Two jobs held at any time: the gap, and hardly more, between any two transactions. */
static void the_wire_is_kept_busy(void **state)
{
	struct fixture *f = *state;
	const char *divisor = getenv("PREPAY_TEST_DIVISOR");
	int rounds = divisor != NULL && atoi(divisor) > 1 ? 20 : 100, done = 0, sent = 0;
	const struct wire wire = {9600, 10};
	struct paced_page *page = f->paced.page;
	int64_t ideal_us = 0, begun_us, end_us, least_us = INT64_MAX, limit_us, cpu_us;
	struct rusage before, after;
	uint32_t seen;

	(void)ask(f->line, read_of(9, 1, 2));
	seen = page->n_requests;
	(void)getrusage(RUSAGE_SELF, &before);
	while (done < rounds) {
		struct line_job job = read_of((uint8_t)(1 + sent % 8), (uint16_t)sent, 20);

		if (sent < rounds && line_submit(f->line, &job) == 0) {
			ideal_us += exchange_limit_us(&wire, &job.request, page->turnaround_us);
			sent++;
			continue;
		}
		assert_int_equal(await_result(f->line).error, 0);
		done++;
	}
	end_us = clock_boottime_us();
	(void)getrusage(RUSAGE_SELF, &after);
	begun_us = page->log[seen].start_us;
	limit_us = end_us - begun_us;
	for (uint32_t i = seen + 1; i < page->n_requests; i++)
		if (page->log[i].silence_us < least_us)
			least_us = page->log[i].silence_us;
	cpu_us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec -
		  before.ru_stime.tv_sec) *
			 1000000 +
		 after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec -
		 before.ru_stime.tv_usec;
	print_message("share of the limit %.4f, least gap %lld us, %.1f us CPU a transaction, "
		      "%.2f %% of a core, %ld switches a transaction\n",
		      (double)ideal_us / (double)limit_us, (long long)least_us,
		      (double)cpu_us / rounds, 100.0 * (double)cpu_us / (double)limit_us,
		      (after.ru_nvcsw - before.ru_nvcsw) / rounds);
	assert_true(least_us >= PACED_GAP_US - 500);
	/* A busy machine is granted 5 ms a transaction; the figure above is for the reader. */
	assert_true(limit_us <= ideal_us + (int64_t)rounds * 5 * MS);
}

/* A pseudo-terminal keeps the speed and the stop bits that were set, though it does not heed them. */
static struct termios termios_of(const struct fixture *f)
{
	struct termios termios;
	int fd = open(f->paced.link, O_RDWR | O_NOCTTY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(tcgetattr(fd, &termios), 0);
	(void)close(fd);
	return termios;
}

static void a_job_may_bring_serial_settings_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct line_job own = read_of(3, 40, 10);
	struct line_job other = read_of(4, 40, 10);
	struct line_result result = ask(f->line, own);
	struct termios termios;

	assert_values(&result, &own);
	for (int i = 0; i < 3; i++) {
		other.tune = (struct line_tune){.baud = 9600, .parity = 'N', .stop_bits = 2};
		result = ask(f->line, other);
		assert_values(&result, &other);
		assert_true((termios_of(f).c_cflag & CSTOPB) != 0);
		/* The next one is asked with the line's own again. */
		result = ask(f->line, own);
		assert_values(&result, &own);
		assert_true((termios_of(f).c_cflag & CSTOPB) == 0);
	}
	/* At another rate the answer comes sooner than a slave of that rate could give it. */
	other.tune = (struct line_tune){.baud = 2400, .parity = 'E', .stop_bits = 1};
	result = ask(f->line, other);
	assert_int_equal(result.error, -EBADMSG);
	termios = termios_of(f);
	assert_int_equal(cfgetospeed(&termios), B2400);
	result = ask(f->line, own);
	assert_values(&result, &own);
	assert_int_equal(line_state(f->line, NULL), LINE_OK);
}

/* The thread of this process that bears the line's name. */
static pid_t worker_of(const char *name)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	pid_t found = -1;

	assert_non_null(tasks);
	while (found < 0 && (task = readdir(tasks)) != NULL) {
		char path[300], comm[32] = "";
		FILE *file;

		(void)snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task->d_name);
		file = fopen(path, "r");
		if (file == NULL)
			continue;
		if (fgets(comm, sizeof(comm), file) != NULL && strstr(comm, name) == comm)
			found = (pid_t)atoi(task->d_name);
		(void)fclose(file);
	}
	(void)closedir(tasks);
	return found;
}

/* May this process ask for a real-time priority? Asked in a child, so that the test keeps its own. */
static bool may_go_first(void)
{
	const struct sched_param priority = {.sched_priority = LINE_PRIORITY};
	pid_t child = fork();
	int status = 1;

	if (child == 0)
		_exit(sched_setscheduler(0, SCHED_RR, &priority) < 0);
	return waitpid(child, &status, 0) == child && status == 0;
}

static void the_worker_goes_before_the_rest_of_the_host(void **state)
{
	struct fixture *f = *state;
	struct line_job job = read_of(3, 40, 10);
	struct line_result result = ask(f->line, job);
	struct sched_param priority;
	pid_t worker = worker_of("line A");

	assert_values(&result, &job);
	assert_true(worker > 0);
	/* The loop of this process, which gives it the jobs, has no such haste. */
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
	if (!may_go_first()) {
		assert_int_equal(sched_getscheduler(worker), SCHED_OTHER);
		return;
	}
	assert_int_equal(sched_getscheduler(worker), SCHED_RR);
	assert_int_equal(sched_getparam(worker, &priority), 0);
	assert_int_equal(priority.sched_priority, LINE_PRIORITY);
}

static void settings_that_are_none_are_refused(void **state)
{
	static const struct line_tune wrong[] = {
		{.baud = 9601, .parity = 'N', .stop_bits = 1},
		{.baud = 9600, .parity = 'X', .stop_bits = 1},
		{.baud = 9600, .parity = 'N', .stop_bits = 3},
	};
	struct fixture *f = *state;
	struct line_job job = read_of(3, 40, 10);

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		job.tune = wrong[i];
		assert_int_equal(line_submit(f->line, &job), -EINVAL);
	}
}

int main(void)
{
#define LINE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		LINE_TEST(answers_arrive_with_their_times),
		LINE_TEST(a_write_that_nobody_allows_is_not_sent),
		LINE_TEST(a_job_may_bring_serial_settings_of_its_own),
		LINE_TEST(settings_that_are_none_are_refused),
		LINE_TEST(the_worker_goes_before_the_rest_of_the_host),
		LINE_TEST(every_fault_hurts_its_own_slave_alone),
		LINE_TEST(a_late_answer_is_never_the_next_one),
		LINE_TEST(an_echo_is_found_out_and_stripped),
		LINE_TEST(an_adapter_goes_and_comes_back),
		LINE_TEST(an_adapter_goes_in_the_middle),
		LINE_TEST(a_port_belongs_to_one_instance),
		LINE_TEST(what_is_no_terminal_is_a_fault),
		LINE_TEST(a_ready_job_is_recalled_for_a_relay),
		LINE_TEST(after_a_failure_another_slave_goes_first),
		LINE_TEST(the_wire_is_kept_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
