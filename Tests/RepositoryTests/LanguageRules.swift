// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Constructs of Swift that have a better replacement here, and the fences that unsafe code stays behind.
enum LanguageRules {
    /// Something that is not written, and what is written in its place.
    struct Ban {
        let construct: String
        let replacement: String
        /// Whether the rule holds in this file.
        var holds: @Sendable (RepositoryFile) -> Bool = { $0.isSwift }
    }

    static let bans = [
        Ban(construct: "try!", replacement: "do and catch, or a typed throw"),
        Ban(construct: "fatalError(", replacement: "preconditionFailure with the reason, or an error", holds: isSource),
        Ban(construct: "@unchecked Sendable", replacement: "Mutex of Synchronization"),
        Ban(construct: "Thread.sleep", replacement: "Environment.sleep"),
        Ban(construct: "DispatchSemaphore", replacement: "a continuation"),
        Ban(construct: "print(", replacement: "Logger, or StandardStreams", holds: { isSource($0) && !isExecutable($0) }),
        Ban(construct: "Task.detached", replacement: "a service of ServiceGroup", holds: isSourceWithoutTasks),
        Ban(construct: "Task {", replacement: "BackgroundWork, or a task group", holds: isSourceWithoutTasks),
        Ban(construct: "Task(", replacement: "BackgroundWork, or a task group", holds: isSourceWithoutTasks),
        Ban(construct: "Task.sleep", replacement: "Environment.sleep", holds: isSourceWithoutTasks),
        Ban(construct: "Date()", replacement: "Environment.now", holds: isSource),
        Ban(construct: "Float", replacement: "whole atomic units: UInt256, Int64", holds: isSource),
        Ban(construct: "Double", replacement: "whole atomic units: UInt256, Int64, or Duration", holds: isSource),
    ]

    /// Notes of unfinished work, in comments as in code. Put together here, so that this file keeps its own rule.
    static let unfinished = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]

    /// Where `unsafe` may stand, and why.
    static let fences = [
        "Sources/TollCrypto/": "libsecp256k1 and OpenSSL",
        "Sources/TollHTTPEngine/": "sockets and the buffers between them and the machines",
        "Sources/TollRuntime/": "libyaml, signals, standard streams, files",
        "Sources/TollStoreSQLite/": "SQLite",
        "Sources/TollStorePostgres/": "libpq",
        "Sources/TollStoreRedis/": "hiredis",
        "Sources/TollTestKit/Disk/": "the simulated disk under SQLite",
        "Sources/TollHTTP/ByteAppending.swift": "bytes are copied from where they lie, in the receive buffer for one",
        "Sources/TollPrimitives/FixedBytes.swift": "words are loaded from bytes whose count was checked",
        "Sources/TollPrimitives/Keccak256.swift": "lanes are loaded from a block whose bounds were checked",
        "Sources/TollClient/Journal/JournalFile.swift": "the journal's file and its lock",
        "Sources/TollTestKit/HTTP/RawClient.swift": "a socket that sends what no client would",
        "Sources/TollTestKit/HTTP/RawServer.swift": "a socket that answers what no server would",
        "Sources/TollTestKit/HTTP/SilentPort.swift": "a socket that is bound, and at which nobody listens",
        "Tests/": "sockets, files and faults that a test makes",
    ]

    static func banned(_ file: RepositoryFile) -> [Offence] {
        let bans = self.bans.filter { $0.holds(file) }
        return file.code.enumerated().flatMap { index, line in
            bans.filter { self.contains($0.construct, in: line) }.map {
                Offence(file, line: index + 1, "`\($0.construct)` is banned, use \($0.replacement)")
            }
        }
    }

    static func unfinishedWork(_ file: RepositoryFile) -> [Offence] {
        guard ["swift", "py", "sh", "c", "h", "vy"].contains(file.kind) else { return [] }
        return file.lines.flatMap { number, line in
            self.unfinished.filter { self.contains($0, in: line) }.map {
                Offence(file, line: number, "`\($0)` is banned: do it, or open an issue")
            }
        }
    }

    static func unsafeFences(_ file: RepositoryFile) -> [Offence] {
        guard !self.fences.keys.contains(where: { file.path.hasPrefix($0) }) else { return [] }
        return file.code.enumerated().filter { self.contains("unsafe", in: $0.element) }.map {
            Offence(file, line: $0.offset + 1, "`unsafe` outside the fences: use what a fence target offers, or list a new fence")
        }
    }

    /// Whether `construct` stands in `line` as a whole: not as a part of a longer name, and not as a member of something else.
    static func contains(_ construct: String, in line: Substring) -> Bool {
        var rest = line
        while let found = rest.firstRange(of: construct) {
            let before = found.lowerBound == line.startIndex ? " " : line[line.index(before: found.lowerBound)]
            let after = found.upperBound == line.endIndex ? " " : line[found.upperBound]
            let beginsWord = construct.first.map(isNamePart) ?? false
            let endsWord = construct.last.map(isNamePart) ?? false
            if !(beginsWord && (isNamePart(before) || before == ".")), !(endsWord && isNamePart(after)) { return true }
            rest = rest[found.upperBound...]
        }
        return false
    }

    private static func isNamePart(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }

    private static let isSource: @Sendable (RepositoryFile) -> Bool = { $0.isSwift && $0.isIn("Sources") }

    private static let isExecutable: @Sendable (RepositoryFile) -> Bool = {
        $0.isIn("Sources/tollgate") || $0.isIn("Sources/toll")
    }

    /// The engine starts a request's task, the runtime everything else that outlives a call.
    private static let isSourceWithoutTasks: @Sendable (RepositoryFile) -> Bool = {
        isSource($0) && !$0.isIn("Sources/TollRuntime") && !$0.isIn("Sources/TollHTTPEngine")
    }
}
