/* counting_vfs.h - the system's SQLite VFS, counting what would reach the flash, and syncing nothing.
 *
 * A block of 4 KiB counts once for all writes that touch it between two syncs of its file, as the kernel
 * writes it back; each sync of a write-ahead log counts two blocks more, for the pages of its index.
 */
#pragma once

#include <stdint.h>

/* Makes it the default for all connections opened from now on. 0 or a code of SQLite. */
int counting_vfs_register(void);
/* Since it was registered, of all files. */
int64_t counting_vfs_bytes(void);
