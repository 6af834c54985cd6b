// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Every bound of the server in one value.
public struct ServerLimits: Sendable {
    /// A request head, request line included, in bytes. The largest payment credential measured is under 8 KiB;
    /// common servers allow 8–16 KiB. Over it: 431, or 414 while still in the request line.
    public var headerBytes = 16 * 1024
    /// Fields in one head. Browsers send about 20, proxies add 10. Each costs 16 bytes of index. Over it: 431.
    public var fieldCount = 100
    /// A request body, in bytes: large enough for uploads to an API, small enough to be no disk filler. Over it: 413.
    public var bodyBytes: UInt64 = 64 * 1024 * 1024
    /// Open connections over all loops. Memory is bounded by it times `headerBytes`; further clients wait in the
    /// kernel's backlog.
    public var connections = 10_000
    /// The whole head must arrive within this time of its first byte (or of the accept): a trickle holds nothing.
    public var headerTime: Duration = .seconds(10)
    /// A kept-alive connection may be silent this long between requests: a little over the 60 s of common proxies,
    /// so that they and not we end it.
    public var idleTime: Duration = .seconds(75)
    /// Within a body, read or written, progress must be made this often.
    public var bodyIdleTime: Duration = .seconds(30)
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
