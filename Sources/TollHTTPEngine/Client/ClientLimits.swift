// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Every bound of the clients in one value. Deadlines are each request's own.
public struct ClientLimits: Sendable {
    /// A response head in bytes. Payment challenges in many dialects at once reach 10 KiB.
    public var headerBytes = 64 * 1024
    /// Fields in one head.
    public var fieldCount = 200
    /// A body of at most this many bytes and known length is waited for and delivered with its head: one wake-up of
    /// the caller, and one write where it is passed on.
    public var wholeBodyBytes: UInt64 = 64 * 1024
    /// Open connections to one origin per loop; further requests wait for one, within their deadlines.
    public var connectionsPerOrigin = 256
    /// Requests that may wait for a connection, per origin and loop. Further ones fail at once: an origin that is stuck
    /// must not gather all of our memory.
    public var waitingPerOrigin = 1024
    /// Connections kept open without a request, per origin and loop.
    public var idleConnectionsPerOrigin = 64
    /// How long they are kept: under the 60–75 s of common servers, so that we and not they end it.
    public var idleTime: Duration = .seconds(50)
    /// One attempt to connect to one address.
    public var connectTime: Duration = .seconds(5)
    /// How long an address looked up is used: below the shortest TTL in common use.
    public var resolutionTime: Duration = .seconds(30)

    /// The defaults.
    public init() {}
}
