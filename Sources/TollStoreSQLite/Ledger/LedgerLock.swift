// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Glibc
internal import TollPayments

/// The right to write one ledger file, held by at most one process (and in it by at most one store) at a time.
///
/// The lock is `flock` on `<file>.lock`, which the kernel lets go when the process ends, however it ends. The file stays: were it
/// deleted, two processes could each hold a lock on a different file of that name.
final class LedgerLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock, or says who has it.
    init(for path: String) throws(StoreError) {
        let lockPath = path + ".lock"
        self.descriptor = try Self.openFile(lockPath, purpose: "the lock of the ledger \(path)")
        guard flock(self.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            guard code == EWOULDBLOCK else { throw .unavailable("cannot lock \(lockPath): \(Self.reason(code))") }
            let holder = Self.holder(self.descriptor).map { "process \($0)" } ?? "another process"
            throw .unavailable("the ledger \(path) is in use by \(holder), which holds \(lockPath); a ledger has one writer")
        }
        let identity = Array("\(getpid())\n".utf8)
        let isWritten =
            unsafe ftruncate(self.descriptor, 0) == 0 && pwrite(self.descriptor, identity, identity.count, 0) == identity.count
        guard isWritten else { throw .unavailable("cannot write \(lockPath): \(Self.reason(errno))") }
    }

    /// Let go in so many words: a child that is being started holds a copy of the descriptor until it runs its own program, and
    /// closing ours alone would leave the lock with it for that moment.
    deinit {
        _ = flock(self.descriptor, LOCK_UN)
        close(self.descriptor)
    }

    /// Makes the ledger file, readable and writable by its owner alone, when it is not there; gives its path free of links, so
    /// that two names of one file meet in one lock.
    static func createLedger(_ path: String) throws(StoreError) -> String {
        close(try Self.openFile(path, purpose: "the ledger"))
        guard let resolved = unsafe realpath(path, nil) else {
            throw .unavailable("cannot resolve the ledger \(path): \(Self.reason(errno))")
        }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    private static func openFile(_ path: String, purpose: String) throws(StoreError) -> Int32 {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unavailable("cannot open \(purpose) at \(path): \(Self.reason(errno))") }
        return descriptor
    }

    private static func holder(_ descriptor: Int32) -> Int32? {
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = unsafe pread(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: buffer[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
    }

    private static func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
