// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Where a connection comes from.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    /// The address as text: `192.0.2.1` or `2001:db8::1`. An IPv4 address mapped into IPv6 is given as IPv4.
    public let ip: String
    /// The port.
    public let port: UInt16

    /// An address already known to be well formed.
    public init(ip: String, port: UInt16) {
        self.ip = ip
        self.port = port
    }

    /// True for `127.0.0.0/8` and `::1`: the peer runs on this machine.
    public var isLoopback: Bool { self.ip.hasPrefix("127.") || self.ip == "::1" }

    /// `192.0.2.1:80` or `[2001:db8::1]:80`.
    public var description: String { self.ip.contains(":") ? "[\(self.ip)]:\(self.port)" : "\(self.ip):\(self.port)" }
}
