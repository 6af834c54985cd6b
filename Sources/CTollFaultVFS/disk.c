// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

#include "disk.h"

#include <stdlib.h>
#include <string.h>

void *must(void *allocated) {
    if (!allocated) abort();
    return allocated;
}

// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
uint64_t next_random(struct toll_disk *disk) {
    uint64_t mixed = disk->random += 0x9E3779B97F4A7C15;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return mixed ^ (mixed >> 31);
}

// Bytes.

void image_truncate(struct image *image, size_t count) {
    if (count > image->capacity) {
        image->capacity = count > 2 * image->capacity ? count : 2 * image->capacity;
        image->bytes = must(realloc(image->bytes, image->capacity));
    }
    if (count > image->count) memset(image->bytes + image->count, 0, count - image->count);
    image->count = count;
}

void image_write(struct image *image, uint64_t offset, const uint8_t *bytes, size_t count) {
    if (offset + count > image->count) image_truncate(image, offset + count);
    if (count) memcpy(image->bytes + offset, bytes, count);
}

static void image_copy(struct image *image, const struct image *from) {
    image->count = 0;
    image_write(image, 0, from->bytes, from->count);
}

// Files.

struct file *find_file(struct toll_disk *disk, const char *name) {
    for (struct file *file = disk->files; file; file = file->next)
        if (file->is_listed && file->name && strcmp(file->name, name) == 0) return file;
    return NULL;
}

struct file *add_file(struct toll_disk *disk, const char *name) {
    struct file *file = must(calloc(1, sizeof *file));
    if (name) file->name = must(strdup(name));
    file->is_listed = name != NULL;
    file->next = disk->files;  // The newest of a name comes first.
    disk->files = file;
    return file;
}

static void forget_changes(struct file *file) {
    for (size_t i = 0; i < file->change_count; i++) free(file->changes[i].bytes);
    file->change_count = 0;
}

static void free_file(struct file *file) {
    forget_changes(file);
    free(file->changes);
    free(file->now.bytes);
    free(file->synced.bytes);
    free(file->name);
    free(file);
}

void release_file(struct toll_disk *disk, struct file *file) {
    if (file->is_listed || file->is_listed_durably || file->handle_count) return;
    struct file **link = &disk->files;
    while (*link != file) link = &(*link)->next;
    *link = file->next;
    free_file(file);
}

uint64_t used_bytes(struct toll_disk *disk) {
    uint64_t used = 0;
    for (struct file *file = disk->files; file; file = file->next)
        if (file->is_listed || file->handle_count) used += file->now.count;
    return used;
}

static struct change *add_change(struct file *file) {
    if (file->change_count == file->change_capacity) {
        file->change_capacity = file->change_capacity ? 2 * file->change_capacity : 16;
        file->changes = must(realloc(file->changes, file->change_capacity * sizeof *file->changes));
    }
    struct change *change = &file->changes[file->change_count++];
    memset(change, 0, sizeof *change);
    return change;
}

void file_write(struct file *file, uint64_t offset, const uint8_t *bytes, size_t count) {
    image_write(&file->now, offset, bytes, count);
    struct change *change = add_change(file);
    change->offset = offset;
    change->count = count;
    change->bytes = must(malloc(count ? count : 1));
    if (count) memcpy(change->bytes, bytes, count);
}

void file_truncate(struct file *file, size_t count) {
    image_truncate(&file->now, count);
    struct change *change = add_change(file);
    change->is_truncation = true;
    change->count = count;
}

void file_sync(struct file *file) {
    for (size_t i = 0; i < file->change_count; i++) {
        struct change *change = &file->changes[i];
        if (change->is_lost) continue;
        if (change->is_truncation) image_truncate(&file->synced, change->count);
        else image_write(&file->synced, change->offset, change->bytes, change->count);
    }
    forget_changes(file);
}

void file_fail_sync(struct toll_disk *disk, struct file *file) {
    for (size_t i = 0; i < file->change_count; i++)
        if (next_random(disk) & 1) file->changes[i].is_lost = true;
}

void directory_sync(struct toll_disk *disk) {
    for (struct file *file = disk->files, *next; file; file = next) {
        next = file->next;
        file->is_listed_durably = file->is_listed;
        release_file(disk, file);
    }
}

// Power.

/// Applies the part of a write that reached the disk: none, all, a run of sectors from its start, or some sectors.
static void apply_torn(struct toll_disk *disk, struct file *file, const struct change *change) {
    uint64_t fate = next_random(disk) % 4, choice = next_random(disk);
    if (fate == 0) return;
    if (fate == 1) return image_write(&file->synced, change->offset, change->bytes, change->count);
    uint64_t sectors = (change->offset + change->count + SECTOR - 1) / SECTOR - change->offset / SECTOR;
    uint64_t prefix = choice % (sectors + 1), index = 0;
    for (size_t done = 0; done < change->count; index++) {
        size_t end = (size_t)(((change->offset + done) / SECTOR + 1) * SECTOR - change->offset);
        if (end > change->count) end = change->count;
        bool survives = fate == 2 ? index < prefix : next_random(disk) & 1;
        if (survives) image_write(&file->synced, change->offset + done, change->bytes + done, end - done);
        done = end;
    }
}

static void settle_contents(struct toll_disk *disk, struct file *file) {
    for (size_t i = 0; i < file->change_count; i++) {
        const struct change *change = &file->changes[i];
        if (change->is_lost) continue;
        if (!change->is_truncation) apply_torn(disk, file, change);
        else if (next_random(disk) & 1) image_truncate(&file->synced, change->count);
    }
    forget_changes(file);
    image_copy(&file->now, &file->synced);
}

static void settle_directory(struct toll_disk *disk) {
    for (struct file *file = disk->files; file; file = file->next) {
        if (!file->name || file->is_listed == file->is_listed_durably) continue;
        bool is_listed = next_random(disk) & 1;
        struct file *other = is_listed ? find_file(disk, file->name) : NULL;
        file->is_listed = is_listed && (!other || other == file);
    }
}

/// Whoever has files open is gone, and with it locks and shared memory.
static void end_life(struct toll_disk *disk) {
    disk->life++;
    for (struct file *file = disk->files; file; file = file->next) {
        file->shared_lock_count = 0;
        file->reserved_by = file->pending_by = NULL;
        file->memory = NULL;  // Freed with the last dead handle, whose connection may still look at it.
        if (!file->name) file->is_listed = file->is_listed_durably = false;
    }
}

void cut_power(struct toll_disk *disk) {
    disk->has_power = false;
    end_life(disk);
    settle_directory(disk);
    for (struct file *file = disk->files, *next; file; file = next) {
        next = file->next;
        file->is_listed_durably = file->is_listed;
        settle_contents(disk, file);
        release_file(disk, file);
    }
}

// Faults.

enum toll_disk_fault next_fault(struct toll_disk *disk, enum toll_disk_call call) {
    disk->call_counts[call]++;
    if (!disk->has_power) return TOLL_DISK_FAILS;
    struct plan *plan = &disk->plans[call];
    if (plan->after) {
        plan->after--;
    } else if (plan->times) {
        plan->times--;
        return plan->fault;
    }
    const struct rate *rate = &disk->rates[call];
    if (rate->per_million && next_random(disk) % 1000000 < rate->per_million) return rate->fault;
    return TOLL_DISK_WORKS;
}

// From outside.

struct toll_disk *toll_disk_create(uint64_t seed) {
    struct toll_disk *disk = must(calloc(1, sizeof *disk));
    pthread_mutex_init(&disk->mutex, NULL);
    disk->random = seed;
    disk->has_power = true;
    disk->limit = UINT64_MAX;
    return disk;
}

void toll_disk_destroy(struct toll_disk *disk) {
    if (disk->is_mounted) sqlite3_vfs_unregister(&disk->vfs);
    for (struct file *file = disk->files; file; file = file->next)
        if (file->handle_count) return;
    for (struct file *file = disk->files, *next; file; file = next) {
        next = file->next;
        free_file(file);
    }
    pthread_mutex_destroy(&disk->mutex);
    free((char *)disk->vfs.zName);
    free(disk);
}

int toll_disk_mount(struct toll_disk *disk, const char *name) {
    make_vfs(disk, must(strdup(name)));
    int result = sqlite3_vfs_register(&disk->vfs, 0);
    disk->is_mounted = result == SQLITE_OK;
    return result;
}

void toll_disk_plan(
    struct toll_disk *disk, enum toll_disk_call call, uint64_t after, uint64_t times, enum toll_disk_fault fault
) {
    pthread_mutex_lock(&disk->mutex);
    disk->plans[call] = (struct plan){.after = after, .times = times, .fault = fault};
    pthread_mutex_unlock(&disk->mutex);
}

void toll_disk_rate(struct toll_disk *disk, enum toll_disk_call call, uint32_t per_million, enum toll_disk_fault fault) {
    pthread_mutex_lock(&disk->mutex);
    disk->rates[call] = (struct rate){.per_million = per_million, .fault = fault};
    pthread_mutex_unlock(&disk->mutex);
}

void toll_disk_limit(struct toll_disk *disk, uint64_t byte_count) {
    pthread_mutex_lock(&disk->mutex);
    disk->limit = byte_count;
    pthread_mutex_unlock(&disk->mutex);
}

void toll_disk_heal(struct toll_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    memset(disk->plans, 0, sizeof disk->plans);
    memset(disk->rates, 0, sizeof disk->rates);
    disk->limit = UINT64_MAX;
    pthread_mutex_unlock(&disk->mutex);
}

void toll_disk_cut_power(struct toll_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    if (disk->has_power) cut_power(disk);
    pthread_mutex_unlock(&disk->mutex);
}

void toll_disk_restore_power(struct toll_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    disk->has_power = true;
    pthread_mutex_unlock(&disk->mutex);
}

void toll_disk_kill(struct toll_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    end_life(disk);
    pthread_mutex_unlock(&disk->mutex);
}

bool toll_disk_has_power(struct toll_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    bool has_power = disk->has_power;
    pthread_mutex_unlock(&disk->mutex);
    return has_power;
}

uint64_t toll_disk_call_count(struct toll_disk *disk, enum toll_disk_call call) {
    pthread_mutex_lock(&disk->mutex);
    uint64_t count = disk->call_counts[call];
    pthread_mutex_unlock(&disk->mutex);
    return count;
}

int64_t toll_disk_size(struct toll_disk *disk, const char *name) {
    pthread_mutex_lock(&disk->mutex);
    const struct file *file = find_file(disk, name);
    int64_t size = file ? (int64_t)file->now.count : -1;
    pthread_mutex_unlock(&disk->mutex);
    return size;
}

size_t toll_disk_read(struct toll_disk *disk, const char *name, uint8_t *bytes, size_t capacity) {
    pthread_mutex_lock(&disk->mutex);
    const struct file *file = find_file(disk, name);
    size_t count = file ? file->now.count : 0;
    if (count > capacity) count = capacity;
    if (count) memcpy(bytes, file->now.bytes, count);
    pthread_mutex_unlock(&disk->mutex);
    return count;
}

void toll_disk_replace(struct toll_disk *disk, const char *name, const uint8_t *bytes, size_t count) {
    pthread_mutex_lock(&disk->mutex);
    struct file *file = find_file(disk, name);
    if (!file) file = add_file(disk, name);
    file_truncate(file, 0);
    file_write(file, 0, bytes, count);
    file_sync(file);
    file->is_listed_durably = true;
    pthread_mutex_unlock(&disk->mutex);
}
