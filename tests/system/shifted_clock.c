/* shifted_clock.c - preloaded into a program, it has the date PREPAY_TEST_AHEAD_S seconds ahead of the system's; the
 * running time stays as it is. So a test lets hours pass over a program that is not running.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	const char *ahead = getenv("PREPAY_TEST_AHEAD_S");
	int r = (int)syscall(SYS_clock_gettime, clock, ret);

	if (r == 0 && clock == CLOCK_REALTIME && ahead != NULL)
		ret->tv_sec += atoll(ahead);
	return r;
}
