// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// A place where a server listens, and what it speaks there.
public struct ServerEndpoint: Sendable {
    /// An address, or a file.
    public enum Location: Sendable {
        /// An IP address, as `127.0.0.1`, `0.0.0.0` or `::`, and a port; 0 for a free one.
        case tcp(host: String, port: UInt16)
        /// A Unix socket. Whoever may write to the file may connect.
        case unix(UnixSocketFile)
    }

    /// Where.
    public var location: Location
    /// Nil for plain HTTP.
    public var tls: ServerTLS?
    /// Who answers here; nil for the server's own handler.
    public var handler: (any RequestHandler)?

    /// An endpoint; plain, and answered by the server's own handler, unless said otherwise.
    public init(_ location: Location, tls: ServerTLS? = nil, handler: (any RequestHandler)? = nil) {
        self.location = location
        self.tls = tls
        self.handler = handler
    }
}

/// The file of a Unix socket.
///
/// It appears with its permissions, never before it has them. A socket that a dead server left is replaced; one that a living
/// server listens on, and a file that is no socket, are not touched. It is removed when the server drains.
public struct UnixSocketFile: Sendable {
    /// At most 96 bytes.
    public var path: String
    /// Permissions, as 0o660.
    public var mode: UInt32
    /// The group it is given to; nil for the process's own.
    public var group: String?

    /// A file that its owner and its group may connect to.
    public init(path: String, mode: UInt32 = 0o660, group: String? = nil) {
        self.path = path
        self.mode = mode
        self.group = group
    }
}

/// An endpoint's sockets, one for each loop.
struct BoundEndpoint {
    let sockets: [Socket]
    let address: PeerAddress
    /// Of a Unix socket.
    let file: BoundFile?

    init(_ location: ServerEndpoint.Location, count: Int) throws(HTTPError) {
        switch location {
        case .tcp(let host, let port):
            self.sockets = try Self.bind(host, port, count: count)
            self.address = PeerAddress(ip: host, port: self.sockets[0].localPort)
            self.file = nil
        case .unix(let file):
            (self.sockets, self.file) = try Self.bind(file, count: count)
            self.address = .unix
        }
    }

    /// Undoes the binding.
    func close() {
        for socket in self.sockets { socket.close() }
        self.file?.remove()
    }

    private static func bind(_ host: String, _ port: UInt16, count: Int) throws(HTTPError) -> [Socket] {
        guard let address = SocketAddress(ip: host, port: port) else {
            throw HTTPError(.invalidMessage, "not an IP address to listen on: \(host)")
        }
        var sockets: [Socket] = []
        do throws(SystemError) {
            sockets.append(try Socket.listening(on: address))
            let shared = SocketAddress(ip: host, port: sockets[0].localPort) ?? address
            while sockets.count < count { sockets.append(try Socket.listening(on: shared)) }
            return sockets
        } catch {
            for socket in sockets { socket.close() }
            throw HTTPError(.unavailable, "cannot listen on \(host), port \(port): \(error)")
        }
    }

    /// A file has one queue of clients: all loops take from it.
    private static func bind(_ file: UnixSocketFile, count: Int) throws(HTTPError) -> ([Socket], BoundFile) {
        var sockets: [Socket] = []
        do throws(SystemError) {
            let (first, bound) = try Socket.listening(on: file)
            sockets.append(first)
            while sockets.count < count { sockets.append(try first.duplicate()) }
            return (sockets, bound)
        } catch {
            for socket in sockets { socket.close() }
            throw HTTPError(.unavailable, "cannot listen on unix:\(file.path): \(error)")
        }
    }
}
