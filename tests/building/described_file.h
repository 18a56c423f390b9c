/* described_file.h - finds a device in the table of register maps (tests/models/registers.table). */
#pragma once

#include "tests/building/described.h"

enum { DESCRIBED_PROBLEM = 160 };

/* Reads the table at path for the model of that name. 0; -ENOENT: the table has none; or another -errno.
 * ret_problem says what and where. */
int described_load(const char *path, const char *name, struct described *ret,
		   char ret_problem[static DESCRIBED_PROBLEM]);
