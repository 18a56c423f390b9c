/* accepted.h - the cloud's answer to receipts or events, row by row.
 *
 * Pure: bytes in, the batch's rows answered. Anything but a complete JSON object of the contract is
 * -EBADMSG, and then no row is touched: what is not understood acknowledges nothing (U1).
 */
#pragma once

#include <stddef.h>

#include "uplink/batch.h"

/* Gives each row of the group in hand its answer; a row not named keeps waiting. Call batch_settle()
 * next. -EBADMSG, -ENOMEM. */
int accepted_parse(const char *bytes, size_t len, struct batch *batch);
