/* device.h - a device on a line, as `line show`, `meter list` and `meter show` tell of it. */
#pragma once

#include "concentrator/cli/session.h"
#include "concentrator/cli/table.h"

/* Of a state of a device or a line. */
enum tone device_tone(const char *state);

/* Seven cells of the last hour: quality, p50, p99, time-outs, CRC errors, garbled, exceptions. */
void device_put_hour(struct table *table, const json_t *row);

/* The figures of the last hour and since the start, of a device or a line, as lines. */
void device_show_figures(const struct screen *out, const json_t *row);

/* The table of devices, with the name of their line where with_line. Returns the exit code. */
int device_show_rows(struct session *session, const json_t *rows, bool with_line);
