// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Where a connection comes from.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    /// The address as text: `192.0.2.1` or `2001:db8::1`. An IPv4 address mapped into IPv6 is given as IPv4. `unix` for a
    /// client on a Unix socket, which has none.
    public let ip: String
    /// The port; 0 on a Unix socket.
    public let port: UInt16

    /// An address already known to be well formed.
    public init(ip: String, port: UInt16) {
        self.ip = ip
        self.port = port
    }

    /// Whoever is at the other end of a Unix socket.
    public static let unix = PeerAddress(ip: "unix", port: 0)

    /// True for a Unix socket.
    public var isUnix: Bool { self.ip == Self.unix.ip }

    /// True for `127.0.0.0/8`, `::1` and Unix sockets: the peer runs on this machine.
    public var isLoopback: Bool { self.ip.hasPrefix("127.") || self.ip == "::1" || self.isUnix }

    /// `192.0.2.1:80`, `[2001:db8::1]:80` or `unix`.
    public var description: String {
        if self.isUnix { return self.ip }
        return self.ip.contains(":") ? "[\(self.ip)]:\(self.port)" : "\(self.ip):\(self.port)"
    }
}
