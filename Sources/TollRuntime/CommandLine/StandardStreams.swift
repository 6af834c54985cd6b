// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Glibc

/// The process's output streams, unbuffered: what is written is out when the call returns.
public enum StandardStreams {
    /// Writes to standard output.
    public static func writeOutput(_ text: String) {
        self.write(Array(text.utf8), to: STDOUT_FILENO)
    }

    /// Writes bytes to standard output.
    public static func writeOutput(_ bytes: [UInt8]) {
        self.write(bytes, to: STDOUT_FILENO)
    }

    /// Writes to standard error. One line in one call stays whole between threads.
    public static func writeError(_ text: String) {
        self.write(Array(text.utf8), to: STDERR_FILENO)
    }

    /// A reader that went away is no reason to fail: errors end the writing.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                guard errno == EINTR || (errno == EAGAIN && self.waitUntilWritable(descriptor)) else { return }
            } else {
                rest = rest.dropFirst(count)
            }
        }
    }

    /// A terminal shared with another program may have been made non-blocking by it.
    private static func waitUntilWritable(_ descriptor: Int32) -> Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return unsafe Glibc.poll(&poll, 1, 1_000) > 0
    }
}
