// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CTollLinux
internal import TollHTTP

/// A failed system call: its negated errno.
struct SystemError: Error, CustomStringConvertible {
    let code: Int32

    var description: String { unsafe String(cString: toll_error_text(self.code)) }
    /// No file descriptor is left; closing others will help.
    var isOutOfFiles: Bool { self.code == toll_too_many_files || self.code == toll_file_table_full }

    /// The value of a call that says failure by a negative one.
    static func check(_ value: Int32) throws(SystemError) -> Int32 {
        guard value >= 0 else { throw SystemError(code: value) }
        return value
    }
}

/// Where a socket is bound or connected.
struct SocketAddress: Sendable {
    private var address: toll_address

    /// Nil when the text is no IPv4 or IPv6 address.
    init?(ip: String, port: UInt16) {
        self.address = toll_address()
        guard unsafe toll_address_parse(ip, port, &self.address) == 0 else { return nil }
    }

    private init(_ address: toll_address) { self.address = address }

    /// The addresses of a name. Blocks the thread for as long as the resolver takes.
    static func resolve(_ host: String, port: UInt16) -> [SocketAddress] {
        var found = Array(repeating: toll_address(), count: 8)
        let count = unsafe toll_resolve(host, port, &found, Int32(found.count))
        return found.prefix(Int(count)).map { SocketAddress($0) }
    }

    var peer: PeerAddress {
        var address = self.address
        var port: UInt16 = 0
        let ip = unsafe String(unsafeUninitializedCapacity: 46) { buffer in
            unsafe buffer.withMemoryRebound(to: CChar.self) { text in
                guard let start = text.baseAddress, unsafe toll_address_text(&address, start, &port) == 0 else { return 0 }
                return unsafe text.firstIndex(of: 0) ?? 0
            }
        }
        return PeerAddress(ip: ip, port: port)
    }

    /// What connections from here are counted by: an IPv4 address, the /64 of an IPv6 address; 0 for this machine's own.
    var network: UInt64 {
        var address = self.address
        return unsafe toll_address_network(&address)
    }

    fileprivate func listen(backlog: Int32) -> Int32 {
        var address = self.address
        return unsafe toll_listen(&address, backlog)
    }

    fileprivate func connect() -> Int32 {
        var address = self.address
        return unsafe toll_connect(&address)
    }

    fileprivate static func accept(_ descriptor: Int32) throws(SystemError) -> (Socket, SocketAddress) {
        var address = toll_address()
        let accepted = try SystemError.check(unsafe toll_accept(descriptor, &address))
        return (Socket(descriptor: accepted), SocketAddress(address))
    }
}

/// The file of a Unix socket that this process listens on.
struct BoundFile: Sendable {
    let path: String
    fileprivate let identity: [UInt64]

    /// Removes the file, unless another server's stands there by now.
    func remove() { unsafe toll_remove_unix(self.path, self.identity) }
}

/// A non-blocking stream socket. Whoever holds it closes it, once.
struct Socket: Sendable {
    /// The outcome of a transfer.
    enum Transfer {
        case count(Int)
        case wouldBlock
        /// The connection is broken.
        case failed
    }

    let descriptor: Int32

    /// A socket that listens; several may share one port, and the kernel spreads connections over them.
    static func listening(on address: SocketAddress, backlog: Int32 = 4096) throws(SystemError) -> Socket {
        Socket(descriptor: try SystemError.check(address.listen(backlog: backlog)))
    }

    /// A socket that listens on a file.
    static func listening(on file: UnixSocketFile, backlog: Int32 = 4096) throws(SystemError) -> (Socket, BoundFile) {
        var identity: [UInt64] = [0, 0]
        let descriptor = unsafe toll_listen_unix(file.path, file.mode, file.group, backlog, &identity)
        return (Socket(descriptor: try SystemError.check(descriptor)), BoundFile(path: file.path, identity: identity))
    }

    /// The same socket for one more loop.
    func duplicate() throws(SystemError) -> Socket { Socket(descriptor: try SystemError.check(toll_duplicate(self.descriptor))) }

    /// A socket that is being connected: writable means decided, ``connectionError`` says how.
    static func connecting(to address: SocketAddress) throws(SystemError) -> Socket {
        Socket(descriptor: try SystemError.check(address.connect()))
    }

    var localPort: UInt16 { UInt16(clamping: toll_local_port(self.descriptor)) }

    var connectionError: SystemError? {
        let code = toll_socket_error(self.descriptor)
        return code == 0 ? nil : SystemError(code: code)
    }

    /// Nil when nobody is waiting to be accepted.
    func accept() throws(SystemError) -> (Socket, SocketAddress)? {
        do throws(SystemError) {
            return try SocketAddress.accept(self.descriptor)
        } catch {
            guard error.code == toll_would_block else { throw error }
            return nil
        }
    }

    /// Whether descriptors are so few, with this one, that no more may be accepted.
    var isAmongTheLast: Bool { toll_is_short_of_descriptors(self.descriptor) != 0 }

    /// Whether one more may be accepted.
    static var isAnyLeft: Bool { toll_is_short_of_descriptors(-1) == 0 }

    /// A count of 0 is the end of the peer's side.
    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        Self.transfer(unsafe toll_receive(self.descriptor, buffer.baseAddress, buffer.count))
    }

    /// Sends `first` from `start` on, then `second`, with one call.
    func send(_ first: [UInt8], from start: Int = 0, _ second: [UInt8] = []) -> Transfer {
        unsafe first.withUnsafeBytes { first in
            unsafe second.withUnsafeBytes { second in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: first[start...])
                return Self.transfer(
                    unsafe toll_send(self.descriptor, rest.baseAddress, rest.count, second.baseAddress, second.count)
                )
            }
        }
    }

    func shutdownWrite() { toll_shutdown_write(self.descriptor) }

    func close() { toll_close(self.descriptor) }

    private static func transfer(_ count: Int) -> Transfer {
        if count >= 0 { return .count(count) }
        return count == Int(toll_would_block) ? .wouldBlock : .failed
    }
}
