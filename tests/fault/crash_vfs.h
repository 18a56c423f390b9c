/* crash_vfs.h - a disk in memory whose power fails, whose writes fail, and which may lie.
 *
 * A world is one disk. Every file has what is on the platter and, behind it, the writes that no sync
 * has confirmed; a sync carries those over. power_cut keeps, drops or tears each unconfirmed write by a
 * seeded coin, in pieces of 512 bytes, and may garble the whole 4 KiB block that a torn write touched,
 * bytes beside it included. One world at a time is registered as the SQLite VFS "crash".
 *
 * Limits of the model: a file's name is on the disk as soon as it is made, and gone as soon as it is
 * deleted; all connections are in one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;

enum fault {
	FAULT_NONE,
	FAULT_POWER,   /* the power fails at the operation: nothing works until world_power_on() */
	FAULT_IO_ONCE, /* the operation fails, the next ones work; a failed sync loses its writes */
	FAULT_IO,      /* it and all later ones fail until world_heal() */
	FAULT_FULL,    /* from then on nothing can be written until world_heal() */
};

struct world *world_open(uint64_t seed);
struct world *world_close(struct world *world);

/* fault happens at the operation'th write, sync, truncate or delete from now on (1 is the next); with
 * reads counted, at the operation'th of those or read. */
void world_arm(struct world *world, enum fault fault, uint64_t operation, bool count_reads);
/* Syncs report success and do nothing. */
void world_lie(struct world *world, bool lie);
/* Operations since the last world_arm(). */
uint64_t world_operations(const struct world *world);
/* Did the armed fault happen? */
bool world_struck(const struct world *world);
void world_heal(struct world *world);
/* Cuts the power where it is still on, decides what the platter holds, and starts again. All
 * connections must be closed. */
void world_power_on(struct world *world);
