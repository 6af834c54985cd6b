// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The certificates of one or several endpoints, replaced while they serve.
///
/// TLS 1.2 and 1.3, `http/1.1` alone in ALPN, sessions resumed by ticket, no early data. Each client gets the first
/// certificate that covers the name it asks for (RFC 6066 §3), else the first.
public final class ServerTLS: Sendable {
    private let current: Mutex<TLSContext>

    /// - Parameter identities: At least one; the first is for clients that ask for no name, or for an unknown one.
    public init(_ identities: [TLSIdentity]) {
        self.current = Mutex(TLSContext(choosing: identities))
    }

    /// New connections get these certificates; those that are open go on with theirs. The keys of the tickets change too: a
    /// client that comes back shakes hands in full, once.
    public func replace(with identities: [TLSIdentity]) {
        let context = TLSContext(choosing: identities)
        self.current.withLock { $0 = context }
    }

    func session() -> TLSSession? { self.current.withLock { $0 }.session() }
}
