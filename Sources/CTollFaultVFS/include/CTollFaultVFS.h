// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A disk in memory for SQLite that fails as it is told, and that knows what would be left of it after a power cut. For tests.
//
// A write is in the page cache until its file is synced. A power cut leaves what was synced and, of what was not, a part that
// the seed chooses: writes lost, whole, or torn between sectors. A name in the directory is durable once the directory was
// synced, which happens as in SQLite's Unix VFS: with the first sync of a new journal or log.

/// What SQLite asks of a disk.
enum toll_disk_call {
    TOLL_DISK_OPEN,
    TOLL_DISK_READ,
    TOLL_DISK_WRITE,
    TOLL_DISK_SYNC,
    TOLL_DISK_TRUNCATE,
    TOLL_DISK_DELETE,
    TOLL_DISK_CALL_COUNT,
};

/// What happens instead.
enum toll_disk_fault {
    TOLL_DISK_WORKS,
    /// The call fails. A failed sync loses a part of what it was for, for good: the kernel says so once, and then forgets.
    TOLL_DISK_FAILS,
    /// There is no room: a write stores a prefix.
    TOLL_DISK_IS_FULL,
    /// A read gives a prefix, as if the file ended there.
    TOLL_DISK_READS_SHORT,
    /// The power goes, in the middle of the call.
    TOLL_DISK_LOSES_POWER,
};

struct toll_disk;

/// An empty disk; everything that is random about it follows from `seed`.
struct toll_disk *toll_disk_create(uint64_t seed);

/// Takes the disk away from SQLite and frees it. With a file still open, its memory is left where it is.
void toll_disk_destroy(struct toll_disk *disk);

/// Makes the disk known to SQLite under `name`. Gives a result code of SQLite.
int toll_disk_mount(struct toll_disk *disk, const char *name);

/// After `after` more calls of this kind, the next `times` come to `fault`.
void toll_disk_plan(
    struct toll_disk *disk, enum toll_disk_call call, uint64_t after, uint64_t times, enum toll_disk_fault fault
);

/// Each call of this kind comes to `fault` so many times in a million.
void toll_disk_rate(struct toll_disk *disk, enum toll_disk_call call, uint32_t per_million, enum toll_disk_fault fault);

/// The most bytes that all files together may have.
void toll_disk_limit(struct toll_disk *disk, uint64_t byte_count);

/// Takes all plans, rates and the limit back.
void toll_disk_heal(struct toll_disk *disk);

/// Cuts the power now. Every open file is dead, and every call fails until the power is back.
void toll_disk_cut_power(struct toll_disk *disk);

/// Gives the power back.
void toll_disk_restore_power(struct toll_disk *disk);

/// Ends the process that has the files open, as `kill -9` would: locks and shared memory go, the page cache stays.
void toll_disk_kill(struct toll_disk *disk);

bool toll_disk_has_power(struct toll_disk *disk);

/// Calls of this kind so far.
uint64_t toll_disk_call_count(struct toll_disk *disk, enum toll_disk_call call);

/// The size of a file as the page cache has it; -1 when there is none.
int64_t toll_disk_size(struct toll_disk *disk, const char *name);

/// Copies a file as the page cache has it, at most `capacity` bytes; gives how many.
size_t toll_disk_read(struct toll_disk *disk, const char *name, uint8_t *bytes, size_t capacity);

/// Replaces a file, or makes it, durably.
void toll_disk_replace(struct toll_disk *disk, const char *name, const uint8_t *bytes, size_t count);
