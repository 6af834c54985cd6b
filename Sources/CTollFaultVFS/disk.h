// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

#pragma once
#include "CTollFaultVFS.h"

#include <pthread.h>
#include <sqlite3.h>

/// Writes are torn between sectors, never within one.
#define SECTOR 512

/// Bytes that grow; what was never written is zero.
struct image {
    uint8_t *bytes;
    size_t count, capacity;
};

/// What a file was asked for since its last sync, in order.
struct change {
    bool is_truncation;
    /// Whether the kernel has forgotten it after a failed sync: no later sync makes it durable.
    bool is_lost;
    uint64_t offset;
    size_t count;
    uint8_t *bytes;
};

/// The memory that connections to one database share beside its log, and the locks in it.
struct shared_memory {
    int handle_count;
    int region_count;
    void *regions[256];
    int shared[SQLITE_SHM_NLOCK];
    bool exclusive[SQLITE_SHM_NLOCK];
};

struct file {
    struct file *next;
    /// NULL of a temporary file, which is in no directory.
    char *name;
    struct image now, synced;
    struct change *changes;
    size_t change_count, change_capacity;
    /// Whether the directory lists it, and whether it would after a power cut.
    bool is_listed, is_listed_durably;
    int handle_count;
    int shared_lock_count;
    const void *reserved_by, *pending_by;
    struct shared_memory *memory;
};

struct plan {
    uint64_t after, times;
    enum toll_disk_fault fault;
};

struct rate {
    uint32_t per_million;
    enum toll_disk_fault fault;
};

struct toll_disk {
    sqlite3_vfs vfs;
    bool is_mounted;
    pthread_mutex_t mutex;
    uint64_t random;
    /// Counts power cuts and killed processes: a handle of an earlier life is dead.
    uint64_t life;
    bool has_power;
    uint64_t limit;
    struct file *files;
    struct plan plans[TOLL_DISK_CALL_COUNT];
    struct rate rates[TOLL_DISK_CALL_COUNT];
    uint64_t call_counts[TOLL_DISK_CALL_COUNT];
};

// Everything below is called with the disk's mutex held.

void *must(void *allocated);
uint64_t next_random(struct toll_disk *disk);
/// What a call comes to. Counts it.
enum toll_disk_fault next_fault(struct toll_disk *disk, enum toll_disk_call call);
void cut_power(struct toll_disk *disk);

/// The file that the directory lists under `name`; NULL when there is none.
struct file *find_file(struct toll_disk *disk, const char *name);
struct file *add_file(struct toll_disk *disk, const char *name);
/// Frees the file when nobody can ever see it again.
void release_file(struct toll_disk *disk, struct file *file);
/// Bytes that all files have together.
uint64_t used_bytes(struct toll_disk *disk);

void image_write(struct image *image, uint64_t offset, const uint8_t *bytes, size_t count);
void image_truncate(struct image *image, size_t count);
void file_write(struct file *file, uint64_t offset, const uint8_t *bytes, size_t count);
void file_truncate(struct file *file, size_t count);
void file_sync(struct file *file);
/// A sync that failed: the seed says what the kernel forgets.
void file_fail_sync(struct toll_disk *disk, struct file *file);
void directory_sync(struct toll_disk *disk);

/// Makes `disk->vfs`.
void make_vfs(struct toll_disk *disk, const char *name);
void drop_memory(struct shared_memory *memory);
