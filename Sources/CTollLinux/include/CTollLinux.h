// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// The Linux calls under the HTTP engine, in the shape Swift likes: no varargs, no unions, no errno. Whatever can fail
/// returns the negated errno. Every socket is non-blocking and closed on exec.

#pragma once
#include <stddef.h>
#include <stdint.h>

/// The call would have to wait.
static const int toll_would_block = -11;
/// No file descriptors are left: in the process, in the system.
static const int toll_too_many_files = -24;
static const int toll_file_table_full = -23;

/// An IPv4 or IPv6 socket address.
struct toll_address {
    uint32_t length;
    unsigned char bytes[28];
};

/// What happened to which watched descriptor.
struct toll_event {
    uint64_t tag;
    uint32_t mask;
};

enum { toll_readable = 1, toll_writable = 2, toll_hangup = 4, toll_failed = 8, toll_edge = 16 };

/// The text of a negated errno.
const char *toll_error_text(int error);

// Addresses.
int toll_address_parse(const char *ip, uint16_t port, struct toll_address *address);
int toll_address_text(const struct toll_address *address, char text[46], uint16_t *port);
/// What connections are counted by: an IPv4 address, the /64 of an IPv6 address; 0 for this machine's own.
uint64_t toll_address_network(const struct toll_address *address);
/// Looks a name up in DNS and /etc/hosts. Blocks. Returns how many addresses were found, 0 when the name has none.
int toll_resolve(const char *host, uint16_t port, struct toll_address *addresses, int capacity);

// Sockets.
int toll_listen(const struct toll_address *address, int backlog);
/// Listens on a file of these permissions and, unless NULL, this group. A file that a dead server left is replaced; another is
/// not touched. `identity` is what the file is known by.
int toll_listen_unix(const char *path, uint32_t mode, const char *group, int backlog, uint64_t identity[2]);
/// Removes the file at `path` if it is still the one of this identity.
void toll_remove_unix(const char *path, const uint64_t identity[2]);
/// The same socket under one more descriptor.
int toll_duplicate(int fd);
int toll_local_port(int fd);
int toll_accept(int fd, struct toll_address *peer);
/// Lets the process open as many files as it may let itself: the soft limit becomes the hard one. Both are told, also on failure of the
/// second step.
int toll_raise_file_limit(uint64_t *before, uint64_t *now);
/// The hard limit; 0 when it is not known.
uint64_t toll_file_limit_max(void);
// Whether so few descriptors are left that clients may take no more of them: a ledger, a node and the runtime need some, and the last
// of these ends the process when it finds none.  `fd` is one that was just made; -1 asks for the next.
int toll_is_short_of_descriptors(int fd);
int toll_connect(const struct toll_address *address);
/// The outcome of a connection attempt.
int toll_socket_error(int fd);
ptrdiff_t toll_receive(int fd, void *buffer, size_t size);
/// Sends two pieces with one call.
ptrdiff_t toll_send(int fd, const void *first, size_t first_size, const void *second, size_t second_size);
void toll_shutdown_write(int fd);
void toll_close(int fd);

// Waiting.
int toll_poller(void);
int toll_poller_add(int poller, int fd, uint32_t mask, uint64_t tag);
int toll_poller_change(int poller, int fd, uint32_t mask, uint64_t tag);
int toll_poller_remove(int poller, int fd);
int toll_poller_wait(int poller, struct toll_event *events, int capacity, int milliseconds);

/// A counter that wakes a poller.
int toll_bell(void);
void toll_bell_ring(int fd);
void toll_bell_clear(int fd);

// Memory.
/// Has the C library make so many arenas at most, and keep so many freed bytes in each instead of giving them back at once.
void toll_keep_freed_memory(int bytes, int arenas);

// Time and randomness.
uint64_t toll_monotonic_nanoseconds(void);
int64_t toll_wall_seconds(void);
/// Fills the buffer from the kernel's generator; waits at boot until it is seeded.
int toll_random(void *buffer, size_t size);

// Threads.
int toll_thread_start(void (*body)(void *), void *context, const char *name);
/// A word of the calling thread. A function, not an inlined thread identity: an async function may go on elsewhere.
void *toll_thread_mark(void);
void toll_thread_set_mark(void *mark);
