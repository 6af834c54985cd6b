// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Dispatch
private import Glibc

/// Bytes that are too many for memory, on disk under no name: gone with the value, and with the process however that ends.
///
/// Reading and writing wait for the disk on threads of their own, never on the caller's.
public final class SpillFile: Sendable {
    private let descriptor: Int32

    /// `O_TMPFILE`, a macro that does not come through.
    private static let unnamed = 0x40_0000 | O_DIRECTORY

    private static let threads = DispatchQueue(label: "tollgate.spill", attributes: .concurrent)

    /// An empty file on the file system of `directory`.
    public init(in directory: String) throws(FileError) {
        var descriptor = unsafe Glibc.open(directory, Self.unnamed | O_RDWR | O_CLOEXEC, 0o600)
        if descriptor < 0, errno == EOPNOTSUPP || errno == EISDIR {
            // Some file systems cannot make a file without a name: then it loses the one it gets.
            var template = Array("\(directory)/tollgate-XXXXXX".utf8CString)
            descriptor = unsafe mkstemp(&template)
            if descriptor >= 0 { unsafe unlink(template) }
        }
        guard descriptor >= 0 else { throw Self.error(directory) }
        self.descriptor = descriptor
    }

    deinit { close(self.descriptor) }

    /// Where such files go unless something else is asked for: `TMPDIR`, else `/var/tmp`, which is a disk where `/tmp` may be
    /// memory.
    public static var directory: String { EnvironmentVariables.value(of: "TMPDIR") ?? "/var/tmp" }

    /// Appends a piece. Only one call at a time.
    public func append(_ bytes: [UInt8]) async throws(FileError) {
        let descriptor = self.descriptor
        try await Self.onThread { () -> Result<Void, FileError> in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return .failure(Self.error("a held answer")) }
                rest = rest.dropFirst(count)
            }
            return .success(())
        }
    }

    /// Up to `count` bytes from `offset` on; fewer at the end, none behind it.
    public func read(at offset: Int, upTo count: Int) async throws(FileError) -> [UInt8] {
        let descriptor = self.descriptor
        return try await Self.onThread { () -> Result<[UInt8], FileError> in
            while true {
                var got = 0
                let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                    got = unsafe pread(descriptor, buffer.baseAddress, count, offset)
                    filled = max(0, got)
                }
                if got >= 0 { return .success(bytes) }
                guard errno == EINTR else { return .failure(Self.error("a held answer")) }
            }
        }
    }

    private static func onThread<Value: Sendable>(
        _ work: @escaping @Sendable () -> Result<Value, FileError>
    ) async throws(FileError) -> Value {
        try await withCheckedContinuation { (done: CheckedContinuation<Result<Value, FileError>, Never>) in
            self.threads.async { done.resume(returning: work()) }
        }.get()
    }

    private static func error(_ path: String) -> FileError {
        let code = errno
        return FileError(path: path, reason: unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)")
    }
}
