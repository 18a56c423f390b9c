/* zone.c - see zone.h. */
#include "concentrator/platform/zone.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ZONE_FOLDER   "/usr/share/zoneinfo"
#define ZONE_NAME_MAX 64
#define ZONE_PATH_MAX 4096
#define DAY_S         INT64_C(86400)
#define PERIOD_MAX_S  (INT64_C(100) * 366 * DAY_S)

/* Words of letters, digits, '_', '+' and '-' between single slashes: never a way out of the folder. */
static bool zone_is_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > ZONE_NAME_MAX || name[0] == '/' || name[len - 1] == '/')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (name[i] == '/' && name[i + 1] == '/')
			return false;
		if (!isalnum((unsigned char)name[i]) && strchr("_+-/", name[i]) == NULL)
			return false;
	}
	return true;
}

int zone_check(const char *name)
{
	static const char magic[4] = {'T', 'Z', 'i', 'f'};
	const char *folder = getenv("TZDIR");
	char path[ZONE_PATH_MAX];
	char head[sizeof(magic)];
	ssize_t len;
	int fd;

	if (!zone_is_name(name))
		return -EINVAL;
	if (folder == NULL || folder[0] == '\0')
		folder = ZONE_FOLDER;
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return -ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ENOENT;
	len = read(fd, head, sizeof(head));
	(void)close(fd);
	/* The folder itself also holds tables and other folders ("Europe"). */
	if (len != (ssize_t)sizeof(head) || memcmp(head, magic, sizeof(magic)) != 0)
		return -ENOENT;
	return 0;
}

int zone_set(const char *name)
{
	char value[ZONE_NAME_MAX + 2];
	int r = zone_check(name);

	if (r < 0)
		return r;
	/* The colon says "a file", so that no name is taken for a POSIX rule ("EST5EDT"). */
	(void)snprintf(value, sizeof(value), ":%s", name);
	if (setenv("TZ", value, 1) < 0)
		return -errno;
	tzset();
	return 0;
}

static int zone_offset(int64_t at_s, int32_t *ret)
{
	time_t at = (time_t)at_s;
	struct tm local;

	if (localtime_r(&at, &local) == NULL)
		return -EINVAL;
	*ret = (int32_t)local.tm_gmtoff;
	return 0;
}

/* The first second in (before_s, after_s] that has not the offset of before_s, where after_s has another. */
static int zone_find_change(int64_t before_s, int64_t after_s, int32_t offset_s, int64_t *ret)
{
	while (after_s - before_s > 1) {
		int64_t middle_s = before_s + (after_s - before_s) / 2;
		int32_t middle_offset_s;
		int r = zone_offset(middle_s, &middle_offset_s);

		if (r < 0)
			return r;
		if (middle_offset_s == offset_s)
			before_s = middle_s;
		else
			after_s = middle_s;
	}
	*ret = after_s;
	return 0;
}

int zone_transitions(int64_t from_s, int64_t to_s, size_t max, struct zone_transition ret[],
		     size_t *ret_count)
{
	int64_t at_s = from_s;
	int32_t offset_s;
	size_t count = 0;
	int64_t period_s;
	int r;

	if (__builtin_sub_overflow(to_s, from_s, &period_s) || period_s <= 0 ||
	    period_s > PERIOD_MAX_S)
		return -EINVAL;
	if (max == 0)
		return -ENOBUFS;
	r = zone_offset(from_s, &offset_s);
	if (r < 0)
		return r;
	ret[count++] = (struct zone_transition){.from_s = from_s, .offset_s = offset_s};

	/* No zone has changed its offset twice within a day, so daily probes see every change. */
	while (at_s < to_s - 1) {
		int64_t next_s = at_s + DAY_S < to_s - 1 ? at_s + DAY_S : to_s - 1;
		int32_t next_offset_s;
		int64_t change_s;

		r = zone_offset(next_s, &next_offset_s);
		if (r < 0)
			return r;
		if (next_offset_s == offset_s) {
			at_s = next_s;
			continue;
		}
		r = zone_find_change(at_s, next_s, offset_s, &change_s);
		if (r < 0)
			return r;
		r = zone_offset(change_s, &offset_s);
		if (r < 0)
			return r;
		if (count == max)
			return -ENOBUFS;
		ret[count++] = (struct zone_transition){.from_s = change_s, .offset_s = offset_s};
		at_s = change_s;
	}
	*ret_count = count;
	return 0;
}
