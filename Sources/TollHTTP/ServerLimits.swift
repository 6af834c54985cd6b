// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Every bound of the server in one value.
public struct ServerLimits: Sendable {
    /// A request head, request line included, in bytes. The largest payment credential measured is under 8 KiB;
    /// common servers allow 8–16 KiB. Over it: 431, or 414 while still in the request line.
    public var headerBytes = 16 * 1024
    /// Fields in one head. Browsers send about 20, proxies add 10. Each costs 12 bytes of index. Over it: 431.
    public var fieldCount = 100
    /// A request body, in bytes: large enough for uploads to an API, small enough to be no disk filler. Over it: 413.
    public var bodyBytes: UInt64 = 64 * 1024 * 1024
    /// Open connections over all loops. Memory is bounded by it times `headerBytes`; further clients wait in the
    /// kernel's backlog.
    public var connections = 10_000
    /// Of these, those of one address, or of one IPv6 network of 64 bits: one machine must not take every place. Far more
    /// than a browser's six or a pool's hundred; an office behind one address still fits. Those over it are closed at once.
    /// Connections from this machine, which come from a proxy in front, are not counted; a proxy elsewhere may need more.
    public var connectionsPerAddress = 1_000
    /// The whole head must arrive within this time of its first byte (or of the accept): a trickle holds nothing. Over TLS
    /// the time from the accept includes the handshake.
    public var headerTime: Duration = .seconds(10)
    /// A kept-alive connection may be silent this long between requests: a little over the 60 s of common proxies,
    /// so that they and not we end it.
    public var idleTime: Duration = .seconds(75)
    /// Requests that one connection may bring, then it is closed behind the answer: clients spread again over the loops and
    /// over whoever else serves, and nothing that a connection holds grows for ever. nginx's number; at a thousand requests the
    /// new handshake costs nothing.
    public var requestsPerConnection = 1_000
    /// How old a connection may get, likewise; one that is busy is closed behind its next answer. nginx's time. What has left
    /// HTTP is not counted.
    public var connectionTime: Duration = .seconds(3_600)
    /// While a request's body is waited for, some of it must come this often.
    public var bodyIdleTime: Duration = .seconds(30)
    /// Bytes a second at which a request's body must come on the whole, after a first ``bodyIdleTime``: a byte now and then
    /// is no progress. Only time in which it is waited for counts, so that a slow upstream is not the client's fault. A
    /// tenth of the slowest mobile network.
    public var bodyRate: UInt64 = 500
    /// A client that takes nothing of its answer for this long is cut off: the answer's memory is wanted elsewhere.
    public var writeIdleTime: Duration = .seconds(30)
    /// Body bytes read ahead of the consumer: enough to keep a fast sender busy, small beside 10,000 connections.
    public var bodyReadAhead = 64 * 1024
    /// After an answer that did not need the request's body, read and throw away at most this much of it to keep the
    /// connection, and to let the client see the answer before a reset.
    public var discardedBytes: UInt64 = 256 * 1024
    /// The same in time.
    public var discardTime: Duration = .seconds(1)

    /// The defaults.
    public init() {}
}
