/* crash_vfs.c - the disk of crash_vfs.h as an SQLite VFS of io version 2 (shared memory, no mmap). */
#include "tests/fault/crash_vfs.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX   8
#define REGIONS_MAX 16
#define SECTOR      512
#define BLOCK       4096

struct bytes {
	uint8_t *data;
	size_t size;
	size_t allocated;
};

struct pending {
	struct pending *next;
	size_t offset;
	size_t size;
	bool truncate; /* to offset */
	bool lost;     /* its sync failed: no later one carries it over */
	uint8_t data[];
};

struct stored {
	char name[64]; /* empty: free */
	struct bytes now;
	struct bytes disk;
	struct pending *first, *last;
	int shared, reserved, exclusive; /* holders of the file's locks */
	void *regions[REGIONS_MAX];
	int shm_users;
	int shm_shared[SQLITE_SHM_NLOCK];
	bool shm_exclusive[SQLITE_SHM_NLOCK];
};

struct world {
	sqlite3_vfs vfs;
	uint64_t random;
	enum fault fault;
	uint64_t at, operations;
	bool count_reads, struck, dead, lying;
	struct stored files[FILES_MAX];
};

struct handle {
	sqlite3_file base;
	struct world *world;
	struct stored *file;
	int lock;
	bool mapped;
	bool remove;
	bool psow;
	unsigned shm_shared, shm_exclusive; /* bit per slot */
};

static uint64_t toss(struct world *world)
{
	/* splitmix64 */
	uint64_t z = world->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void bytes_resize(struct bytes *bytes, size_t size)
{
	if (size > bytes->allocated) {
		bytes->allocated = size * 2;
		bytes->data = realloc(bytes->data, bytes->allocated);
		assert(bytes->data);
	}
	if (size > bytes->size)
		memset(bytes->data + bytes->size, 0, size - bytes->size);
	bytes->size = size;
}

static void bytes_write(struct bytes *bytes, size_t offset, const uint8_t *data, size_t size)
{
	if (offset + size > bytes->size)
		bytes_resize(bytes, offset + size);
	memcpy(bytes->data + offset, data, size);
}

static void forget_pending(struct stored *file)
{
	while (file->first) {
		struct pending *next = file->first->next;

		free(file->first);
		file->first = next;
	}
	file->last = NULL;
}

static void remember(struct stored *file, size_t offset, const void *data, size_t size,
		     bool truncate)
{
	struct pending *pending = calloc(1, sizeof(*pending) + size);

	assert(pending);
	pending->offset = offset;
	pending->size = size;
	pending->truncate = truncate;
	if (size > 0)
		memcpy(pending->data, data, size);
	if (file->last)
		file->last->next = pending;
	else
		file->first = pending;
	file->last = pending;
}

static void carry_over(struct stored *file, const struct pending *pending)
{
	if (pending->truncate)
		bytes_resize(&file->disk, pending->offset);
	else
		bytes_write(&file->disk, pending->offset, pending->data, pending->size);
}

/* What a write that no sync confirmed leaves behind. */
static void tear(struct world *world, struct stored *file, const struct pending *pending)
{
	size_t end = pending->offset + pending->size;
	bool garble = toss(world) % 4 == 0;

	for (size_t at = pending->offset; at < end;) {
		size_t next = (at / SECTOR + 1) * SECTOR;

		if (next > end)
			next = end;
		if (toss(world) & 1)
			bytes_write(&file->disk, at, pending->data + (at - pending->offset),
				    next - at);
		at = next;
	}
	if (garble && pending->offset < file->disk.size) {
		size_t block = pending->offset / BLOCK * BLOCK;

		for (size_t at = block; at < block + BLOCK && at < file->disk.size; at++)
			file->disk.data[at] = (uint8_t)toss(world);
	}
}

static int strike(struct world *world, int failure)
{
	switch (world->fault) {
	case FAULT_POWER:
		world->dead = true;
		return failure;
	case FAULT_FULL:
		return failure == SQLITE_IOERR_WRITE ? SQLITE_FULL : SQLITE_OK;
	case FAULT_IO_ONCE:
	case FAULT_IO:
		return failure;
	case FAULT_NONE:
	default:
		return SQLITE_OK;
	}
}

/* Counts the operation; what it fails with, or SQLITE_OK. */
static int operate(struct world *world, int failure, bool reading)
{
	if (world->dead)
		return failure;
	if (reading && !world->count_reads)
		return SQLITE_OK;
	world->operations++;
	if (world->fault == FAULT_NONE || world->operations < world->at)
		return SQLITE_OK;
	if (world->fault == FAULT_IO_ONCE && world->struck)
		return SQLITE_OK;
	world->struck = true;
	return strike(world, failure);
}

static struct stored *find(struct world *world, const char *name)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (strcmp(world->files[i].name, name) == 0)
			return &world->files[i];
	return NULL;
}

static void drop(struct stored *file)
{
	forget_pending(file);
	free(file->now.data);
	free(file->disk.data);
	for (size_t i = 0; i < REGIONS_MAX; i++)
		free(file->regions[i]);
	memset(file, 0, sizeof(*file));
}

static int file_unlock(sqlite3_file *base, int level);
static int file_shm_unmap(sqlite3_file *base, int remove);

static int file_close(sqlite3_file *base)
{
	struct handle *handle = (struct handle *)base;

	(void)file_unlock(base, SQLITE_LOCK_NONE);
	(void)file_shm_unmap(base, 0);
	if (handle->remove)
		drop(handle->file);
	return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *data, int size, sqlite3_int64 offset)
{
	struct handle *handle = (struct handle *)base;
	const struct bytes *now = &handle->file->now;
	size_t at = (size_t)offset, wanted = (size_t)size, there;
	int code = operate(handle->world, SQLITE_IOERR_READ, true);

	if (code != SQLITE_OK)
		return code;
	there = at < now->size ? now->size - at : 0;
	if (there > wanted)
		there = wanted;
	if (there > 0)
		memcpy(data, now->data + at, there);
	memset((uint8_t *)data + there, 0, wanted - there);
	return there == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *base, const void *data, int size, sqlite3_int64 offset)
{
	struct handle *handle = (struct handle *)base;
	bool powered = !handle->world->dead;
	int code = operate(handle->world, SQLITE_IOERR_WRITE, false);

	/* The write in which the power fails is on its way already. */
	if (code == SQLITE_OK || (powered && handle->world->dead)) {
		bytes_write(&handle->file->now, (size_t)offset, data, (size_t)size);
		remember(handle->file, (size_t)offset, data, (size_t)size, false);
	}
	return code;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct handle *handle = (struct handle *)base;
	int code = operate(handle->world, SQLITE_IOERR_TRUNCATE, false);

	if (code != SQLITE_OK)
		return code;
	bytes_resize(&handle->file->now, (size_t)size);
	remember(handle->file, (size_t)size, NULL, 0, true);
	return SQLITE_OK;
}

static int file_sync(sqlite3_file *base, int flags)
{
	struct handle *handle = (struct handle *)base;
	struct stored *file = handle->file;
	int code = operate(handle->world, SQLITE_IOERR_FSYNC, false);

	(void)flags;
	if (code != SQLITE_OK) {
		/* As Linux does it: the pages are clean now, and not on the disk. */
		for (struct pending *p = file->first; !handle->world->dead && p; p = p->next)
			p->lost = true;
		return code;
	}
	if (handle->world->lying)
		return SQLITE_OK;
	for (struct pending *p = file->first; p; p = p->next)
		if (!p->lost)
			carry_over(file, p);
	forget_pending(file);
	return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)((struct handle *)base)->file->now.size;
	return SQLITE_OK;
}

static int file_lock(sqlite3_file *base, int level)
{
	struct handle *handle = (struct handle *)base;
	struct stored *file = handle->file;

	if (level <= handle->lock)
		return SQLITE_OK;
	if (handle->lock == SQLITE_LOCK_NONE) {
		if (file->exclusive > 0)
			return SQLITE_BUSY;
		file->shared++;
		handle->lock = SQLITE_LOCK_SHARED;
	}
	if (level >= SQLITE_LOCK_RESERVED && handle->lock < SQLITE_LOCK_RESERVED) {
		if (file->reserved > 0)
			return SQLITE_BUSY;
		file->reserved++;
		handle->lock = SQLITE_LOCK_RESERVED;
	}
	if (level == SQLITE_LOCK_EXCLUSIVE) {
		if (file->shared > 1)
			return SQLITE_BUSY;
		file->exclusive++;
		handle->lock = SQLITE_LOCK_EXCLUSIVE;
	}
	return SQLITE_OK;
}

static int file_unlock(sqlite3_file *base, int level)
{
	struct handle *handle = (struct handle *)base;
	struct stored *file = handle->file;

	if (handle->lock == SQLITE_LOCK_EXCLUSIVE && level < SQLITE_LOCK_EXCLUSIVE) {
		file->exclusive--;
		handle->lock = SQLITE_LOCK_RESERVED;
	}
	if (handle->lock == SQLITE_LOCK_RESERVED && level < SQLITE_LOCK_RESERVED) {
		file->reserved--;
		handle->lock = SQLITE_LOCK_SHARED;
	}
	if (handle->lock == SQLITE_LOCK_SHARED && level < SQLITE_LOCK_SHARED) {
		file->shared--;
		handle->lock = SQLITE_LOCK_NONE;
	}
	return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *base, int *ret)
{
	*ret = ((struct handle *)base)->file->reserved > 0;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int operation, void *argument)
{
	(void)base;
	(void)operation;
	(void)argument;
	return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *base)
{
	(void)base;
	return BLOCK;
}

/* A torn write may spoil the bytes beside it. As the system's VFS, this one promises the opposite
 * unless it is told psow=0. */
static int file_characteristics(sqlite3_file *base)
{
	return ((struct handle *)base)->psow ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : 0;
}

static int file_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **ret)
{
	struct handle *handle = (struct handle *)base;
	struct stored *file = handle->file;

	assert(region < REGIONS_MAX);
	if (!handle->mapped) {
		handle->mapped = true;
		file->shm_users++;
	}
	if (!file->regions[region] && extend) {
		file->regions[region] = calloc(1, (size_t)size);
		assert(file->regions[region]);
	}
	*ret = file->regions[region];
	return SQLITE_OK;
}

static int file_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
	struct handle *handle = (struct handle *)base;
	struct stored *file = handle->file;

	for (int i = offset; i < offset + count && (flags & SQLITE_SHM_LOCK); i++) {
		unsigned bit = 1U << i;
		int others = file->shm_shared[i] - ((handle->shm_shared & bit) != 0);

		if (file->shm_exclusive[i] && !(handle->shm_exclusive & bit))
			return SQLITE_BUSY;
		if ((flags & SQLITE_SHM_EXCLUSIVE) && others > 0)
			return SQLITE_BUSY;
	}
	for (int i = offset; i < offset + count; i++) {
		unsigned bit = 1U << i;

		if (flags & SQLITE_SHM_UNLOCK) {
			if (handle->shm_shared & bit)
				file->shm_shared[i]--;
			if (handle->shm_exclusive & bit)
				file->shm_exclusive[i] = false;
			handle->shm_shared &= ~bit;
			handle->shm_exclusive &= ~bit;
		} else if (flags & SQLITE_SHM_EXCLUSIVE) {
			file->shm_exclusive[i] = true;
			handle->shm_exclusive |= bit;
		} else if (!(handle->shm_shared & bit)) {
			file->shm_shared[i]++;
			handle->shm_shared |= bit;
		}
	}
	return SQLITE_OK;
}

static void file_shm_barrier(sqlite3_file *base)
{
	(void)base;
}

static int file_shm_unmap(sqlite3_file *base, int remove)
{
	struct handle *handle = (struct handle *)base;
	struct stored *file = handle->file;

	(void)remove;
	if (!handle->mapped)
		return SQLITE_OK;
	(void)file_shm_lock(base, 0, SQLITE_SHM_NLOCK, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
	handle->mapped = false;
	/* As the memory of a real one: gone with its last user. */
	if (--file->shm_users == 0)
		for (size_t i = 0; i < REGIONS_MAX; i++) {
			free(file->regions[i]);
			file->regions[i] = NULL;
		}
	return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
		    int *ret_flags)
{
	struct world *world = vfs->pAppData;
	struct handle *handle = (struct handle *)base;
	struct stored *file;

	memset(handle, 0, sizeof(*handle));
	if (world->dead)
		return SQLITE_IOERR;
	if (!name)
		name = "(temporary)";
	file = find(world, name);
	if (!file) {
		if (!(flags & SQLITE_OPEN_CREATE))
			return SQLITE_CANTOPEN;
		file = find(world, "");
		assert(file && strlen(name) < sizeof(file->name));
		(void)snprintf(file->name, sizeof(file->name), "%s", name);
	}
	handle->world = world;
	handle->file = file;
	handle->psow = (flags & SQLITE_OPEN_URI) == 0 || sqlite3_uri_boolean(name, "psow", 1);
	handle->remove = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
	base->pMethods = &methods;
	if (ret_flags)
		*ret_flags = flags;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	struct world *world = vfs->pAppData;
	struct stored *file = find(world, name);
	int code = operate(world, SQLITE_IOERR_DELETE, false);

	(void)sync;
	if (code != SQLITE_OK)
		return code;
	if (!file)
		return SQLITE_IOERR_DELETE_NOENT;
	drop(file);
	return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
	(void)flags;
	*ret = find(vfs->pAppData, name) != NULL;
	return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *ret)
{
	(void)vfs;
	(void)snprintf(ret, (size_t)size, "%s", name);
	return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *ret)
{
	struct world *world = vfs->pAppData;

	for (int i = 0; i < size; i++)
		ret[i] = (char)toss(world);
	return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
	(void)vfs;
	return us;
}

static int vfs_now(sqlite3_vfs *vfs, sqlite3_int64 *ret)
{
	(void)vfs;
	*ret = INT64_C(212633812800000);
	return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int size, char *text)
{
	(void)vfs;
	(void)size;
	(void)text;
	return 0;
}

struct world *world_open(uint64_t seed)
{
	struct world *world = calloc(1, sizeof(*world));

	assert(world);
	world->random = seed;
	world->vfs = (sqlite3_vfs){
		.iVersion = 2,
		.szOsFile = sizeof(struct handle),
		.mxPathname = 63,
		.zName = "crash",
		.pAppData = world,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_full_path,
		.xRandomness = vfs_randomness,
		.xSleep = vfs_sleep,
		.xGetLastError = vfs_last_error,
		.xCurrentTimeInt64 = vfs_now,
	};
	(void)sqlite3_vfs_register(&world->vfs, 0);
	return world;
}

struct world *world_close(struct world *world)
{
	(void)sqlite3_vfs_unregister(&world->vfs);
	for (size_t i = 0; i < FILES_MAX; i++)
		drop(&world->files[i]);
	free(world);
	return NULL;
}

void world_arm(struct world *world, enum fault fault, uint64_t operation, bool count_reads)
{
	world->fault = fault;
	world->at = operation;
	world->operations = 0;
	world->struck = false;
	world->count_reads = count_reads;
}

void world_lie(struct world *world, bool lie)
{
	world->lying = lie;
}

uint64_t world_operations(const struct world *world)
{
	return world->operations;
}

bool world_struck(const struct world *world)
{
	return world->struck;
}

void world_heal(struct world *world)
{
	world->fault = FAULT_NONE;
}

void world_power_on(struct world *world)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		struct stored *file = &world->files[i];

		if (file->name[0] == '\0')
			continue;
		assert(file->shared == 0 && file->shm_users == 0);
		for (const struct pending *p = file->first; p; p = p->next) {
			uint64_t fate = toss(world) % 4;

			if (p->lost || fate == 0)
				continue;
			if (fate == 1 && !p->truncate)
				tear(world, file, p);
			else
				carry_over(file, p);
		}
		forget_pending(file);
		bytes_resize(&file->now, 0);
		if (file->disk.size > 0)
			bytes_write(&file->now, 0, file->disk.data, file->disk.size);
	}
	world->dead = false;
	world->fault = FAULT_NONE;
}
