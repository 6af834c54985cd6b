// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// The sending half of a connection that has switched protocols (RFC 9110 §7.8): bytes without framing.
public protocol TunnelSink: Sendable {
    /// Sends one piece. Returns when there is room for more: awaiting it is the back-pressure.
    func write(_ bytes: [UInt8]) async throws(HTTPError)
    /// Nothing more comes from this side; the other may go on.
    func end()
}
