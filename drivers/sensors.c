#include "drivers/sensors.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <iio.h>

#include "concentrator/platform/clock.h"
#include "drivers/decimal.h"

#define US_PER_S    1000000
#define NS_PER_US   1000
#define PERIOD_MAX  86400
#define READ_MAX_US 3000000 /* an I2C transfer that fails takes a second */
#define NO_DEADLINE INT64_MAX
#define TEXT_MAX    64

struct sensor {
	struct sensor_settings settings;
	int64_t due_us; /* the worker's */
	bool fresh;
	struct sensor_sample sample;
};

struct sensors {
	size_t n;
	int result_fd;
	int wake_fd;
	pthread_t thread;
	struct iio_context *context; /* the worker's */
	bool failed;                 /* the worker's: the context may miss what is there now */

	pthread_mutex_t mutex; /* keeps stop, deadline_us, and fresh and sample of each sensor */
	bool stop;
	int64_t deadline_us;
	struct sensor sensor[SENSORS_MAX];
};

static void lock(struct sensors *sensors)
{
	(void)pthread_mutex_lock(&sensors->mutex);
}

static void unlock(struct sensors *sensors)
{
	(void)pthread_mutex_unlock(&sensors->mutex);
}

static void set_deadline(struct sensors *sensors, int64_t deadline_us)
{
	lock(sensors);
	sensors->deadline_us = deadline_us;
	unlock(sensors);
}

/* libiio puts the terminator where the attribute's newline is. */
static int read_decimal(const struct iio_channel *channel, const char *attribute, int64_t *ret_nano)
{
	char text[TEXT_MAX] = "";
	ssize_t n = iio_channel_attr_read(channel, attribute, text, sizeof(text) - 1);

	if (n < 0)
		return (int)n;
	return decimal_parse_nano(text, ret_nano);
}

/* As read_decimal(), for an attribute that many drivers leave out. */
static int read_optional(const struct iio_channel *channel, const char *attribute,
			 int64_t otherwise_nano, int64_t *ret_nano)
{
	if (iio_channel_find_attr(channel, attribute) == NULL) {
		*ret_nano = otherwise_nano;
		return 0;
	}
	return read_decimal(channel, attribute, ret_nano);
}

static int read_channel(const struct iio_channel *channel, int64_t ratio_ppm, int64_t *ret_milli)
{
	int64_t raw_nano, scale_nano = DECIMAL_ONE, offset_nano = 0;
	int r;

	if (iio_channel_find_attr(channel, "raw") == NULL) {
		r = read_decimal(channel, "input", &raw_nano);
	} else {
		r = read_decimal(channel, "raw", &raw_nano);
		if (r == 0)
			r = read_optional(channel, "offset", 0, &offset_nano);
		if (r == 0)
			r = read_optional(channel, "scale", DECIMAL_ONE, &scale_nano);
	}
	if (r < 0)
		return r;
	return decimal_scale(raw_nano, offset_nano, scale_nano, ratio_ppm, ret_milli);
}

static int read_sensor(const struct sensors *sensors, const struct sensor_settings *settings,
		       int64_t *ret_milli)
{
	const struct iio_device *device;
	const struct iio_channel *channel;

	if (sensors->context == NULL)
		return -ENODEV;
	device = iio_context_find_device(sensors->context, settings->device);
	if (device == NULL)
		return -ENODEV;
	channel = iio_device_find_channel(device, settings->channel, false);
	if (channel == NULL)
		return -ENOENT;
	return read_channel(channel, settings->ratio_ppm, ret_milli);
}

static void publish(struct sensors *sensors, struct sensor *sensor, int error, int64_t value_milli)
{
	int64_t now_us = clock_boottime_us();

	lock(sensors);
	sensors->deadline_us = NO_DEADLINE;
	sensor->sample.error = error;
	if (error == 0) {
		sensor->sample.value_milli = value_milli;
		sensor->sample.at_us = now_us;
	}
	sensor->fresh = true;
	(void)eventfd_write(sensors->result_fd, 1);
	unlock(sensors);
}

/* A context knows the devices of the moment it was made at. */
static void renew_context(struct sensors *sensors)
{
	set_deadline(sensors, clock_boottime_us() + READ_MAX_US);
	if (sensors->context != NULL)
		iio_context_destroy(sensors->context);
	sensors->context = iio_create_local_context();
	sensors->failed = false;
	set_deadline(sensors, NO_DEADLINE);
}

/* Reads what is due; returns when the next is. */
static int64_t read_due(struct sensors *sensors)
{
	bool renew = sensors->failed || sensors->context == NULL;
	int64_t next_us = INT64_MAX;

	for (size_t i = 0; i < sensors->n; i++) {
		struct sensor *sensor = &sensors->sensor[i];
		int64_t now_us = clock_boottime_us(), value_milli = 0;
		int r;

		if (now_us >= sensor->due_us) {
			if (renew)
				renew_context(sensors);
			renew = false;
			set_deadline(sensors, clock_boottime_us() + READ_MAX_US);
			r = read_sensor(sensors, &sensor->settings, &value_milli);
			sensors->failed = sensors->failed || r < 0;
			publish(sensors, sensor, r, value_milli);
			sensor->due_us = now_us + (int64_t)sensor->settings.period_s * US_PER_S;
		}
		if (sensor->due_us < next_us)
			next_us = sensor->due_us;
	}
	return next_us;
}

static bool stopped(struct sensors *sensors)
{
	bool stop;

	lock(sensors);
	stop = sensors->stop;
	unlock(sensors);
	return stop;
}

static void *work(void *arg)
{
	struct sensors *sensors = arg;
	struct pollfd pollfd = {.fd = sensors->wake_fd, .events = POLLIN};

	while (!stopped(sensors)) {
		int64_t left_us = read_due(sensors) - clock_boottime_us();
		struct timespec left = {.tv_sec = left_us / US_PER_S,
					.tv_nsec = left_us % US_PER_S * NS_PER_US};

		if (left_us > 0)
			(void)ppoll(&pollfd, 1, &left, NULL);
	}
	if (sensors->context != NULL)
		iio_context_destroy(sensors->context);
	return NULL;
}

static bool is_text(const char text[static SENSOR_NAME_MAX + 1])
{
	return text[0] != '\0' && memchr(text, '\0', SENSOR_NAME_MAX + 1) != NULL;
}

static bool settings_valid(const struct sensor_settings *settings)
{
	return is_text(settings->device) && is_text(settings->channel) && settings->period_s >= 1 &&
	       settings->period_s <= PERIOD_MAX;
}

/* The worker takes no signals: they belong to the loop. */
static int start_worker(struct sensors *sensors)
{
	sigset_t all, old;
	int r;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&sensors->thread, NULL, work, sensors);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

static void free_sensors(struct sensors *sensors)
{
	if (sensors->wake_fd >= 0)
		(void)close(sensors->wake_fd);
	if (sensors->result_fd >= 0)
		(void)close(sensors->result_fd);
	(void)pthread_mutex_destroy(&sensors->mutex);
	free(sensors);
}

int sensors_open(struct sensors **ret, const struct sensor_settings *settings, size_t n)
{
	struct sensors *sensors;
	int r;

	if (n > SENSORS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (!settings_valid(&settings[i]))
			return -EINVAL;
	sensors = calloc(1, sizeof(*sensors));
	if (sensors == NULL)
		return -ENOMEM;
	sensors->n = n;
	sensors->deadline_us = NO_DEADLINE;
	for (size_t i = 0; i < n; i++)
		sensors->sensor[i].settings = settings[i];
	(void)pthread_mutex_init(&sensors->mutex, NULL);
	sensors->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sensors->result_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = sensors->wake_fd < 0 || sensors->result_fd < 0 ? -errno : start_worker(sensors);
	if (r < 0) {
		free_sensors(sensors);
		return r;
	}
	*ret = sensors;
	return 0;
}

struct sensors *sensors_close(struct sensors *sensors)
{
	if (sensors == NULL)
		return NULL;
	lock(sensors);
	sensors->stop = true;
	unlock(sensors);
	(void)eventfd_write(sensors->wake_fd, 1);
	(void)pthread_join(sensors->thread, NULL);
	free_sensors(sensors);
	return NULL;
}

int sensors_fd(const struct sensors *sensors)
{
	return sensors->result_fd;
}

int sensors_take(struct sensors *sensors, size_t index, struct sensor_sample *ret)
{
	bool more = false;
	eventfd_t count;
	int r = -EAGAIN;

	lock(sensors);
	if (index < sensors->n && sensors->sensor[index].fresh) {
		*ret = sensors->sensor[index].sample;
		sensors->sensor[index].fresh = false;
		r = 0;
	}
	for (size_t i = 0; i < sensors->n; i++)
		more = more || sensors->sensor[i].fresh;
	if (!more)
		(void)eventfd_read(sensors->result_fd, &count);
	unlock(sensors);
	return r;
}

int64_t sensors_stuck_us(struct sensors *sensors, int64_t now_us)
{
	int64_t deadline_us;

	lock(sensors);
	deadline_us = sensors->deadline_us;
	unlock(sensors);
	return now_us > deadline_us ? now_us - deadline_us : 0;
}
