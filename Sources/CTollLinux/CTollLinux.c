// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "CTollLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

_Static_assert(EAGAIN == 11 && EMFILE == 24 && ENFILE == 23, "errno as on every Linux port");

static int result(int value) { return value < 0 ? -errno : value; }

const char *toll_error_text(int error) { return strerror(-error); }

// Addresses.

static void set_address(struct toll_address *address, const struct sockaddr *from, size_t length) {
    address->length = (uint32_t)length;
    memcpy(address->bytes, from, length);
}

int toll_address_parse(const char *ip, uint16_t port, struct toll_address *address) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, ip, &v4.sin_addr) == 1) {
        set_address(address, (struct sockaddr *)&v4, sizeof v4);
        return 0;
    }
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET6, ip, &v6.sin6_addr) == 1) {
        set_address(address, (struct sockaddr *)&v6, sizeof v6);
        return 0;
    }
    return -EINVAL;
}

int toll_address_text(const struct toll_address *address, char text[46], uint16_t *port) {
    if (address->length == sizeof(struct sockaddr_in)) {
        struct sockaddr_in v4;
        memcpy(&v4, address->bytes, sizeof v4);
        *port = ntohs(v4.sin_port);
        return inet_ntop(AF_INET, &v4.sin_addr, text, 46) ? 0 : -errno;
    }
    struct sockaddr_in6 v6;
    memcpy(&v6, address->bytes, sizeof v6);
    *port = ntohs(v6.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) return inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, text, 46) ? 0 : -errno;
    return inet_ntop(AF_INET6, &v6.sin6_addr, text, 46) ? 0 : -errno;
}

uint64_t toll_address_network(const struct toll_address *address) {
    uint32_t v4;
    if (address->length == sizeof(struct sockaddr_in)) {
        memcpy(&v4, address->bytes + offsetof(struct sockaddr_in, sin_addr), sizeof v4);
    } else {
        struct in6_addr v6;
        memcpy(&v6, address->bytes + offsetof(struct sockaddr_in6, sin6_addr), sizeof v6);
        if (IN6_IS_ADDR_LOOPBACK(&v6)) return 0;
        if (!IN6_IS_ADDR_V4MAPPED(&v6)) {
            uint64_t network;
            memcpy(&network, &v6, sizeof network);
            return network;
        }
        memcpy(&v4, v6.s6_addr + 12, sizeof v4);
    }
    v4 = ntohl(v4);
    return v4 >> 24 == 127 ? 0 : (uint64_t)1 << 32 | v4;
}

int toll_resolve(const char *host, uint16_t port, struct toll_address *addresses, int capacity) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *list = NULL;
    if (getaddrinfo(host, NULL, &hints, &list) != 0) return 0;
    int count = 0;
    for (struct addrinfo *item = list; item && count < capacity; item = item->ai_next) {
        if (item->ai_addrlen > sizeof addresses->bytes) continue;
        if (item->ai_family == AF_INET) ((struct sockaddr_in *)item->ai_addr)->sin_port = htons(port);
        else if (item->ai_family == AF_INET6) ((struct sockaddr_in6 *)item->ai_addr)->sin6_port = htons(port);
        else continue;
        set_address(&addresses[count++], item->ai_addr, item->ai_addrlen);
    }
    freeaddrinfo(list);
    return count;
}

// Sockets.

static int family(const struct toll_address *address) {
    return address->length == sizeof(struct sockaddr_in) ? AF_INET : AF_INET6;
}

static int close_with_error(int fd) {
    int error = -errno;
    close(fd);
    return error;
}

int toll_listen(const struct toll_address *address, int backlog) {
    int fd = socket(family(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0) return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on)
        || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)  // Accepted sockets inherit it.
        || bind(fd, (const struct sockaddr *)address->bytes, address->length) || listen(fd, backlog))
        return close_with_error(fd);
    return fd;
}

/// Whether `path` may be bound: nothing stands there, or the socket of a server that is gone.
static int check_unix_path(const struct sockaddr_un *address) {
    struct stat file;
    if (lstat(address->sun_path, &file)) return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(file.st_mode)) return -EEXIST;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int is_gone = connect(fd, (const struct sockaddr *)address, sizeof *address) && errno == ECONNREFUSED;
    close(fd);
    return is_gone ? 0 : -EADDRINUSE;
}

/// Binds under another name first: nobody sees the file before it has its permissions, and the rename replaces a stale one.
static int bind_unix(int fd, const struct sockaddr_un *address, uint32_t mode, const char *group) {
    struct sockaddr_un draft = {.sun_family = AF_UNIX};
    int length = snprintf(draft.sun_path, sizeof draft.sun_path, "%s.%d", address->sun_path, (int)getpid());
    if (length < 0 || (size_t)length >= sizeof draft.sun_path) return -ENAMETOOLONG;
    struct group *entry = group ? getgrnam(group) : NULL;
    if (group && !entry) return -EINVAL;
    unlink(draft.sun_path);
    if (bind(fd, (const struct sockaddr *)&draft, sizeof draft)) return -errno;
    if ((entry && chown(draft.sun_path, (uid_t)-1, entry->gr_gid)) || chmod(draft.sun_path, mode)
        || rename(draft.sun_path, address->sun_path)) {
        int error = -errno;
        unlink(draft.sun_path);
        return error;
    }
    return 0;
}

int toll_listen_unix(const char *path, uint32_t mode, const char *group, int backlog, uint64_t identity[2]) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat file;
    if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    int error = check_unix_path(&address);
    if (error) return error;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    error = bind_unix(fd, &address, mode, group);
    if (!error && (listen(fd, backlog) || lstat(path, &file))) error = -errno;
    if (error) {
        close(fd);
        return error;
    }
    identity[0] = file.st_dev;
    identity[1] = file.st_ino;
    return fd;
}

void toll_remove_unix(const char *path, const uint64_t identity[2]) {
    struct stat file;
    if (lstat(path, &file) == 0 && file.st_dev == identity[0] && file.st_ino == identity[1]) unlink(path);
}

int toll_duplicate(int fd) { return result(fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

int toll_local_port(int fd) {
    struct sockaddr_in6 address;
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length)) return -errno;
    return ntohs(address.sin6_port);  // At the same place in sockaddr_in.
}

int toll_raise_file_limit(uint64_t *before, uint64_t *now) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit)) return -errno;
    *before = *now = limit.rlim_cur;
    if (limit.rlim_cur == limit.rlim_max) return 0;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit)) return -errno;
    *now = limit.rlim_cur;
    return 0;
}

uint64_t toll_file_limit_max(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) ? 0 : limit.rlim_max;
}

int toll_is_short_of_descriptors(int fd) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY) return 0;
    // An eighth of them, and never more than 64: what the rest of the process opens at once.
    rlim_t kept = limit.rlim_cur / 8 < 64 ? limit.rlim_cur / 8 : 64;
    if (fd < 0) {
        // The kernel gives the lowest that is free.
        fd = eventfd(0, EFD_CLOEXEC);
        if (fd < 0) return 1;
        close(fd);
    }
    return (rlim_t)fd >= limit.rlim_cur - kept;
}

int toll_accept(int fd, struct toll_address *peer) {
    socklen_t length = sizeof peer->bytes;
    int accepted = accept4(fd, (struct sockaddr *)peer->bytes, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    peer->length = length;
    return result(accepted);
}

int toll_connect(const struct toll_address *address) {
    int fd = socket(family(address), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0) return -errno;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (const struct sockaddr *)address->bytes, address->length) && errno != EINPROGRESS)
        return close_with_error(fd);
    return fd;
}

int toll_socket_error(int fd) {
    int error = 0;
    socklen_t length = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) ? -errno : -error;
}

ptrdiff_t toll_receive(int fd, void *buffer, size_t size) {
    ptrdiff_t count;
    do count = recv(fd, buffer, size, 0);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

ptrdiff_t toll_send(int fd, const void *first, size_t first_size, const void *second, size_t second_size) {
    ptrdiff_t count;
    struct iovec pieces[2] = {{(void *)first, first_size}, {(void *)second, second_size}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    do count = second_size ? sendmsg(fd, &message, MSG_NOSIGNAL) : send(fd, first, first_size, MSG_NOSIGNAL);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

void toll_shutdown_write(int fd) { shutdown(fd, SHUT_WR); }
void toll_close(int fd) { close(fd); }

// Waiting.

static uint32_t epoll_mask(uint32_t mask) {
    return (mask & toll_readable ? EPOLLIN | EPOLLRDHUP : 0) | (mask & toll_writable ? EPOLLOUT : 0)
        | (mask & toll_edge ? EPOLLET : 0);
}

static int control(int poller, int operation, int fd, uint32_t mask, uint64_t tag) {
    struct epoll_event event = {.events = epoll_mask(mask), .data.u64 = tag};
    return result(epoll_ctl(poller, operation, fd, &event));
}

int toll_poller(void) { return result(epoll_create1(EPOLL_CLOEXEC)); }
int toll_poller_add(int poller, int fd, uint32_t mask, uint64_t tag) { return control(poller, EPOLL_CTL_ADD, fd, mask, tag); }
int toll_poller_change(int poller, int fd, uint32_t mask, uint64_t tag) { return control(poller, EPOLL_CTL_MOD, fd, mask, tag); }
int toll_poller_remove(int poller, int fd) { return control(poller, EPOLL_CTL_DEL, fd, 0, 0); }

int toll_poller_wait(int poller, struct toll_event *events, int capacity, int milliseconds) {
    struct epoll_event raw[256];
    int count = epoll_wait(poller, raw, capacity < 256 ? capacity : 256, milliseconds);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        uint32_t mask = raw[i].events;
        events[i].tag = raw[i].data.u64;
        events[i].mask = (mask & EPOLLIN ? toll_readable : 0) | (mask & EPOLLOUT ? toll_writable : 0)
            | (mask & EPOLLRDHUP ? toll_hangup : 0) | (mask & (EPOLLERR | EPOLLHUP) ? toll_failed : 0);
    }
    return count;
}

int toll_bell(void) { return result(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }

void toll_bell_ring(int fd) {
    uint64_t one = 1;
    ssize_t ignored = write(fd, &one, sizeof one);
    (void)ignored;  // Full means that it rings already.
}

void toll_bell_clear(int fd) {
    uint64_t count;
    ssize_t ignored = read(fd, &count, sizeof count);
    (void)ignored;
}

// Time and randomness.

uint64_t toll_monotonic_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

int64_t toll_wall_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME_COARSE, &time);
    return time.tv_sec;
}

int toll_random(void *buffer, size_t size) {
    unsigned char *place = buffer;
    while (size > 0) {
        ssize_t count = getrandom(place, size, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return -errno;
        place += count;
        size -= (size_t)count;
    }
    return 0;
}

// Threads.

struct start {
    void (*body)(void *);
    void *context;
};

static void *run(void *argument) {
    struct start start = *(struct start *)argument;
    free(argument);
    start.body(start.context);
    return NULL;
}

int toll_thread_start(void (*body)(void *), void *context, const char *name) {
    struct start *start = malloc(sizeof *start);
    if (!start) return -ENOMEM;
    *start = (struct start){body, context};
    pthread_t thread;
    int error = pthread_create(&thread, NULL, run, start);
    if (error) {
        free(start);
        return -error;
    }
    pthread_setname_np(thread, name);
    pthread_detach(thread);
    return 0;
}

void toll_keep_freed_memory(int bytes, int arenas) {
    mallopt(M_ARENA_MAX, arenas);
    mallopt(M_TRIM_THRESHOLD, bytes);
}

static _Thread_local void *mark;
void *toll_thread_mark(void) { return mark; }
void toll_thread_set_mark(void *value) { mark = value; }
