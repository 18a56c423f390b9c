/* clock.h - the only place where clocks are read.
 *
 * Two clocks are kept apart by their names: *_us is CLOCK_BOOTTIME, which never steps and counts
 * suspend, for durations and deadlines; *_s is Unix UTC, for what people and the cloud see. Nothing
 * here blocks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_BOOT_ID_SIZE 33 /* 32 hexadecimal digits and the terminator */

/* When this program was built, Unix seconds: SOURCE_DATE_EPOCH, else the commit, else the age of the
 * source. A clock that shows less is certainly wrong. */
extern const int64_t clock_build_s;

/* Microseconds since boot. */
int64_t clock_boottime_us(void);

/* Unix seconds, right or wrong: ask clock_synchronised(). */
int64_t clock_unix_s(void);

/* Does the kernel say that some NTP client keeps its clock? Reads adjtimex(2). Where a sandbox
 * forbids the call, the mark that systemd-timesyncd leaves under /run/systemd/timesync is believed
 * instead, and without it the answer is no. */
bool clock_synchronised(void);

/* Identity of this boot: 32 lower-case hexadecimal digits. *_us of two boots cannot be compared.
 * -ENOENT where /proc hides it (ProcSubset=pid), -EBADMSG when it is no id. */
int clock_boot_id(char ret[static CLOCK_BOOT_ID_SIZE]);
