/* clock.c - see clock.h. */
#include "concentrator/platform/clock.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define USEC_PER_SEC     INT64_C(1000000)
#define NSEC_PER_USEC    INT64_C(1000)
#define BOOT_ID_FILE     "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_UUID_LEN 36 /* 32 digits and four hyphens */
#define TIMESYNC_MARK    "/run/systemd/timesync/synchronized"

const int64_t clock_build_s = PREPAY_BUILD_S;

static struct timespec clock_get(clockid_t id)
{
	struct timespec now;
	int r = clock_gettime(id, &now);

	/* Fails only for a clock that does not exist. */
	assert(r == 0);
	(void)r;
	return now;
}

int64_t clock_boottime_us(void)
{
	struct timespec now = clock_get(CLOCK_BOOTTIME);

	return (int64_t)now.tv_sec * USEC_PER_SEC + (int64_t)now.tv_nsec / NSEC_PER_USEC;
}

int64_t clock_unix_s(void)
{
	return (int64_t)clock_get(CLOCK_REALTIME).tv_sec;
}

bool clock_synchronised(void)
{
	struct timex state = {0}; /* no modes: only a question */
	int r = adjtimex(&state);

	if (r >= 0)
		return r != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
	return access(TIMESYNC_MARK, F_OK) == 0;
}

int clock_boot_id(char ret[static CLOCK_BOOT_ID_SIZE])
{
	char text[BOOT_ID_UUID_LEN + 1];
	char digits[CLOCK_BOOT_ID_SIZE];
	size_t count = 0;
	ssize_t len;
	int fd = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text));
	if (len < 0) {
		int r = -errno;

		(void)close(fd);
		return r;
	}
	(void)close(fd);
	for (ssize_t i = 0; i < len && text[i] != '\n'; i++) {
		if (text[i] == '-')
			continue;
		if (!isxdigit((unsigned char)text[i]) || count + 1 >= sizeof(digits))
			return -EBADMSG;
		digits[count++] = (char)tolower((unsigned char)text[i]);
	}
	if (count + 1 != sizeof(digits))
		return -EBADMSG;
	digits[count] = '\0';
	memcpy(ret, digits, sizeof(digits));
	return 0;
}
