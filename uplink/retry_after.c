/* retry_after.c - see retry_after.h */
#include "uplink/retry_after.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <time.h>

#include <curl/curl.h>

int retry_after_parse(const char *retry_after, const char *date, int64_t *ret_s)
{
	if (retry_after == NULL)
		return -ENODATA;

	while (*retry_after == ' ' || *retry_after == '\t')
		retry_after++;
	if (isdigit((unsigned char)*retry_after)) {
		int64_t seconds = 0;
		for (; isdigit((unsigned char)*retry_after); retry_after++)
			if (__builtin_mul_overflow(seconds, 10, &seconds) ||
			    __builtin_add_overflow(seconds, *retry_after - '0', &seconds))
				return -EBADMSG;
		while (*retry_after == ' ' || *retry_after == '\t')
			retry_after++;
		if (*retry_after != '\0')
			return -EBADMSG;
		*ret_s = seconds;
		return 0;
	}

	if (date == NULL)
		return -EBADMSG;
	time_t until = curl_getdate(retry_after, NULL), now = curl_getdate(date, NULL);
	if (until == -1 || now == -1)
		return -EBADMSG;
	*ret_s = until > now ? (int64_t)until - (int64_t)now : 0;
	return 0;
}
