// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Glibc

/// Small files that a program writes for whoever runs it.
public enum PrivateFiles {
    /// Makes a directory, and those above it, for the owner alone.
    public static func makeDirectory(_ path: String) throws(FileError) {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += (made.isEmpty || made == "/" ? "" : "/") + part
            if unsafe mkdir(made, 0o700) != 0, errno != EEXIST { throw self.error(made) }
        }
    }

    /// Makes a file that was not there, readable by its owner alone, and durable.
    public static func create(_ path: String, _ contents: [UInt8]) throws(FileError) {
        let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw self.error(path) }
        defer { close(descriptor) }
        try self.write(contents, to: descriptor, path)
        guard fsync(descriptor) == 0 else { throw self.error(path) }
    }

    /// Opens a file to be written from its start, readable by others as far as the process lets them.
    public static func open(replacing path: String) throws(FileError) -> OutputFile {
        let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw self.error(path) }
        return OutputFile(descriptor: descriptor, path: path)
    }

    /// The names in a directory; none when there is no such directory.
    public static func list(_ path: String) -> [String] {
        guard let directory = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            names.append(name)
        }
        return names
    }

    fileprivate static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(FileError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw self.error(path) }
            rest = rest.dropFirst(count)
        }
    }

    private static func error(_ path: String) -> FileError {
        let code = errno
        return FileError(path: path, reason: unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)")
    }
}

/// A file that is being written; closed when dropped.
public final class OutputFile: Sendable {
    private let descriptor: Int32
    private let path: String

    fileprivate init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(self.descriptor) }

    /// Appends a piece.
    public func write(_ piece: [UInt8]) throws(FileError) {
        try PrivateFiles.write(piece, to: self.descriptor, self.path)
    }
}
