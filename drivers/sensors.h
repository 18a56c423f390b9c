/* sensors.h - the incomer's voltage, the cabinet's temperature: slow values through libiio's
 * local backend.
 *
 * A worker thread reads each sensor at its period. libiio's context sees only the devices that
 * were there when it was made, so it is made anew when a device is missing or errs. A failed
 * read is an error beside the last good value, never a zero; how old a value may be is the
 * caller's decision, from at_us.
 *
 * No function here blocks but sensors_close(), which waits for the read under way. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SENSORS_MAX     16
#define SENSOR_NAME_MAX 63

struct sensor_settings {
	char name[SENSOR_NAME_MAX + 1];
	char device[SENSOR_NAME_MAX + 1];  /* libiio name: "ads1015" (also of an ads1115) */
	char channel[SENSOR_NAME_MAX + 1]; /* libiio channel id: "voltage0", "temp" */
	int64_t ratio_ppm;                 /* value = (raw + offset) x scale x ratio / 1,000,000 */
	int32_t period_s;                  /* 1 to 86,400 */
};

/* value_milli is in thousandths of the channel's unit as the IIO ABI has it (mV, mA, milli-
 * degrees Celsius), times the ratio: the last good value, taken at at_us (CLOCK_BOOTTIME; 0:
 * there has been none). error is of the latest read: 0, -ENODEV no such device, -ENOENT no such
 * channel, -ERANGE, or what libiio said. */
struct sensor_sample {
	int64_t value_milli;
	int64_t at_us;
	int error;
};

struct sensors;

/* Starts the worker; a device that is not there is an error in its sample. Borrows nothing.
 * Errors: -EINVAL n or a setting out of range, -ENOMEM, or what eventfd() and pthread_create()
 * say. */
int sensors_open(struct sensors **ret, const struct sensor_settings *settings, size_t n);

/* Ends the worker. Accepts NULL, returns NULL. */
struct sensors *sensors_close(struct sensors *sensors);

/* A descriptor that is readable while a sensor was read, well or badly, and not taken; borrowed. */
int sensors_fd(const struct sensors *sensors);

/* The latest sample of sensor `index`, below n. Errors: -EAGAIN it was not read since the last
 * take. */
int sensors_take(struct sensors *sensors, size_t index, struct sensor_sample *ret);

/* For the watchdog: how long past its deadline the worker's read is; 0 when in time or parked. */
int64_t sensors_stuck_us(struct sensors *sensors, int64_t now_us);
