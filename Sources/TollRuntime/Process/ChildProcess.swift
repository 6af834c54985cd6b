// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CTollSpawn
private import Glibc
internal import Synchronization

/// A program that this one starts: its standard input is held open and can be written, its standard output is read, its standard
/// error is ours.
///
/// Calls block: not for use on a loop that serves.
public struct ChildProcess: ~Copyable, Sendable {
    /// A system call that failed.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// Which, and why.
        public let description: String

        /// A failure of whoever runs programs for a purpose.
        public init(description: String) { self.description = description }
    }

    /// Held while a program is started. A pipe's ends can be marked to close only after they are there, and another program
    /// that started in between would keep them: whoever waits for the end of the pipe would wait for that one too.
    private static let starting = Mutex(())

    private let process: pid_t
    private let input: Int32
    private let output: Int32
    private var isFinished = false

    /// Starts `path` with `arguments`, its own name not among them, and this process' environment with `environment` over it.
    public init(_ path: String, _ arguments: [String] = [], environment: [String: String] = [:]) throws(Failure) {
        (self.process, self.input, self.output) = try Self.starting.withLock { _ throws(Failure) in
            try Self.start(path, arguments, environment)
        }
    }

    deinit {
        close(self.input)
        close(self.output)
        if !self.isFinished {
            kill(self.process, SIGTERM)
            _ = waitpid(self.process, nil, 0)
        }
    }

    /// Writes a line to its standard input. Whether it is still there to read it, its answer shows.
    public func writeLine(_ line: String) {
        var rest = Array(line.utf8)[...]
        rest.append(UInt8(ascii: "\n"))
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(self.input, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// The next line of its output, without the line break; nil at the end.
    public func readLine() -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while unsafe read(self.output, &byte, 1) == 1 {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }

    /// Everything it writes, then its exit status; 128 and the signal's number when a signal ended it.
    public mutating func finish() -> (status: Int32, output: [UInt8]) {
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = unsafe read(self.output, &piece, piece.count)
            guard count > 0 else { break }
            all += piece[..<count]
        }
        var status: Int32 = 0
        unsafe waitpid(self.process, &status, 0)
        self.isFinished = true
        let signal = status & 0x7F
        return (signal == 0 ? status >> 8 & 0xFF : 128 + signal, all)
    }

    private static func start(
        _ path: String, _ arguments: [String], _ environment: [String: String]
    ) throws(Failure) -> (process: pid_t, input: Int32, output: Int32) {
        let (childInput, input) = try self.pipe()
        let (output, childOutput) = try self.pipe()
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, childInput, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, childOutput, 1)
        // Whatever else is open here, a library's socket among it, is none of its business: who waits for the end of a connection
        // that a child holds a copy of waits for the end of the child.
        unsafe toll_spawn_close_from(&actions, 3)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        self.clearSignalMask(&attributes)
        let words = unsafe self.words([path] + arguments)
        let variables = unsafe self.words(self.environment(with: environment))
        defer { unsafe (words + variables).forEach { unsafe free($0) } }
        var process: pid_t = 0
        let status = unsafe posix_spawn(&process, path, &actions, &attributes, words, variables)
        close(childInput)
        close(childOutput)
        guard status == 0 else {
            close(input)
            close(output)
            throw Failure(description: "\(path) cannot be started: \(self.reason(status))")
        }
        return (process, input, output)
    }

    /// Both ends close when a program is replaced, so that only those that are handed on stay open.
    private static func pipe() throws(Failure) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        guard unsafe Glibc.pipe(&ends) == 0 else { throw Failure(description: "no pipe: \(reason(errno))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// A program would start with the signals blocked that the thread has blocked which starts it, and threads of a pool block
    /// all: it could not be ended.
    private static func clearSignalMask(_ attributes: inout posix_spawnattr_t) {
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    }

    private static func environment(with changes: [String: String]) -> [String] {
        var variables: [String] = []
        var next = unsafe environ
        while let variable = unsafe next.pointee {
            let text = unsafe String(cString: variable)
            if changes[String(text.prefix { $0 != "=" })] == nil { variables.append(text) }
            unsafe next += 1
        }
        return variables + changes.map { "\($0.key)=\($0.value)" }
    }

    private static func words(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        unsafe texts.map { unsafe strdup($0) } + [nil]
    }

    private static func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
