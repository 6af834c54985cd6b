// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization
import TollTestKit

/// A server behind the gateway that writes down what it is asked and says "ok". It reads as carelessly as servers do, and with
/// none of our code: fields are looked for by text, line ends are not checked.
final class RecordingUpstream: Sendable {
    /// One request as it came.
    struct Seen: Sendable, CustomStringConvertible {
        var head: String
        var body: String
        /// Whether the whole body came before the connection ended.
        var isWhole = true

        /// `GET /free/x HTTP/1.1`.
        var line: String { String(self.head.prefix { $0 != "\r\n" }) }
        var target: String { String(self.line.split(separator: " ").dropFirst().first ?? "") }
        var description: String { "\(self.head)\(self.body)" }

        func has(_ name: String) -> Bool { self.head.lowercased().contains("\r\n\(name.lowercased()):") }
    }

    let port: UInt16
    private let listener: Listener
    private let state = Mutex<[Seen]>([])

    /// Every request that has begun, in order.
    var seen: [Seen] { self.state.withLock { $0 } }

    init() throws {
        let (descriptor, port) = try SilentPort.bound()
        let listener = Listener(descriptor)
        (self.listener, self.port) = (listener, port)
        guard listen(descriptor, 64) == 0 else { throw CocoaError(.featureUnsupported) }
        Thread.detachNewThread { [weak self] in
            defer { listener.close() }
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                guard let upstream = self else {
                    close(connection)
                    return
                }
                Thread.detachNewThread { upstream.serve(connection) }
            }
        }
    }

    deinit { self.listener.shut() }

    /// The socket that listens. The thread that accepts closes it: were it closed beside that thread, its number could be another
    /// upstream's by the time the thread accepts again, and a client of that one would wait for nobody.
    private final class Listener: Sendable {
        private let descriptor: Mutex<Int32?>

        init(_ descriptor: Int32) { self.descriptor = Mutex(descriptor) }

        /// Wakes the thread, which then ends.
        func shut() {
            self.descriptor.withLock { descriptor in
                if let descriptor { shutdown(descriptor, Int32(SHUT_RDWR)) }
            }
        }

        func close() {
            self.descriptor.withLock { descriptor in
                if let open = descriptor.take() { Glibc.close(open) }
            }
        }
    }

    private func serve(_ connection: Int32) {
        defer { close(connection) }
        var input = Input(connection)
        while let head = input.take(through: "\r\n\r\n") {
            let index = self.state.withLock { state in
                state.append(Seen(head: head, body: "", isWhole: false))
                return state.count - 1
            }
            let text = head.lowercased()
            var body = ""
            if text.contains("transfer-encoding:") {
                guard let chunks = input.take(through: "0\r\n\r\n") else { return }
                body = chunks
            } else if let field = text.range(of: "content-length:") {
                let digits = text[field.upperBound...].drop { $0 == " " }.prefix(while: \.isNumber)
                guard let bytes = input.take(count: Int(digits) ?? 0) else { return }
                body = bytes
            }
            self.state.withLock { state in
                state[index].body = body
                state[index].isWhole = true
            }
            let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8)
            guard unsafe send(connection, answer, answer.count, Int32(MSG_NOSIGNAL)) == answer.count else { return }
        }
    }

    private struct Input {
        let connection: Int32
        var bytes: [UInt8] = []

        init(_ connection: Int32) { self.connection = connection }

        mutating func take(through end: String) -> String? {
            while true {
                if let found = self.bytes.firstRange(of: Array(end.utf8)) { return self.take(count: found.upperBound) }
                guard self.receive() else { return nil }
            }
        }

        mutating func take(count: Int) -> String? {
            while self.bytes.count < count { guard self.receive() else { return nil } }
            defer { self.bytes.removeFirst(count) }
            return String(decoding: self.bytes.prefix(count), as: UTF8.self)
        }

        private mutating func receive() -> Bool {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = unsafe recv(self.connection, &buffer, buffer.count, 0)
            if count > 0 { self.bytes += buffer.prefix(count) }
            return count > 0
        }
    }
}
