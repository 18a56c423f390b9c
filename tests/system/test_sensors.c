/* test_sensors - libiio's own local backend over a sysfs tree of ours.
 *
 * The kernel of a test machine has no IIO, so the test takes a mount namespace for itself and
 * puts a tree over /sys/bus. Files are replaced by rename(), as a reader of sysfs never sees
 * half a value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "concentrator/platform/clock.h"
#include "drivers/sensors.h"

#define DEVICES       "/sys/bus/iio/devices"
#define ADC           DEVICES "/iio:device0"
#define CABINET       DEVICES "/iio:device1"
#define BOARD_DEVICE  DEVICES "/iio:device2"
#define CABINET_LATER "/sys/bus/later"
#define PATIENCE_US   8000000

enum { INCOMER, TEMPERATURE, BOARD, SENSORS };

static const struct sensor_settings settings[SENSORS] = {
	{"incomer", "ads1015", "voltage0", 790000000, 1},
	{"cabinet", "tmp", "temp", 1000000, 1},
	{"board", "soc", "temp", 1000000, 1},
};

static void write_file(const char *path, const char *text)
{
	char temporary[200];
	FILE *file;

	(void)snprintf(temporary, sizeof(temporary), "/sys/bus/new");
	file = fopen(temporary, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(temporary, path), 0);
}

static void make_adc(void)
{
	(void)mkdir("/sys/bus/iio", 0755);
	(void)mkdir(DEVICES, 0755);
	(void)mkdir(ADC, 0755);
	write_file(ADC "/name", "ads1015\n");
	write_file(ADC "/in_voltage0_raw", "4660\n");
	write_file(ADC "/in_voltage0_scale", "0.062500000\n");
}

static void make_cabinet(void)
{
	(void)mkdir(CABINET, 0755);
	write_file(CABINET "/name", "tmp\n");
	write_file(CABINET "/in_temp_raw", "400\n");
	write_file(CABINET "/in_temp_offset", "-4\n");
	write_file(CABINET "/in_temp_scale", "62.5\n");
	(void)mkdir(BOARD_DEVICE, 0755);
	write_file(BOARD_DEVICE "/name", "soc\n");
	write_file(BOARD_DEVICE "/in_temp_input", "-1500\n");
}

/* The next sample that was read from now on with this error. */
static struct sensor_sample await_sample(struct sensors *sensors, size_t index, int error)
{
	int64_t until_us = clock_boottime_us() + PATIENCE_US;
	struct sensor_sample sample = {.error = 1};

	(void)sensors_take(sensors, index, &sample);
	do {
		struct pollfd pollfd = {.fd = sensors_fd(sensors), .events = POLLIN};

		assert_true(clock_boottime_us() < until_us);
		(void)poll(&pollfd, 1, 1000);
		sample.error = 1;
		for (size_t i = 0; i < SENSORS; i++) {
			struct sensor_sample any;

			if (sensors_take(sensors, i, &any) == 0 && i == index)
				sample = any;
		}
	} while (sample.error != error);
	return sample;
}

static int set_up(void **state)
{
	struct sensors *sensors;

	(void)umount2("/sys/bus", MNT_DETACH);
	assert_int_equal(mount("tmpfs", "/sys/bus", "tmpfs", 0, NULL), 0);
	make_adc();
	make_cabinet();
	assert_int_equal(sensors_open(&sensors, settings, SENSORS), 0);
	*state = sensors;
	return 0;
}

static int tear_down(void **state)
{
	assert_null(sensors_close(*state));
	return 0;
}

static void values_are_read_with_their_age(void **state)
{
	int64_t begun_us = clock_boottime_us();
	struct sensor_sample sample = await_sample(*state, INCOMER, 0);

	assert_int_equal(sample.value_milli, 230088);
	assert_in_range(sample.at_us, begun_us - 1000000, clock_boottime_us());
	sample = await_sample(*state, TEMPERATURE, 0);
	assert_int_equal(sample.value_milli, 24750);
	sample = await_sample(*state, BOARD, 0);
	assert_int_equal(sample.value_milli, -1500);
	write_file(ADC "/in_voltage0_raw", "4500\n");
	sample = await_sample(*state, INCOMER, 0);
	sample = await_sample(*state, INCOMER, 0);
	assert_int_equal(sample.value_milli, 222188);
	assert_int_equal(sensors_stuck_us(*state, clock_boottime_us()), 0);
}

/* Whatever goes wrong, the last good value stays, with the time at which it was taken. */
static void an_error_is_never_a_zero(void **state)
{
	static const struct {
		const char *name;
		const char *text; /* NULL: the file goes */
		int error;
	} faults[] = {
		{"the attribute is empty", "", -EIO},
		{"the attribute is no number", "busy\n", -EBADMSG},
		{"the attribute vanishes", NULL, -ENOENT},
	};
	struct sensor_sample good, bad;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		print_message("%s\n", faults[i].name);
		good = await_sample(*state, INCOMER, 0);
		if (faults[i].text != NULL)
			write_file(ADC "/in_voltage0_raw", faults[i].text);
		else
			assert_int_equal(unlink(ADC "/in_voltage0_raw"), 0);
		bad = await_sample(*state, INCOMER, faults[i].error);
		assert_int_equal(bad.value_milli, good.value_milli);
		assert_true(bad.at_us >= good.at_us);
		good = bad;
		bad = await_sample(*state, INCOMER, faults[i].error);
		assert_int_equal(bad.at_us, good.at_us);
		write_file(ADC "/in_voltage0_raw", "4660\n");
		good = await_sample(*state, INCOMER, 0);
		assert_int_equal(good.value_milli, 230088);
		assert_true(good.at_us > bad.at_us);
	}
}

static void a_device_goes_and_comes_back_under_another_number(void **state)
{
	struct sensor_sample good = await_sample(*state, TEMPERATURE, 0), bad;

	assert_int_equal(rename(CABINET, CABINET_LATER), 0);
	bad = await_sample(*state, TEMPERATURE, -ENODEV);
	assert_int_equal(bad.value_milli, good.value_milli);
	/* The other device does not suffer. */
	assert_int_equal(await_sample(*state, INCOMER, 0).value_milli, 230088);
	assert_int_equal(rename(CABINET_LATER, DEVICES "/iio:device7"), 0);
	good = await_sample(*state, TEMPERATURE, 0);
	assert_int_equal(good.value_milli, 24750);
	assert_true(good.at_us > bad.at_us);
}

static void the_bus_itself_appears_late(void **state)
{
	struct sensors *sensors;
	struct sensor_sample sample;

	(void)state;
	(void)umount2("/sys/bus", MNT_DETACH);
	assert_int_equal(mount("tmpfs", "/sys/bus", "tmpfs", 0, NULL), 0);
	assert_int_equal(sensors_open(&sensors, settings, SENSORS), 0);
	sample = await_sample(sensors, INCOMER, -ENODEV);
	assert_int_equal(sample.at_us, 0);
	make_adc();
	sample = await_sample(sensors, INCOMER, 0);
	assert_int_equal(sample.value_milli, 230088);
	sample = await_sample(sensors, TEMPERATURE, -ENODEV);
	make_cabinet();
	sample = await_sample(sensors, TEMPERATURE, 0);
	assert_int_equal(sample.value_milli, 24750);
	sensors = sensors_close(sensors);
	assert_null(sensors);
}

/* A read that hangs, as a failing bus makes it: a FIFO that nobody writes. */
static void a_hanging_read_is_seen_by_the_watchdog(void **state)
{
	int64_t until_us = clock_boottime_us() + PATIENCE_US;
	int fd;

	(void)await_sample(*state, INCOMER, 0);
	assert_int_equal(mkfifo("/sys/bus/fifo", 0600), 0);
	assert_int_equal(rename("/sys/bus/fifo", ADC "/in_voltage0_raw"), 0);
	while (sensors_stuck_us(*state, clock_boottime_us()) == 0) {
		assert_true(clock_boottime_us() < until_us);
		(void)usleep(10000);
	}
	fd = open(ADC "/in_voltage0_raw", O_WRONLY | O_NONBLOCK);
	assert_true(fd >= 0);
	write_file(ADC "/in_voltage0_raw", "4660\n");
	assert_int_equal(write(fd, "4500\n", 5), 5);
	assert_int_equal(close(fd), 0);
	assert_int_equal(await_sample(*state, INCOMER, 0).value_milli > 0, 1);
	assert_int_equal(sensors_stuck_us(*state, clock_boottime_us()), 0);
}

static void settings_out_of_range_are_refused(void **state)
{
	struct sensor_settings wrong = settings[0];
	struct sensors *sensors;

	(void)state;
	wrong.period_s = 0;
	assert_int_equal(sensors_open(&sensors, &wrong, 1), -EINVAL);
	wrong.period_s = 1;
	wrong.device[0] = '\0';
	assert_int_equal(sensors_open(&sensors, &wrong, 1), -EINVAL);
	assert_int_equal(sensors_open(&sensors, settings, SENSORS_MAX + 1), -EINVAL);
}

static void write_map(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd >= 0) {
		(void)!write(fd, text, strlen(text));
		(void)close(fd);
	}
}

/* Mounts of our own; an ordinary user becomes root of a user namespace for it. */
static int take_namespace(void)
{
	char map[64];

	(void)snprintf(map, sizeof(map), "0 %u 1", geteuid());
	if (unshare(CLONE_NEWNS) < 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
			return -errno;
		write_map("/proc/self/setgroups", "deny");
		write_map("/proc/self/uid_map", map);
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno : 0;
}

int main(void)
{
#define SENSORS_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SENSORS_TEST(values_are_read_with_their_age),
		SENSORS_TEST(an_error_is_never_a_zero),
		SENSORS_TEST(a_device_goes_and_comes_back_under_another_number),
		cmocka_unit_test(the_bus_itself_appears_late),
		SENSORS_TEST(a_hanging_read_is_seen_by_the_watchdog),
		cmocka_unit_test(settings_out_of_range_are_refused),
	};
	int r = take_namespace();

	if (r < 0) {
		(void)fprintf(stderr, "no mount namespace: %s\n", strerror(-r));
		return EXIT_FAILURE;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
