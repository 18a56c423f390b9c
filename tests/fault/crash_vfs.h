/* crash_vfs.h - a disk in memory whose power fails, whose writes fail, and which may lie.
 *
 * A world is one disk. Every file has what is on the platter and, behind it, the writes that no sync
 * has confirmed; a sync carries those over. power_cut keeps, drops or tears each unconfirmed write by a
 * seeded coin, in pieces of 512 bytes, and may garble the whole 4 KiB block that a torn write touched,
 * bytes beside it included. One world at a time is registered as the SQLite VFS "crash".
 *
 * The log's name is on the platter from its first sync on, and a deleted one may come back until the
 * next such sync, as SQLite's own VFS has it. All connections are in one thread.
 *
 * A test that forks a child at each operation uses world_watch() and, in the child, world_cut(), which
 * needs no connection closed: what the old ones held is dropped with the power.
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
	FAULT_READ_ONLY, /* the same, and nothing truncated, deleted or made */
};

enum operation {
	OPERATION_WRITE,
	OPERATION_SYNC,
	OPERATION_TRUNCATE,
	OPERATION_DELETE,
	OPERATION_READ, /* this and those below only where reads are counted */
	OPERATION_LOCK,
	OPERATION_SHARED_MEMORY,
};

/* What a power cut makes of the writes that no sync has confirmed. */
enum tearing {
	TEARING_LOST,
	TEARING_KEPT,
	TEARING_SECTORS,   /* each in pieces, by a coin, with garbled blocks */
	TEARING_REORDERED, /* the last kept, the first lost, the others by a coin */
	TEARING_MIXED,
};

struct world *world_open(uint64_t seed);
struct world *world_close(struct world *world);

/* fault happens at the operation'th write, sync, truncate or delete from now on (1 is the next); with
 * reads counted, at the operation'th of those, or read, lock or use of shared memory. */
void world_arm(struct world *world, enum fault fault, uint64_t operation, bool count_reads);
/* As world_arm(), from the operation on that world_watch() is told of. */
void world_strike(struct world *world, enum fault fault);
/* Syncs report success and do nothing. */
void world_lie(struct world *world, bool lie);
/* The power will not fail any more: what is not synced need not be remembered apart, which saves time. */
void world_trust(struct world *world);
/* Operations since the last world_arm(). */
uint64_t world_operations(const struct world *world);
/* Did the armed fault happen? */
bool world_struck(const struct world *world);
void world_heal(struct world *world);
/* Cuts the power where it is still on, decides what the platter holds, and starts again. All
 * connections must be closed. */
void world_power_on(struct world *world);

/* Called for each operation that is counted, before anything of it has happened; it may arm a fault for
 * this very one (world_strike()), or fork a child in which the power fails now. */
typedef void (*world_watch_fn)(enum operation operation, void *userdata);
void world_watch(struct world *world, world_watch_fn watch, void *userdata);
/* The power fails now, in the middle of the operation where one is under way, and comes back. The
 * connections of before are never to be used again, not even closed. */
void world_cut(struct world *world, enum tearing tearing);
/* Writes and truncations that no sync has confirmed, the one under way included. */
size_t world_pending(const struct world *world);
/* Garbles size bytes (a power of two, at a multiple of it) of a page of 4096, on the platter and for all
 * readers. false: no such page. */
bool world_spoil(struct world *world, const char *name, size_t page, size_t size);
size_t world_pages(struct world *world, const char *name);
