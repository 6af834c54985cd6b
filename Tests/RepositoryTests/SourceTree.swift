// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation

/// A file of the repository: its path from the root, and its bytes.
struct RepositoryFile: Sendable {
    let path: String
    let bytes: [UInt8]
    /// Of a Swift file: its lines without comments and the text of strings, see ``SwiftCode``.
    let code: [Substring]

    init(_ path: String, _ text: String) {
        self.init(path, bytes: Array(text.utf8))
    }

    init(_ path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
        self.code = path.hasSuffix(".swift") ? SwiftCode.lines(of: bytes) : []
    }

    /// Nil when the bytes are no text.
    var text: String? { self.bytes.contains(0) ? nil : String(validating: self.bytes, as: UTF8.self) }

    /// The last part of the path.
    var name: String { self.path.split(separator: "/").last.map(String.init) ?? self.path }

    /// The folder, without a slash at the end; empty at the root.
    var folder: String { self.path.split(separator: "/").dropLast().joined(separator: "/") }

    /// What follows the name's last dot; empty when there is none.
    var kind: String { self.name.contains(".") ? String(self.name.split(separator: ".").last ?? "") : "" }

    var isSwift: Bool { self.kind == "swift" }

    /// The lines with their numbers, from 1.
    var lines: [(number: Int, text: Substring)] {
        let text = self.text ?? ""
        return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().map { ($0.offset + 1, $0.element) }
    }

    func isIn(_ folder: String) -> Bool { self.path.hasPrefix(folder + "/") }
}

/// Every file of the repository, found from where this file was compiled. What is built, installed or downloaded is left out.
enum SourceTree {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static let files: [RepositoryFile] = paths(in: "").compactMap { path in
        guard let data = try? Data(contentsOf: root.appending(path: path)) else { return nil }
        return RepositoryFile(path, bytes: Array(data))
    }

    static let swiftFiles = files.filter(\.isSwift)

    static func file(_ path: String) -> RepositoryFile? { self.files.first { $0.path == path } }

    /// Directories and files that the scripts make; `.gitignore` says the same.
    private static let made: Set<String> = [
        ".git", ".build", ".venv", ".venv-v1", ".cache", ".swiftpm", ".vscode", ".idea", "Packages", "__pycache__", ".mypy_cache",
    ]
    private static let madeKinds = ["db", "db-shm", "db-wal", "pyc"]

    private static func paths(in folder: String) -> [String] {
        let directory = folder.isEmpty ? self.root : self.root.appending(path: folder)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return names.sorted().flatMap { name -> [String] in
            guard !self.made.contains(name), !self.madeKinds.contains(where: { name.hasSuffix("." + $0) }) else { return [] }
            let path = folder.isEmpty ? name : "\(folder)/\(name)"
            var isDirectory: ObjCBool = false
            let exists = unsafe FileManager.default.fileExists(
                atPath: self.root.appending(path: path).path,
                isDirectory: &isDirectory
            )
            guard exists else { return [] }
            return isDirectory.boolValue ? self.paths(in: path) : [path]
        }
    }
}
