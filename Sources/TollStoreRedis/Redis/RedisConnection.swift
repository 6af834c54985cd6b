// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CHiredis
private import Glibc
internal import TollPrimitives

/// Why the server did not do what it was asked. Without passwords.
struct RedisError: Error, Hashable, Sendable, CustomStringConvertible {
    let description: String
}

/// What a command gave.
enum RedisReply: Hashable, Sendable {
    case nothing
    case integer(Int64)
    case bytes([UInt8])
    /// The server refused the command, in its words.
    case refusal(String)
}

/// A command and its arguments, as bytes.
typealias RedisCommand = [[UInt8]]

/// One connection to a Redis server. Owns the context: opened in `init`, closed in `deinit`. Calls block their thread, each at
/// most until its deadline. After an error it cannot be used any more.
@safe
final class RedisConnection {
    private let context: UnsafeMutablePointer<redisContext>

    /// Connects, and says who we are.
    init(_ address: RedisAddress, within time: Duration) throws(RedisError) {
        let (seconds, attoseconds) = time.components
        let timeout = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        let context =
            switch address.place {
            case .host(let host, let port): unsafe redisConnectWithTimeout(host, Int32(port), timeout)
            case .socket(let path): unsafe redisConnectUnixWithTimeout(path, timeout)
            }
        guard let context = unsafe context else { throw RedisError(description: "no memory for a connection") }
        unsafe self.context = context
        guard unsafe context.pointee.err == 0 else { throw self.failure() }
        var greetings: [RedisCommand] = []
        if let password = address.password {
            let word = password.withExposed { Array($0.utf8) }
            greetings.append([Array("AUTH".utf8)] + (address.user.map { [Array($0.utf8)] } ?? []) + [word])
        }
        if address.database != 0 { greetings.append([Array("SELECT".utf8), Array(String(address.database).utf8)]) }
        for reply in try self.run(greetings, within: time) {
            if case .refusal(let words) = reply { throw RedisError(description: words) }
        }
    }

    deinit { unsafe redisFree(self.context) }

    /// Sends all commands together and gives their replies in order.
    func run(_ commands: [RedisCommand], within time: Duration) throws(RedisError) -> [RedisReply] {
        let deadline = ContinuousClock.now + time
        var bytes: [UInt8] = []
        for command in commands { Self.format(command, into: &bytes) }
        try self.send(bytes, deadline)
        var replies: [RedisReply] = []
        while replies.count < commands.count { replies.append(try self.reply(deadline)) }
        return replies
    }

    /// The protocol's form of a command: an array of strings, each with its length in front.
    private static func format(_ command: RedisCommand, into bytes: inout [UInt8]) {
        bytes += Array("*\(command.count)\r\n".utf8)
        for argument in command { bytes += Array("$\(argument.count)\r\n".utf8) + argument + Array("\r\n".utf8) }
    }

    /// By ourselves, because hiredis would let a connection that has ended raise SIGPIPE.
    private func send(_ bytes: [UInt8], _ deadline: ContinuousClock.Instant) throws(RedisError) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(
                    self.context.pointee.fd, buffer.baseAddress?.advanced(by: sent), buffer.count - sent,
                    Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            if count > 0 { sent += count }
            guard count < 0 else { continue }
            switch errno {
            case EAGAIN: try self.wait(for: POLLOUT, deadline)
            case EINTR: break
            default: throw RedisError(description: "the connection was lost")
            }
        }
    }

    private func reply(_ deadline: ContinuousClock.Instant) throws(RedisError) -> RedisReply {
        while true {
            var found: UnsafeMutableRawPointer?
            guard unsafe redisGetReplyFromReader(self.context, &found) == REDIS_OK else { throw self.failure() }
            if let reply = unsafe found?.assumingMemoryBound(to: redisReply.self) {
                defer { unsafe freeReplyObject(reply) }
                return unsafe Self.read(reply.pointee)
            }
            try self.wait(for: POLLIN, deadline)
            guard unsafe redisBufferRead(self.context) == REDIS_OK else { throw self.failure() }
        }
    }

    private static func read(_ reply: redisReply) -> RedisReply {
        let bytes = unsafe [UInt8](UnsafeRawBufferPointer(start: reply.str, count: reply.str == nil ? 0 : reply.len))
        switch unsafe reply.type {
        case REDIS_REPLY_NIL: return .nothing
        case REDIS_REPLY_INTEGER: return .integer(unsafe reply.integer)
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: return .bytes(bytes)
        case REDIS_REPLY_ERROR: return .refusal(String(decoding: bytes, as: UTF8.self))
        default: return .refusal("a reply of another kind than was asked for")
        }
    }

    private func wait(for events: Int32, _ deadline: ContinuousClock.Instant) throws(RedisError) {
        let rest = deadline - ContinuousClock.now
        guard rest > .zero else { throw RedisError(description: "no answer in time") }
        let milliseconds = rest.components.seconds * 1_000 + rest.components.attoseconds / 1_000_000_000_000_000 + 1
        var socket = unsafe pollfd(fd: self.context.pointee.fd, events: Int16(events), revents: 0)
        _ = unsafe poll(&socket, 1, Int32(clamping: milliseconds))
        guard socket.revents == 0 else { return }
        try self.wait(for: events, deadline)
    }

    private func failure() -> RedisError {
        let words = unsafe withUnsafeBytes(of: self.context.pointee.errstr) { buffer in
            unsafe String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
        }
        return RedisError(description: words.isEmpty ? "the connection was lost" : words)
    }
}
