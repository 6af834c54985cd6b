// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import COpenSSLTLS

/// A certificate, the intermediate ones above it, and its private key: what a server proves its name by.
public struct TLSIdentity: Sendable {
    /// Why certificate and key are of no use.
    public enum Problem: Error, Hashable, Sendable, CustomStringConvertible {
        /// There is no PEM certificate at the start.
        case noCertificate
        /// Behind the first certificate stands something that is none.
        case badChain
        /// There is no PEM private key, or it is under a password.
        case noKey
        /// The key belongs to another certificate.
        case otherKey
        /// Key or signature are weaker than OpenSSL's security level allows (RSA under 2048 bits, SHA-1).
        case tooWeak

        /// What is wrong, for a person.
        public var description: String {
            switch self {
            case .noCertificate: "no certificate in PEM stands there"
            case .badChain: "what stands behind the first certificate is none in PEM"
            case .noKey: "no private key in PEM stands there, or it is under a password"
            case .otherKey: "the key belongs to another certificate"
            case .tooWeak: "the certificate's key or signature is too weak"
            }
        }
    }

    let context: TLSContext

    /// Reads both, and checks that they belong together.
    ///
    /// - Parameters:
    ///   - certificates: PEM: the server's own first, then the intermediate ones, as authorities deliver them.
    ///   - key: PEM, without a password.
    public init(certificates: [UInt8], key: [UInt8]) throws(Problem) {
        self.context = TLSContext()
        switch self.context.load(certificates, key) {
        case toll_tls_fits: break
        case toll_tls_no_certificate: throw .noCertificate
        case toll_tls_bad_chain: throw .badChain
        case toll_tls_no_key: throw .noKey
        case toll_tls_other_key: throw .otherKey
        default: throw .tooWeak
        }
    }

    /// When the certificate ends, in seconds since 1970.
    public var expiry: Int64 { self.context.expiry }

    /// Whether the certificate is good for a name, or for an address without brackets.
    public func covers(_ host: String) -> Bool { self.context.covers(host) }
}

/// OpenSSL's SSL_CTX: counted there, safe to use from several threads once it is set up.
@safe
final class TLSContext: Sendable {
    fileprivate nonisolated(unsafe) let pointer: OpaquePointer
    /// The contexts that sessions of this one choose among, and a NULL behind them.
    private nonisolated(unsafe) let choices: UnsafeMutablePointer<OpaquePointer?>?
    private let chosen: [TLSContext]

    /// A context for one certificate, see ``load(_:_:)``.
    init() {
        unsafe self.pointer = Self.make()
        unsafe self.choices = nil
        self.chosen = []
    }

    /// A context whose sessions take the certificate that covers the name asked for, else the first. Never of none.
    init(choosing identities: [TLSIdentity]) {
        precondition(!identities.isEmpty, "A TLS server has a certificate.")
        unsafe self.pointer = Self.make()
        self.chosen = identities.map(\.context)
        let choices = UnsafeMutablePointer<OpaquePointer?>.allocate(capacity: identities.count + 1)
        for (index, context) in self.chosen.enumerated() { unsafe choices[index] = context.pointer }
        unsafe choices[identities.count] = nil
        unsafe self.choices = choices
        unsafe toll_tls_set_choice(self.pointer, UnsafeMutableRawPointer(choices))
    }

    deinit {
        unsafe SSL_CTX_free(self.pointer)
        unsafe self.choices?.deallocate()
    }

    private static func make() -> OpaquePointer {
        guard let context = unsafe toll_tls_context() else { preconditionFailure("OpenSSL has no memory") }
        return unsafe context
    }

    fileprivate func load(_ certificates: [UInt8], _ key: [UInt8]) -> Int {
        let status = unsafe certificates.withUnsafeBytes { chain in
            unsafe key.withUnsafeBytes { key in
                unsafe toll_tls_load(
                    self.pointer, chain.baseAddress, Int32(clamping: chain.count), key.baseAddress, Int32(clamping: key.count))
            }
        }
        return Int(status)
    }

    fileprivate var expiry: Int64 { unsafe toll_tls_expiry(self.pointer) }

    fileprivate func covers(_ host: String) -> Bool {
        let isAddress = SocketAddress(ip: host, port: 0) != nil
        return unsafe toll_tls_covers(self.pointer, host, isAddress ? 1 : 0) == 1
    }

    /// A session that waits for its client's hello; nil when there is no memory.
    func session() -> TLSSession? { unsafe toll_tls_session(self.pointer).map { unsafe TLSSession($0, of: self) } }
}
