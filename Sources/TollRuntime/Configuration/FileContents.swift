// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Glibc

/// A file could not be read.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The path.
    public var path: String
    /// The system's words: `No such file or directory`.
    public var reason: String

    /// An error about `path`.
    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    /// Path and reason.
    public var description: String { "\(self.path): \(self.reason)" }
}

/// Whole small files, read at start; nothing on a request's way uses this.
public enum FileContents {
    /// The bytes of the file at `path`, which may also be a pipe.
    ///
    /// - Throws: ``FileError`` when it cannot be read or has more than `byteCountMax` bytes.
    public static func read(_ path: String, byteCountMax: Int) throws(FileError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, reason: Self.lastReason()) }
        defer { close(descriptor) }
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError(path: path, reason: Self.lastReason()) }
            guard count > 0 else { return contents }
            contents.append(contentsOf: chunk[..<count])
            guard contents.count <= byteCountMax else {
                throw FileError(path: path, reason: "more than \(ByteCountText.format(byteCountMax))")
            }
        }
    }

    private static func lastReason() -> String {
        let code = errno
        return unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
    }
}

/// The variables that the process was started with.
public enum EnvironmentVariables {
    /// The value of `name`, nil when it is not set.
    public static func value(of name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}
