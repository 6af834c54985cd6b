// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
//
// What <spawn.h> shows with _GNU_SOURCE alone, which Swift's view of the C library is without.

#ifndef CTOLLSPAWN_H
#define CTOLLSPAWN_H

#include <spawn.h>

// Has a child close every descriptor from `first` on. An error number, or 0.
int toll_spawn_close_from(posix_spawn_file_actions_t *actions, int first);

#endif
