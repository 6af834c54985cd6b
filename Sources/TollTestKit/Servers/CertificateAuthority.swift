// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTPEngine
public import TollRuntime

/// A certificate authority that nobody trusts but the tests that made it, by the `openssl` program.
public final class CertificateAuthority: Sendable {
    /// A certificate and its key, as an operator has them: two PEM files.
    public struct Issued: Sendable {
        /// Path of the certificate.
        public let certificate: String
        /// Path of the key.
        public let key: String

        /// Both, read.
        public func identity() throws -> TLSIdentity {
            try TLSIdentity(
                certificates: FileContents.read(self.certificate, byteCountMax: 65_536),
                key: FileContents.read(self.key, byteCountMax: 65_536))
        }
    }

    /// Path of the authority's own certificate, for clients that are to trust it.
    public let certificate: String
    private let directory: TemporaryDirectory

    private static let newKey = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"

    /// Makes one.
    public init() throws(ChildProcess.Failure) {
        self.directory = try TemporaryDirectory(prefix: "tollgate-certificates")
        self.certificate = "\(self.directory.path)/authority.pem"
        try self.run("openssl req -x509 \(Self.newKey) -keyout authority.key -out authority.pem -subj '/CN=Tests'")
    }

    /// Makes a certificate good for `names`, as openssl writes them: `DNS:a.example`, `IP:127.0.0.1`.
    ///
    /// - Parameter days: How long it is good from now on; −1 for one that has ended.
    public func issue(_ file: String, for names: [String], days: Int = 30) throws(ChildProcess.Failure) -> Issued {
        let alternatives = names.joined(separator: ",")
        try self.run(
            "openssl req \(Self.newKey) -keyout \(file).key -subj '/CN=\(file)' -addext 'subjectAltName=\(alternatives)'"
                + " | openssl x509 -req -CA authority.pem -CAkey authority.key -copy_extensions copy"
                + " -days \(days) -out \(file).pem"
        )
        return Issued(certificate: "\(self.directory.path)/\(file).pem", key: "\(self.directory.path)/\(file).key")
    }

    /// Where a file of this name beside the certificates is, or can be written.
    public func path(of file: String) -> String { "\(self.directory.path)/\(file)" }

    private func run(_ command: String) throws(ChildProcess.Failure) {
        let script = "cd '\(self.directory.path)' && { \(command); } 2>>openssl.log"
        var shell = try ChildProcess("/bin/sh", ["-c", script])
        guard shell.finish().status == 0 else { throw ChildProcess.Failure(description: "openssl failed: \(command)") }
    }
}
