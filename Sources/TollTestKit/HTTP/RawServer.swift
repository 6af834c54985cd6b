// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Foundation
private import Glibc
internal import Synchronization

/// A blocking server that answers each connection with the next of its scripts: bytes to send for each request read
/// (up to an empty line), then a close. It shows clients what no proper server would send.
public final class RawServer: Sendable {
    /// What becomes of one connection.
    public struct Script: Sendable {
        /// How it ends after the last answer.
        public enum Ending: Sendable {
            /// It is closed.
            case close
            /// It stays until the client closes.
            case linger
            /// It is reset: what the client has not read is lost.
            case reset
        }

        /// One answer per request.
        public var answers: [String]
        /// What comes after the last.
        public var ending: Ending

        /// These answers, and then this.
        public init(answers: [String], lingers: Bool = false, ending: Ending = .close) {
            self.answers = answers
            self.ending = lingers ? .linger : ending
        }
    }

    /// Where it listens on this machine.
    public let port: UInt16
    private let descriptor: Int32
    private let seen = Mutex<[String]>([])

    /// Every request head received, in order.
    public var requests: [String] { self.seen.withLock { $0 } }

    /// A server that gives each connection the next of its scripts.
    public init(_ scripts: [Script]) throws(SilentPort.Failure) {
        (self.descriptor, self.port) = try SilentPort.bound()
        guard listen(self.descriptor, 16) == 0 else { throw SilentPort.Failure() }
        Thread.detachNewThread { self.serve(scripts) }
    }

    deinit { close(self.descriptor) }

    private func serve(_ scripts: [Script]) {
        for script in scripts {
            let connection = accept(self.descriptor, nil, nil)
            guard connection >= 0 else { return }
            var wait = timeval(tv_sec: 3600, tv_usec: 0)
            unsafe setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
            for answer in script.answers {
                guard self.readHead(connection) else { break }
                let bytes = Array(answer.utf8)
                unsafe send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            }
            switch script.ending {
            case .close: break
            case .linger: self.readRest(connection)
            case .reset:
                var off = linger(l_onoff: 1, l_linger: 0)
                unsafe setsockopt(connection, SOL_SOCKET, SO_LINGER, &off, socklen_t(MemoryLayout<linger>.size))
            }
            close(connection)
        }
    }

    /// Reads until the client closes, or has sent a further head. In large pieces: it may be the rest of a long body.
    private func readRest(_ connection: Int32) {
        var (rest, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 64 * 1024))
        while !rest.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            let count = unsafe recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            rest += buffer.prefix(count)
        }
        self.seen.withLock { $0.append(String(decoding: rest, as: UTF8.self)) }
    }

    private func readHead(_ connection: Int32) -> Bool {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            var byte: UInt8 = 0
            guard unsafe recv(connection, &byte, 1, 0) == 1 else { return false }
            head.append(byte)
        }
        self.seen.withLock { $0.append(String(decoding: head, as: UTF8.self)) }
        return true
    }
}
