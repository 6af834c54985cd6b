// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Glibc
internal import TollPrimitives

/// An append-only file of lines that processes share: one lock, and every line durable before the next step is taken.
struct JournalFile: Sendable {
    /// The file.
    let path: String
    private let lockPath: String

    /// More is refused: reading it for every payment would take seconds.
    static let byteCountMax = 64 << 20

    private let directory: String

    /// The file `name` in `directory`, which is made when it is first needed, for its owner alone.
    init(directory: String, name: String) {
        self.directory = directory
        self.path = directory + "/" + name
        self.lockPath = directory + "/" + name + ".lock"
    }

    /// Runs `body` while no other process has the file, with all of its whole lines, each without its line break. What
    /// `body` returns is appended and durable when this returns. A last line without its break is what a crash left of one
    /// whose writer was never told it was written; it is cut off.
    func transact<Result>(
        _ body: ([ArraySlice<UInt8>]) throws(JournalError) -> (append: [[UInt8]], result: Result)
    ) throws(JournalError) -> Result {
        try Self.makeDirectory(self.directory)
        let lock = try ByteLock(self.lockPath, byte: 0)
        guard try lock.acquire(waits: true) else { throw self.error("is locked") }
        let isNew = unsafe access(self.path, F_OK) != 0
        let descriptor = unsafe open(self.path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw self.error("cannot be opened: \(lastSystemError())") }
        defer { close(descriptor) }
        let contents = try self.read(descriptor)
        let wholeCount = contents.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let (lines, result) = try body(contents[..<wholeCount].split(separator: 0x0A))
        guard !lines.isEmpty else { return result }
        if wholeCount < contents.count, ftruncate(descriptor, wholeCount) != 0 { throw self.error("cannot be repaired") }
        try self.write(Array(lines.joined()), to: descriptor)
        guard fsync(descriptor) == 0 else { throw self.error("cannot be made durable: \(lastSystemError())") }
        if isNew { self.syncDirectory() }
        return result
    }

    /// Holds a lock of its own for one payment until the result is dropped or the process dies; nil when another has it.
    func lock(_ id: Bytes32) throws(JournalError) -> ByteLock? {
        try Self.makeDirectory(self.directory)
        let byte = id.bytes.prefix(6).reduce(1) { $0 << 8 | Int($1) } + 1
        let lock = try ByteLock(self.lockPath, byte: byte)
        return try lock.acquire(waits: false) ? lock : nil
    }

    /// From this size on ``archive(at:keeping:)`` does its work: about five hundred payments.
    static let archiveSizeMin = 1 << 20

    /// When the file is large, keeps it under a name with `time` in it and goes on with the lines that `keeping` picks. A crash
    /// leaves either the old file or the new one. Nothing happens when less than half could be left out.
    func archive(
        at time: UInt64,
        keeping: ([ArraySlice<UInt8>]) throws(JournalError) -> [ArraySlice<UInt8>]
    ) throws(JournalError) {
        var status = stat()
        guard unsafe stat(self.path, &status) == 0, status.st_size >= Self.archiveSizeMin else { return }
        let fresh = self.path + ".new"
        let isArchived = try self.transact { lines throws(JournalError) in
            let kept = try keeping(lines)
            guard kept.reduce(0, { $0 + $1.count }) * 2 < lines.reduce(0, { $0 + $1.count }) else { return ([], false) }
            let descriptor = unsafe open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw self.error("cannot be archived: \(lastSystemError())") }
            defer { close(descriptor) }
            try self.write(Array(kept.map { $0 + [0x0A] }.joined()), to: descriptor)
            guard fsync(descriptor) == 0, unsafe link(self.path, "\(self.path).\(time)") == 0 || errno == EEXIST,
                unsafe rename(fresh, self.path) == 0
            else { throw self.error("cannot be archived: \(lastSystemError())") }
            return ([], true)
        }
        if isArchived { self.syncDirectory() }
    }

    private func read(_ descriptor: Int32) throws(JournalError) -> [UInt8] {
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw self.error("cannot be read: \(lastSystemError())") }
            guard count > 0 else { return contents }
            contents += chunk[..<count]
            guard contents.count <= Self.byteCountMax else {
                throw self.error(
                    "has more than \(Self.byteCountMax >> 20) MiB; move it away when nothing of today is pending in it"
                )
            }
        }
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32) throws(JournalError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw self.error("cannot be written: \(lastSystemError())") }
            rest = rest.dropFirst(count)
        }
    }

    /// A new file is only durable with its directory's entry.
    private func syncDirectory() {
        let descriptor = unsafe open(self.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func makeDirectory(_ path: String) throws(JournalError) {
        var made = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            made += made.isEmpty && part.isEmpty ? "/" : (made.isEmpty || made == "/" ? "" : "/") + part
            if unsafe mkdir(made, 0o700) != 0, errno != EEXIST, unsafe access(made, F_OK) != 0 {
                throw JournalError("\(made): cannot be made: \(lastSystemError())")
            }
        }
    }

    private func error(_ reason: String) -> JournalError { JournalError("\(self.path): \(reason)") }
}

/// A lock on one byte of a file, held by whoever opened it, released when this is dropped and when the process dies. Also
/// keeps two holders in one process apart, which POSIX record locks do not.
final class ByteLock: Sendable {
    private let descriptor: Int32
    private let path: String
    private let byte: Int

    init(_ path: String, byte: Int) throws(JournalError) {
        self.path = path
        self.byte = byte
        self.descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard self.descriptor >= 0 else { throw JournalError("\(path): cannot be opened: \(lastSystemError())") }
    }

    deinit {
        if self.descriptor >= 0 { close(self.descriptor) }
    }

    /// Takes the lock. False when another has it and this is not to wait.
    func acquire(waits: Bool) throws(JournalError) -> Bool {
        var range = flock()
        range.l_type = Int16(F_WRLCK)
        range.l_whence = Int16(SEEK_SET)
        range.l_start = self.byte
        range.l_len = 1
        let command = waits ? OpenFileLock.setAndWait : OpenFileLock.set
        while unsafe fcntl(self.descriptor, command, &range) != 0 {
            if errno == EINTR { continue }
            guard errno == EAGAIN || errno == EACCES else {
                throw JournalError("\(self.path): cannot be locked: \(lastSystemError())")
            }
            return false
        }
        return true
    }
}

/// Commands of fcntl(2) for open file description locks, which Glibc's module leaves out. Source: Linux,
/// include/uapi/asm-generic/fcntl.h.
private enum OpenFileLock {
    static let set: Int32 = 37
    static let setAndWait: Int32 = 38
}

private func lastSystemError() -> String {
    let code = errno
    return unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}
