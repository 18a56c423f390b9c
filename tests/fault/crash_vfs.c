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
	bool named;    /* its name is on the platter too */
	bool apart;    /* now and disk differ by more than what is pending: a sync has failed */
	struct bytes now;
	struct bytes disk;
	struct pending *first, *last;
	int shared, reserved, exclusive; /* holders of the file's locks */
	void *regions[REGIONS_MAX];
	int shm_users;
	int shm_shared[SQLITE_SHM_NLOCK];
	bool shm_exclusive[SQLITE_SHM_NLOCK];
};

/* The operation that is being asked for, before anything of it has happened. */
struct asked {
	struct stored *file; /* NULL: nothing that a cut could leave half done */
	const void *data;
	size_t offset;
	size_t size;
	bool truncate;
};

struct world {
	sqlite3_vfs vfs;
	uint64_t random;
	enum fault fault;
	uint64_t at, operations;
	bool count_reads, struck, dead, lying, solid;
	world_watch_fn watch;
	void *userdata;
	struct asked asked;
	struct stored files[FILES_MAX];
	struct stored
		deleted; /* what comes back if the folder was not synced since; one is enough */
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
	struct pending *pending = malloc(sizeof(*pending) + size);

	assert(pending);
	*pending = (struct pending){.offset = offset, .size = size, .truncate = truncate};
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

static void garble(struct world *world, struct bytes *bytes, size_t offset, size_t size)
{
	size_t end = offset + size < bytes->size ? offset + size : bytes->size;

	for (size_t at = offset; at < end; at += sizeof(uint64_t)) {
		uint64_t noise = toss(world);

		memcpy(bytes->data + at, &noise,
		       end - at < sizeof(noise) ? end - at : sizeof(noise));
	}
}

/* What a write that no sync confirmed leaves behind. */
static void tear(struct world *world, struct stored *file, const struct pending *pending)
{
	size_t end = pending->offset + pending->size;
	bool spoils = toss(world) % 4 == 0;

	for (size_t at = pending->offset; at < end;) {
		size_t next = (at / SECTOR + 1) * SECTOR;

		if (next > end)
			next = end;
		if (toss(world) & 1)
			bytes_write(&file->disk, at, pending->data + (at - pending->offset),
				    next - at);
		at = next;
	}
	if (spoils && pending->offset < file->disk.size) {
		size_t block = pending->offset / BLOCK * BLOCK;

		garble(world, &file->disk, block, BLOCK);
	}
}

static int strike(struct world *world, enum operation operation, int failure)
{
	switch (world->fault) {
	case FAULT_POWER:
		world->dead = true;
		return failure;
	case FAULT_FULL:
		return operation == OPERATION_WRITE ? SQLITE_FULL : SQLITE_OK;
	case FAULT_READ_ONLY:
		return operation == OPERATION_WRITE || operation == OPERATION_TRUNCATE ||
				       operation == OPERATION_DELETE
			       ? failure
			       : SQLITE_OK;
	case FAULT_IO_ONCE:
	case FAULT_IO:
		return failure;
	case FAULT_NONE:
	default:
		return SQLITE_OK;
	}
}

static bool is_counted(const struct world *world, enum operation operation)
{
	switch (operation) {
	case OPERATION_WRITE:
	case OPERATION_SYNC:
	case OPERATION_TRUNCATE:
	case OPERATION_DELETE:
		return true;
	case OPERATION_READ:
	case OPERATION_LOCK:
	case OPERATION_SHARED_MEMORY:
	default:
		return world->count_reads;
	}
}

/* Counts the operation; what it fails with, or SQLITE_OK. */
static int operate(struct world *world, enum operation operation, int failure)
{
	if (world->dead)
		return failure;
	if (!is_counted(world, operation))
		return SQLITE_OK;
	world->operations++;
	if (world->watch)
		world->watch(operation, world->userdata);
	world->asked.file = NULL;
	if (world->fault == FAULT_NONE || world->operations < world->at)
		return SQLITE_OK;
	if (world->fault == FAULT_IO_ONCE && world->struck)
		return SQLITE_OK;
	world->struck = true;
	return strike(world, operation, failure);
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
	int code = operate(handle->world, OPERATION_READ, SQLITE_IOERR_READ);

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
	int code;

	handle->world->asked = (struct asked){
		.file = handle->file, .data = data, .offset = (size_t)offset, .size = (size_t)size};
	code = operate(handle->world, OPERATION_WRITE, SQLITE_IOERR_WRITE);

	/* The write in which the power fails is on its way already. */
	if (code == SQLITE_OK || (powered && handle->world->dead)) {
		bytes_write(&handle->file->now, (size_t)offset, data, (size_t)size);
		if (!handle->world->solid)
			remember(handle->file, (size_t)offset, data, (size_t)size, false);
	}
	return code;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct handle *handle = (struct handle *)base;
	int code;

	handle->world->asked = (struct asked){
		.file = handle->file, .offset = (size_t)size, .truncate = true};
	code = operate(handle->world, OPERATION_TRUNCATE, SQLITE_IOERR_TRUNCATE);
	if (code != SQLITE_OK)
		return code;
	bytes_resize(&handle->file->now, (size_t)size);
	if (!handle->world->solid)
		remember(handle->file, (size_t)size, NULL, 0, true);
	return SQLITE_OK;
}

static int file_sync(sqlite3_file *base, int flags)
{
	struct handle *handle = (struct handle *)base;
	struct stored *file = handle->file;
	int code = operate(handle->world, OPERATION_SYNC, SQLITE_IOERR_FSYNC);

	(void)flags;
	if (code != SQLITE_OK) {
		/* As Linux does it: the pages are clean now, and not on the disk. */
		for (struct pending *p = file->first; !handle->world->dead && p; p = p->next)
			p->lost = file->apart = true;
		return code;
	}
	if (handle->world->lying)
		return SQLITE_OK;
	for (struct pending *p = file->first; p; p = p->next)
		if (!p->lost)
			carry_over(file, p);
	forget_pending(file);
	/* As the system's VFS: the folder is synced with the first sync of a new log. */
	if (!file->named) {
		file->named = true;
		drop(&handle->world->deleted);
	}
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
	if (operate(handle->world, OPERATION_LOCK, SQLITE_IOERR_LOCK) != SQLITE_OK)
		return SQLITE_IOERR_LOCK;
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
	if (operate(handle->world, OPERATION_SHARED_MEMORY, SQLITE_IOERR_SHMMAP) != SQLITE_OK)
		return SQLITE_IOERR_SHMMAP;
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

	if ((flags & SQLITE_SHM_LOCK) &&
	    operate(handle->world, OPERATION_SHARED_MEMORY, SQLITE_IOERR_SHMLOCK) != SQLITE_OK)
		return SQLITE_IOERR_SHMLOCK;
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
		if (world->fault == FAULT_READ_ONLY && world->operations >= world->at)
			return SQLITE_CANTOPEN;
		file = find(world, "");
		assert(file && strlen(name) < sizeof(file->name));
		(void)snprintf(file->name, sizeof(file->name), "%s", name);
		/* The program syncs the folder when it makes the database. */
		file->named = (flags & SQLITE_OPEN_MAIN_DB) != 0;
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
	int code = operate(world, OPERATION_DELETE, SQLITE_IOERR_DELETE);

	if (code != SQLITE_OK)
		return code;
	if (!file)
		return SQLITE_IOERR_DELETE_NOENT;
	if (file->named && !sync) {
		drop(&world->deleted);
		(void)snprintf(world->deleted.name, sizeof(world->deleted.name), "%s", name);
		world->deleted.disk = file->disk;
		file->disk = (struct bytes){0};
	}
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
	drop(&world->deleted);
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

void world_strike(struct world *world, enum fault fault)
{
	world->fault = fault;
	world->at = world->operations;
	world->struck = false;
}

void world_lie(struct world *world, bool lie)
{
	world->lying = lie;
}

void world_trust(struct world *world)
{
	world->solid = true;
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

void world_watch(struct world *world, world_watch_fn watch, void *userdata)
{
	world->watch = watch;
	world->userdata = userdata;
}

static bool is_kept(struct world *world, enum tearing tearing, const struct stored *file,
		    const struct pending *pending)
{
	switch (tearing) {
	case TEARING_LOST:
		return false;
	case TEARING_KEPT:
		return true;
	case TEARING_REORDERED:
		if (file->first != file->last && (pending == file->first || pending == file->last))
			return pending == file->last;
		return toss(world) & 1;
	case TEARING_SECTORS:
	case TEARING_MIXED:
	default:
		return toss(world) % 4 != 0;
	}
}

static bool is_torn(struct world *world, enum tearing tearing)
{
	return tearing == TEARING_SECTORS || (tearing == TEARING_MIXED && toss(world) % 3 == 0);
}

/* Who reads now reads the platter. Copies what may differ only: a log has megabytes. */
static void reload(struct stored *file)
{
	size_t from = file->apart ? 0 : file->now.size, end = file->apart ? file->disk.size : 0;

	for (const struct pending *p = file->first; p; p = p->next) {
		size_t start = p->offset / BLOCK * BLOCK;
		size_t stop = p->truncate ? file->disk.size
					  : (p->offset + p->size + BLOCK) / BLOCK * BLOCK;

		from = start < from ? start : from;
		end = stop > end ? stop : end;
	}
	bytes_resize(&file->now, file->disk.size);
	end = end < file->disk.size ? end : file->disk.size;
	if (from < end)
		memcpy(file->now.data + from, file->disk.data + from, end - from);
	file->apart = false;
}

static void settle(struct world *world, enum tearing tearing, struct stored *file)
{
	for (const struct pending *p = file->first; p; p = p->next) {
		if (p->lost || !is_kept(world, tearing, file, p))
			continue;
		if (!p->truncate && is_torn(world, tearing))
			tear(world, file, p);
		else
			carry_over(file, p);
	}
	reload(file);
	forget_pending(file);
	file->shared = file->reserved = file->exclusive = file->shm_users = 0;
	memset(file->shm_shared, 0, sizeof(file->shm_shared));
	memset(file->shm_exclusive, 0, sizeof(file->shm_exclusive));
	for (size_t i = 0; i < REGIONS_MAX; i++) {
		free(file->regions[i]);
		file->regions[i] = NULL;
	}
}

/* A name that was made or deleted, and its folder not synced since. */
static void settle_names(struct world *world, enum tearing tearing)
{
	bool back = tearing == TEARING_LOST || (tearing != TEARING_KEPT && (toss(world) & 1));

	for (size_t i = 0; i < FILES_MAX; i++) {
		struct stored *file = &world->files[i];

		if (file->name[0] != '\0' && !file->named && back)
			drop(file);
	}
	if (world->deleted.name[0] != '\0' && back && !find(world, world->deleted.name)) {
		struct stored *file = find(world, "");

		assert(file);
		*file = world->deleted;
		file->named = file->apart = true;
		memset(&world->deleted, 0, sizeof(world->deleted));
	}
	drop(&world->deleted);
}

void world_cut(struct world *world, enum tearing tearing)
{
	struct asked *asked = &world->asked;

	/* Each operation falls apart in its own way. */
	world->random ^= world->operations * UINT64_C(0xd6e8feb86659fd93);
	if (asked->file)
		remember(asked->file, asked->offset, asked->data, asked->size, asked->truncate);
	asked->file = NULL;
	settle_names(world, tearing);
	for (size_t i = 0; i < FILES_MAX; i++)
		if (world->files[i].name[0] != '\0')
			settle(world, tearing, &world->files[i]);
	world->dead = false;
	world->fault = FAULT_NONE;
}

size_t world_pending(const struct world *world)
{
	size_t count = world->asked.file ? 1 : 0;

	for (size_t i = 0; i < FILES_MAX; i++)
		for (const struct pending *p = world->files[i].first; p; p = p->next)
			count++;
	return count;
}

void world_power_on(struct world *world)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		assert(world->files[i].shared == 0 && world->files[i].shm_users == 0);
	world_cut(world, TEARING_MIXED);
}

bool world_spoil(struct world *world, const char *name, size_t page, size_t size)
{
	struct stored *file = find(world, name);
	size_t from = page * BLOCK + toss(world) % (BLOCK / size) * size;

	if (!file || file->now.size < (page + 1) * BLOCK)
		return false;
	for (size_t at = from; at < from + size; at++) {
		file->now.data[at] = (uint8_t)toss(world);
		if (at < file->disk.size)
			file->disk.data[at] = file->now.data[at];
	}
	return true;
}

size_t world_pages(struct world *world, const char *name)
{
	struct stored *file = find(world, name);

	return file ? file->now.size / BLOCK : 0;
}
