// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

// The disk as SQLite sees it (https://www.sqlite.org/c3ref/vfs.html, https://www.sqlite.org/c3ref/io_methods.html).

#include "disk.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct handle {
    sqlite3_file base;
    struct toll_disk *disk;
    struct file *file;
    uint64_t life;
    int lock;
    /// The next sync must make the file's name durable too.
    bool syncs_directory;
    bool is_deleted_on_close;
    struct shared_memory *memory;
    uint16_t shared, exclusive;
};

static struct handle *enter(sqlite3_file *file) {
    struct handle *handle = (struct handle *)file;
    pthread_mutex_lock(&handle->disk->mutex);
    return handle;
}

static int leave(const struct handle *handle, int result) {
    pthread_mutex_unlock(&handle->disk->mutex);
    return result;
}

static bool is_dead(const struct handle *handle) { return handle->life != handle->disk->life; }

// Reading and writing.

static int read_file(sqlite3_file *base, void *bytes, int count, sqlite3_int64 offset) {
    struct handle *handle = enter(base);
    const struct image *image = &handle->file->now;
    enum toll_disk_fault fault = next_fault(handle->disk, TOLL_DISK_READ);
    if (fault == TOLL_DISK_LOSES_POWER) cut_power(handle->disk);
    if (is_dead(handle) || (fault != TOLL_DISK_WORKS && fault != TOLL_DISK_READS_SHORT)) return leave(handle, SQLITE_IOERR_READ);
    size_t there = (uint64_t)offset < image->count ? image->count - (size_t)offset : 0;
    if (there > (size_t)count) there = (size_t)count;
    if (fault == TOLL_DISK_READS_SHORT && there) there = next_random(handle->disk) % there;
    if (there) memcpy(bytes, image->bytes + offset, there);
    memset((uint8_t *)bytes + there, 0, (size_t)count - there);
    return leave(handle, there < (size_t)count ? SQLITE_IOERR_SHORT_READ : SQLITE_OK);
}

static int write_file(sqlite3_file *base, const void *bytes, int count, sqlite3_int64 offset) {
    struct handle *handle = enter(base);
    struct toll_disk *disk = handle->disk;
    enum toll_disk_fault fault = next_fault(disk, TOLL_DISK_WRITE);
    if (is_dead(handle) || fault == TOLL_DISK_FAILS || fault == TOLL_DISK_READS_SHORT) return leave(handle, SQLITE_IOERR_WRITE);
    uint64_t end = (uint64_t)offset + (uint64_t)count, grown = end > handle->file->now.count ? end - handle->file->now.count : 0;
    uint64_t used = grown && disk->limit != UINT64_MAX ? used_bytes(disk) : 0;
    if (fault == TOLL_DISK_IS_FULL || (grown && used + grown > disk->limit)) {
        // What fits is written: all that lies in the file already.
        size_t fits = grown < (uint64_t)count ? (size_t)((uint64_t)count - grown) : 0;
        if (fits) file_write(handle->file, (uint64_t)offset, bytes, fits);
        return leave(handle, SQLITE_FULL);
    }
    file_write(handle->file, (uint64_t)offset, bytes, (size_t)count);
    if (fault == TOLL_DISK_WORKS) return leave(handle, SQLITE_OK);
    cut_power(disk);
    return leave(handle, SQLITE_IOERR_WRITE);
}

static int truncate_file(sqlite3_file *base, sqlite3_int64 size) {
    struct handle *handle = enter(base);
    enum toll_disk_fault fault = next_fault(handle->disk, TOLL_DISK_TRUNCATE);
    bool happens = fault == TOLL_DISK_WORKS || fault == TOLL_DISK_LOSES_POWER;
    if (is_dead(handle) || !happens) return leave(handle, SQLITE_IOERR_TRUNCATE);
    file_truncate(handle->file, (size_t)size);
    if (fault == TOLL_DISK_LOSES_POWER) cut_power(handle->disk);
    return leave(handle, fault == TOLL_DISK_WORKS ? SQLITE_OK : SQLITE_IOERR_TRUNCATE);
}

static int sync_file(sqlite3_file *base, int flags) {
    (void)flags;
    struct handle *handle = enter(base);
    enum toll_disk_fault fault = next_fault(handle->disk, TOLL_DISK_SYNC);
    if (is_dead(handle)) return leave(handle, SQLITE_IOERR_FSYNC);
    if (fault == TOLL_DISK_LOSES_POWER) cut_power(handle->disk);
    else if (fault != TOLL_DISK_WORKS) file_fail_sync(handle->disk, handle->file);
    if (fault != TOLL_DISK_WORKS) return leave(handle, SQLITE_IOERR_FSYNC);
    file_sync(handle->file);
    if (handle->syncs_directory) directory_sync(handle->disk);
    handle->syncs_directory = false;
    return leave(handle, SQLITE_OK);
}

static int file_size(sqlite3_file *base, sqlite3_int64 *size) {
    struct handle *handle = enter(base);
    *size = (sqlite3_int64)handle->file->now.count;
    return leave(handle, is_dead(handle) ? SQLITE_IOERR_FSTAT : SQLITE_OK);
}

// Locks (https://www.sqlite.org/lockingv3.html).

static int lock_file(sqlite3_file *base, int level) {
    struct handle *handle = enter(base);
    struct file *file = handle->file;
    if (is_dead(handle)) return leave(handle, SQLITE_IOERR_LOCK);
    if (handle->lock >= level) return leave(handle, SQLITE_OK);
    if (file->pending_by && file->pending_by != handle) return leave(handle, SQLITE_BUSY);
    if (level > SQLITE_LOCK_SHARED && file->reserved_by && file->reserved_by != handle) return leave(handle, SQLITE_BUSY);
    if (handle->lock == SQLITE_LOCK_NONE) file->shared_lock_count++;
    if (level >= SQLITE_LOCK_RESERVED) file->reserved_by = handle;
    if (level >= SQLITE_LOCK_PENDING) file->pending_by = handle;
    if (level == SQLITE_LOCK_EXCLUSIVE && file->shared_lock_count > 1) {
        handle->lock = SQLITE_LOCK_PENDING;
        return leave(handle, SQLITE_BUSY);
    }
    handle->lock = level;
    return leave(handle, SQLITE_OK);
}

static void unlock(struct handle *handle, int level) {
    struct file *file = handle->file;
    if (handle->lock <= level) return;
    if (file->reserved_by == handle) file->reserved_by = NULL;
    if (file->pending_by == handle) file->pending_by = NULL;
    if (level == SQLITE_LOCK_NONE) file->shared_lock_count--;
    handle->lock = level;
}

static int unlock_file(sqlite3_file *base, int level) {
    struct handle *handle = enter(base);
    if (!is_dead(handle)) unlock(handle, level);
    return leave(handle, SQLITE_OK);
}

static int is_reserved(sqlite3_file *base, int *result) {
    struct handle *handle = enter(base);
    *result = handle->file->reserved_by != NULL;
    return leave(handle, is_dead(handle) ? SQLITE_IOERR_CHECKRESERVEDLOCK : SQLITE_OK);
}

// Shared memory (https://www.sqlite.org/walformat.html §2).

void drop_memory(struct shared_memory *memory) {
    if (--memory->handle_count) return;
    for (int i = 0; i < memory->region_count; i++) free(memory->regions[i]);
    free(memory);
}

static int map_memory(sqlite3_file *base, int region, int size, int extend, void volatile **mapped) {
    struct handle *handle = enter(base);
    *mapped = NULL;
    if (is_dead(handle)) return leave(handle, SQLITE_IOERR_SHMMAP);
    if (!handle->file->memory) handle->file->memory = must(calloc(1, sizeof *handle->memory));
    if (!handle->memory) {
        handle->memory = handle->file->memory;
        handle->memory->handle_count++;
    }
    struct shared_memory *memory = handle->memory;
    if (region >= memory->region_count && !extend) return leave(handle, SQLITE_OK);
    if (region >= (int)(sizeof memory->regions / sizeof *memory->regions)) return leave(handle, SQLITE_IOERR_SHMMAP);
    while (memory->region_count <= region) memory->regions[memory->region_count++] = must(calloc(1, (size_t)size));
    *mapped = memory->regions[region];
    return leave(handle, SQLITE_OK);
}

static int take_memory_locks(struct handle *handle, int first, int count, bool exclusive) {
    struct shared_memory *memory = handle->memory;
    for (int i = first; i < first + count; i++) {
        int others = memory->shared[i] - (handle->shared >> i & 1);
        bool is_taken = memory->exclusive[i] && !(handle->exclusive >> i & 1);
        if (is_taken || (exclusive && others)) return SQLITE_BUSY;
    }
    for (int i = first; i < first + count; i++) {
        uint16_t bit = (uint16_t)(1u << i);
        if (exclusive) {
            memory->exclusive[i] = true;
            handle->exclusive |= bit;
        } else if (!(handle->shared & bit)) {
            memory->shared[i]++;
            handle->shared |= bit;
        }
    }
    return SQLITE_OK;
}

static void give_memory_locks(struct handle *handle, int first, int count) {
    struct shared_memory *memory = handle->memory;
    for (int i = first; i < first + count; i++) {
        uint16_t bit = (uint16_t)(1u << i);
        if (handle->exclusive & bit) memory->exclusive[i] = false;
        if (handle->shared & bit) memory->shared[i]--;
        handle->exclusive &= (uint16_t)~bit;
        handle->shared &= (uint16_t)~bit;
    }
}

static int lock_memory(sqlite3_file *base, int first, int count, int flags) {
    struct handle *handle = enter(base);
    if (is_dead(handle) || !handle->memory) return leave(handle, SQLITE_IOERR_SHMLOCK);
    if (flags & SQLITE_SHM_LOCK) return leave(handle, take_memory_locks(handle, first, count, flags & SQLITE_SHM_EXCLUSIVE));
    give_memory_locks(handle, first, count);
    return leave(handle, SQLITE_OK);
}

static void memory_barrier(sqlite3_file *base) {
    __sync_synchronize();
    leave(enter(base), SQLITE_OK);
}

static void unmap(struct handle *handle) {
    struct shared_memory *memory = handle->memory;
    if (!memory) return;
    give_memory_locks(handle, 0, SQLITE_SHM_NLOCK);
    if (memory->handle_count == 1 && handle->file->memory == memory) handle->file->memory = NULL;
    handle->memory = NULL;
    drop_memory(memory);
}

static int unmap_memory(sqlite3_file *base, int delete) {
    (void)delete;  // Nobody can open what the last handle leaves: the next one starts with fresh memory either way.
    struct handle *handle = enter(base);
    unmap(handle);
    return leave(handle, SQLITE_OK);
}

// The rest of a file.

static int close_file(sqlite3_file *base) {
    struct handle *handle = enter(base);
    struct toll_disk *disk = handle->disk;
    struct file *file = handle->file;
    unmap(handle);
    if (!is_dead(handle)) {
        unlock(handle, SQLITE_LOCK_NONE);
        if (handle->is_deleted_on_close) file->is_listed = false;
    }
    file->handle_count--;
    release_file(disk, file);
    pthread_mutex_unlock(&disk->mutex);
    return SQLITE_OK;
}

static int control(sqlite3_file *base, int operation, void *argument) {
    (void)base, (void)operation, (void)argument;
    return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *base) {
    (void)base;
    return SECTOR;
}

/// As the Unix VFS says by default, and as this disk keeps: a write harms nothing beside what it writes.
static int characteristics(sqlite3_file *base) {
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = file_size,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = is_reserved,
    .xFileControl = control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = map_memory,
    .xShmLock = lock_memory,
    .xShmBarrier = memory_barrier,
    .xShmUnmap = unmap_memory,
};

// The directory.

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *granted) {
    struct toll_disk *disk = vfs->pAppData;
    struct handle *handle = (struct handle *)base;
    memset(handle, 0, sizeof *handle);
    pthread_mutex_lock(&disk->mutex);
    enum toll_disk_fault fault = next_fault(disk, TOLL_DISK_OPEN);
    if (fault == TOLL_DISK_LOSES_POWER) cut_power(disk);
    struct file *file = name ? find_file(disk, name) : NULL;
    bool is_new = !file;
    if (fault != TOLL_DISK_WORKS || (is_new && !(flags & SQLITE_OPEN_CREATE))) {
        pthread_mutex_unlock(&disk->mutex);
        return fault == TOLL_DISK_IS_FULL ? SQLITE_FULL : SQLITE_CANTOPEN;
    }
    if (is_new) file = add_file(disk, name);
    file->handle_count++;
    int journals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
    *handle = (struct handle){
        .base = {.pMethods = &methods},
        .disk = disk,
        .file = file,
        .life = disk->life,
        // As the Unix VFS: also when another process has just made the file and has not synced it.
        .syncs_directory = (flags & SQLITE_OPEN_CREATE) && (flags & journals),
        .is_deleted_on_close = flags & SQLITE_OPEN_DELETEONCLOSE,
    };
    if (granted) *granted = flags;
    pthread_mutex_unlock(&disk->mutex);
    return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int syncs_directory) {
    struct toll_disk *disk = vfs->pAppData;
    pthread_mutex_lock(&disk->mutex);
    enum toll_disk_fault fault = next_fault(disk, TOLL_DISK_DELETE);
    struct file *file = find_file(disk, name);
    int result = fault == TOLL_DISK_WORKS ? SQLITE_OK : SQLITE_IOERR_DELETE;
    if (result == SQLITE_OK && !file) result = SQLITE_IOERR_DELETE_NOENT;
    if (file && (fault == TOLL_DISK_WORKS || fault == TOLL_DISK_LOSES_POWER)) {
        file->is_listed = false;
        release_file(disk, file);
    }
    if (fault == TOLL_DISK_LOSES_POWER) cut_power(disk);
    else if (result == SQLITE_OK && syncs_directory) directory_sync(disk);
    pthread_mutex_unlock(&disk->mutex);
    return result;
}

/// As the Unix VFS: an empty file is none when somebody asks whether there is one.
static int access_file(sqlite3_vfs *vfs, const char *name, int flags, int *result) {
    struct toll_disk *disk = vfs->pAppData;
    pthread_mutex_lock(&disk->mutex);
    const struct file *file = find_file(disk, name);
    *result = file && (flags != SQLITE_ACCESS_EXISTS || file->now.count);
    bool has_power = disk->has_power;
    pthread_mutex_unlock(&disk->mutex);
    return has_power ? SQLITE_OK : SQLITE_IOERR_ACCESS;
}

static int full_path(sqlite3_vfs *vfs, const char *name, int capacity, char *path) {
    (void)vfs;
    size_t count = strlen(name) + 1;
    if (count > (size_t)capacity) return SQLITE_CANTOPEN;
    memcpy(path, name, count);
    return SQLITE_OK;
}

static int randomness(sqlite3_vfs *vfs, int count, char *bytes) {
    struct toll_disk *disk = vfs->pAppData;
    pthread_mutex_lock(&disk->mutex);
    for (int i = 0; i < count; i++) bytes[i] = (char)next_random(disk);
    pthread_mutex_unlock(&disk->mutex);
    return count;
}

static int sleep_for(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs;
    usleep((useconds_t)microseconds);
    return microseconds;
}

/// The same moment always: 2026-01-01, in milliseconds of the Julian day.
static int current_time(sqlite3_vfs *vfs, sqlite3_int64 *milliseconds) {
    (void)vfs;
    *milliseconds = INT64_C(212633985600000);
    return SQLITE_OK;
}

static int last_error(sqlite3_vfs *vfs, int capacity, char *text) {
    (void)vfs;
    if (capacity > 0) text[0] = '\0';
    return 0;
}

void make_vfs(struct toll_disk *disk, const char *name) {
    disk->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = sizeof(struct handle),
        .mxPathname = 512,
        .zName = name,
        .pAppData = disk,
        .xOpen = open_file,
        .xDelete = delete_file,
        .xAccess = access_file,
        .xFullPathname = full_path,
        .xRandomness = randomness,
        .xSleep = sleep_for,
        .xGetLastError = last_error,
        .xCurrentTimeInt64 = current_time,
    };
}
