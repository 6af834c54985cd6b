// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import COpenSSLTLS

/// What a client believes servers by: the authorities that their certificates have to be from. TLS 1.2 and 1.3, `http/1.1`
/// alone in ALPN, no session resumed.
///
/// Only for connections that leave HTTP, which libcurl does not give out; everything else over TLS is libcurl's.
@safe
final class ClientTLS {
    private let pointer: OpaquePointer

    /// Reads the authorities anew each time: a file that was replaced holds from the next connection on.
    ///
    /// - Parameter authorities: A PEM file; nil for the system's. Nil is made of one that cannot be read.
    init?(authorities: String?) {
        guard let pointer = unsafe toll_tls_client_context(authorities) else { return nil }
        unsafe self.pointer = pointer
    }

    deinit { unsafe SSL_CTX_free(self.pointer) }

    /// A session with a server that has to prove this name, or address; nil when there is no memory.
    func session(to host: String) -> TLSSession? {
        let isAddress = SocketAddress(ip: host, port: 0) != nil
        return unsafe toll_tls_client_session(self.pointer, host, isAddress ? 1 : 0).map { unsafe TLSSession($0, of: self) }
    }
}
