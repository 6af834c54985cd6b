// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Glibc

/// A blocking TCP client that sends exactly the bytes it is told to. Every wait ends after an hour, so that a fault is no hang.
public final class RawClient: Sendable {
    private let descriptor: Int32

    /// A client of a port on this machine.
    ///
    /// - Parameter receiveBuffer: How much the kernel keeps for it, when it is to be a slow reader.
    public init(port: UInt16, receiveBuffer: Int32? = nil) throws(Failure) {
        self.descriptor = Self.open(AF_INET)
        if var size = receiveBuffer {
            unsafe setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe connect(self.descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Failure() }
    }

    /// A client on a Unix socket.
    public init(path: String) throws(Failure) {
        self.descriptor = Self.open(AF_UNIX)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe connect(self.descriptor, pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else { throw Failure() }
    }

    private static func open(_ family: Int32) -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        var wait = timeval(tv_sec: 3600, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        return descriptor
    }

    deinit { close(self.descriptor) }

    /// Nobody listens there.
    public struct Failure: Error {
        /// Nothing more is known.
        public init() {}
    }

    /// False when the peer takes no more.
    @discardableResult
    public func send(_ bytes: [UInt8]) -> Bool {
        var place = 0
        while place < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Glibc.send(self.descriptor, bytes.baseAddress! + place, bytes.count - place, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            place += count
        }
        return true
    }

    /// The same of text.
    @discardableResult
    public func send(_ text: String) -> Bool { self.send(Array(text.utf8)) }

    /// Says that nothing more comes, and reads on.
    public func shutdownWrite() { shutdown(self.descriptor, Int32(SHUT_WR)) }

    /// The next bytes: empty at the end, nil when none come in time or the connection is reset.
    public func receive(upTo limit: Int = 65536) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = unsafe recv(self.descriptor, &buffer, limit, 0)
        return count < 0 ? nil : Array(buffer.prefix(count))
    }

    /// Everything until the peer closes.
    public func receiveAll() -> String {
        var all: [UInt8] = []
        while let more = self.receive(), !more.isEmpty { all += more }
        return String(decoding: all, as: UTF8.self)
    }

    /// Until the text received ends with `end`.
    public func receive(until end: String) -> String {
        var all: [UInt8] = []
        while !all.suffix(end.utf8.count).elementsEqual(end.utf8), let more = self.receive(upTo: 4096), !more.isEmpty {
            all += more
        }
        return String(decoding: all, as: UTF8.self)
    }
}
