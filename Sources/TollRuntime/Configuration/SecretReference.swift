// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// Where a secret stands: `env:NAME` or `file:PATH`. Configurations hold these, never values.
public enum SecretReference: Hashable, Sendable, CustomStringConvertible {
    /// A variable of the process's environment.
    case environment(String)
    /// A file; a relative path counts from the working directory. A line break at its end is no part of the secret.
    case file(String)

    /// Nil when `text` is no reference; it may then be a secret itself, so do not print it.
    public init?(_ text: String) {
        if text.hasPrefix("env:") {
            let name = text.dropFirst(4)
            guard let first = name.utf8.first, !(0x30...0x39).contains(first), name.utf8.allSatisfy(Self.isNameByte) else {
                return nil
            }
            self = .environment(String(name))
        } else if text.hasPrefix("file:"), text.utf8.count > 5, !text.utf8.contains(0) {
            self = .file(String(text.dropFirst(5)))
        } else {
            return nil
        }
    }

    /// As it is written.
    public var description: String {
        switch self {
        case .environment(let name): "env:\(name)"
        case .file(let path): "file:\(path)"
        }
    }

    /// POSIX.1-2017 §8.1, with lower case.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5F
    }
}

/// A secret together with where it came from, so that messages can name the one without the other.
public struct ResolvedSecret: Sendable {
    /// Where it stands.
    public let reference: SecretReference
    /// What stands there.
    public let value: Secret<String>

    /// A resolved reference.
    public init(reference: SecretReference, value: Secret<String>) {
        self.reference = reference
        self.value = value
    }
}

/// Why a reference leads nowhere.
public enum SecretError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The variable is not set.
    case unset(String)
    /// The variable, or the file, holds nothing.
    case empty(SecretReference)
    /// The file cannot be read, for this reason.
    case unreadable(path: String, reason: String)
    /// The file is not UTF-8 text.
    case notText(path: String)

    /// What is wrong, without the value.
    public var description: String {
        switch self {
        case .unset(let name): "the environment variable \(name) is not set"
        case .empty(let reference): "`\(reference)` is empty"
        case .unreadable(let path, let reason): "the file \(path) cannot be read: \(reason)"
        case .notText(let path): "the file \(path) is not UTF-8 text"
        }
    }

    /// What to do.
    public var remedy: String {
        switch self {
        case .unset(let name): "set \(name) before the start, or name another reference"
        case .empty: "give it a value, or name another reference"
        case .unreadable, .notText: "name a text file that this user may read"
        }
    }
}

/// Where references are looked up.
public struct SecretSource: Sendable {
    /// A secret is a key or a token; a file over this is something else.
    public static let fileByteCountMax = 64 * 1024

    private let variable: @Sendable (String) -> String?
    private let file: @Sendable (String) throws(FileError) -> [UInt8]

    /// A source over these two lookups.
    public init(
        variable: @escaping @Sendable (String) -> String?,
        file: @escaping @Sendable (String) throws(FileError) -> [UInt8]
    ) {
        self.variable = variable
        self.file = file
    }

    /// The process's environment and its files.
    public static let process = SecretSource(
        variable: { EnvironmentVariables.value(of: $0) },
        file: { (path) throws(FileError) in try FileContents.read(path, byteCountMax: Self.fileByteCountMax) }
    )

    /// The secret that `reference` names.
    public func resolve(_ reference: SecretReference) throws(SecretError) -> Secret<String> {
        let text: String
        switch reference {
        case .environment(let name):
            guard let value = self.variable(name) else { throw .unset(name) }
            text = value
        case .file(let path):
            text = try self.text(ofFile: path)
        }
        guard !text.isEmpty else { throw .empty(reference) }
        return Secret(text)
    }

    /// The text of a file that holds no secret, such as a list.
    public func text(ofFile path: String) throws(SecretError) -> String {
        let bytes: [UInt8]
        do {
            bytes = try self.file(path)
        } catch {
            throw .unreadable(path: path, reason: error.reason)
        }
        guard var text = String(validating: bytes, as: UTF8.self) else { throw .notText(path: path) }
        while let last = text.last, last.isNewline { text.removeLast() }
        return text
    }
}
