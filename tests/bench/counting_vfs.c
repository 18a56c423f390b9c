/* counting_vfs.c - see counting_vfs.h. One thread. */
#include "tests/bench/counting_vfs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#define BLOCK 4096

static sqlite3_vfs *below;
static int64_t written_blocks;

/* The file of the VFS below lies behind it. */
struct counted {
	sqlite3_file file;
	bool is_log;
	uint8_t *dirty; /* a byte a block */
	size_t blocks;
};

static sqlite3_file *real(sqlite3_file *file)
{
	return (sqlite3_file *)((struct counted *)(void *)file + 1);
}

static int do_close(sqlite3_file *file)
{
	free(((struct counted *)(void *)file)->dirty);
	return real(file)->pMethods->xClose(real(file));
}

static int do_read(sqlite3_file *file, void *to, int size, sqlite3_int64 at)
{
	return real(file)->pMethods->xRead(real(file), to, size, at);
}

static int do_write(sqlite3_file *file, const void *from, int size, sqlite3_int64 at)
{
	struct counted *counted = (struct counted *)(void *)file;
	size_t end = (size_t)((at + size + BLOCK - 1) / BLOCK);

	if (end > counted->blocks) {
		size_t blocks = 2 * end;
		uint8_t *grown = realloc(counted->dirty, blocks);

		if (!grown)
			return SQLITE_NOMEM;
		memset(grown + counted->blocks, 0, blocks - counted->blocks);
		counted->dirty = grown;
		counted->blocks = blocks;
	}
	for (size_t block = (size_t)(at / BLOCK); block < end; block++) {
		written_blocks += !counted->dirty[block];
		counted->dirty[block] = 1;
	}
	return real(file)->pMethods->xWrite(real(file), from, size, at);
}

static int do_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return real(file)->pMethods->xTruncate(real(file), size);
}

static int do_sync(sqlite3_file *file, int flags)
{
	struct counted *counted = (struct counted *)(void *)file;

	(void)flags;
	if (counted->blocks > 0)
		memset(counted->dirty, 0, counted->blocks);
	if (counted->is_log)
		written_blocks += 2;
	return SQLITE_OK;
}

static int do_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	return real(file)->pMethods->xFileSize(real(file), ret);
}

static int do_lock(sqlite3_file *file, int lock)
{
	return real(file)->pMethods->xLock(real(file), lock);
}

static int do_unlock(sqlite3_file *file, int lock)
{
	return real(file)->pMethods->xUnlock(real(file), lock);
}

static int do_reserved(sqlite3_file *file, int *ret)
{
	return real(file)->pMethods->xCheckReservedLock(real(file), ret);
}

static int do_control(sqlite3_file *file, int op, void *argument)
{
	return real(file)->pMethods->xFileControl(real(file), op, argument);
}

static int do_sector(sqlite3_file *file)
{
	return real(file)->pMethods->xSectorSize(real(file));
}

static int do_device(sqlite3_file *file)
{
	return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int do_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret)
{
	return real(file)->pMethods->xShmMap(real(file), page, size, extend, ret);
}

static int do_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}

static void do_barrier(sqlite3_file *file)
{
	real(file)->pMethods->xShmBarrier(real(file));
}

static int do_unmap(sqlite3_file *file, int remove)
{
	return real(file)->pMethods->xShmUnmap(real(file), remove);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = do_close,
	.xRead = do_read,
	.xWrite = do_write,
	.xTruncate = do_truncate,
	.xSync = do_sync,
	.xFileSize = do_size,
	.xLock = do_lock,
	.xUnlock = do_unlock,
	.xCheckReservedLock = do_reserved,
	.xFileControl = do_control,
	.xSectorSize = do_sector,
	.xDeviceCharacteristics = do_device,
	.xShmMap = do_map,
	.xShmLock = do_shm_lock,
	.xShmBarrier = do_barrier,
	.xShmUnmap = do_unmap,
};

static int do_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
		   int *ret_flags)
{
	struct counted *counted = (struct counted *)(void *)file;
	int code;

	(void)vfs;
	*counted = (struct counted){.is_log = (flags & SQLITE_OPEN_WAL) != 0};
	code = below->xOpen(below, name, real(file), flags, ret_flags);
	if (real(file)->pMethods)
		counted->file.pMethods = &methods;
	return code;
}

int counting_vfs_register(void)
{
	static sqlite3_vfs counting;

	below = sqlite3_vfs_find(NULL);
	counting = *below;
	counting.szOsFile += (int)sizeof(struct counted);
	counting.pNext = NULL;
	counting.zName = "counting";
	counting.xOpen = do_open;
	return sqlite3_vfs_register(&counting, 1);
}

int64_t counting_vfs_bytes(void)
{
	return written_blocks * BLOCK;
}
