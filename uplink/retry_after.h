/* retry_after.h - the Retry-After header, in both its forms (RFC 9110, 10.2.3).
 *
 * Pure. The date form is measured against the Date of the same answer: our own clock may be wrong.
 */
#pragma once

#include <stdint.h>

/* retry_after and date are the values of the headers, or NULL. Returns seconds, 0 or more; or
 * -ENODATA: no header; -EBADMSG: neither form, or a date without a Date to measure it against. */
int retry_after_parse(const char *retry_after, const char *date, int64_t *ret_s);
