// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

extension X402V2.SignIn {
    /// What the signed text says besides the account: the server's words in a challenge, given back in a proof.
    public struct Info: Hashable, Sendable {
        /// Whom the account signs in to: host, and the port unless it is the scheme's own.
        public let domain: String
        /// The resource.
        public let uri: String
        /// Always "1".
        public let version = "1"
        /// Random, the server's: at least eight letters and digits.
        public let nonce: String
        /// When the challenge was made, RFC 3339.
        public let issuedAt: String
        /// A sentence for the person who signs.
        public let statement: String?
        /// When the sign-in ends, RFC 3339.
        public let expirationTime: String?
        /// When it begins, RFC 3339.
        public let notBefore: String?
        /// The server's name for the request.
        public let requestID: String?
        /// URIs.
        public let resources: [String]?

        /// The required members; the optional ones are the server's to use, and ours uses none.
        ///
        /// - Parameters:
        ///   - domain: An authority without user information.
        ///   - issuedAt: RFC 3339.
        public init(domain: String, uri: String, nonce: String, issuedAt: String) {
            self.domain = domain
            self.uri = uri
            self.nonce = nonce
            self.issuedAt = issuedAt
            self.statement = nil
            self.expirationTime = nil
            self.notBefore = nil
            self.requestID = nil
            self.resources = nil
        }

        init(_ reader: WireReader) throws(WireError) {
            self.domain = try reader.text("domain", "a host, and perhaps a port", SignInGrammar.domain)
            self.uri = try reader.text("uri", Self.expectedURI, SignInGrammar.uri)
            _ = try reader.text("version", "\"1\"") { $0 == "1" ? $0 : nil }
            self.nonce = try reader.text("nonce", "8 to 128 letters and digits", SignInGrammar.nonce)
            self.issuedAt = try reader.text("issuedAt", Self.expectedTime, SignInGrammar.time)
            self.statement = try reader.optionalText("statement", Self.expectedLine, SignInGrammar.line)
            self.expirationTime = try reader.optionalText("expirationTime", Self.expectedTime, SignInGrammar.time)
            self.notBefore = try reader.optionalText("notBefore", Self.expectedTime, SignInGrammar.time)
            self.requestID = try reader.optionalText("requestId", Self.expectedLine, SignInGrammar.line)
            self.resources = try Self.resources(reader)
        }

        private static let expectedURI = "a URI of at most \(X402V2.SignIn.uriSizeMax) bytes"
        private static let expectedTime = "a time such as 2024-01-15T10:30:00.000Z"
        private static let expectedLine = "one line of at most \(X402V2.SignIn.textSizeMax) printable ASCII characters"

        private static func resources(_ reader: WireReader) throws(WireError) -> [String]? {
            let expected = "at most \(X402V2.SignIn.resourceCountMax) URIs"
            guard let elements = try reader.optional("resources", expected, \.array) else { return nil }
            let resources = elements.compactMap { $0.string.flatMap(SignInGrammar.uri) }
            guard resources.count == elements.count, elements.count <= X402V2.SignIn.resourceCountMax else {
                throw reader.malformed("resources", expected)
            }
            return resources
        }

        /// Sets its members in `object`; optional ones that are nil are left out.
        func write(to object: inout JSONObject) {
            object["domain"] = .string(self.domain)
            object["uri"] = .string(self.uri)
            object["version"] = .string(self.version)
            object["nonce"] = .string(self.nonce)
            object["issuedAt"] = .string(self.issuedAt)
            object["statement"] = self.statement.map(JSON.string)
            object["expirationTime"] = self.expirationTime.map(JSON.string)
            object["notBefore"] = self.notBefore.map(JSON.string)
            object["requestId"] = self.requestID.map(JSON.string)
            object["resources"] = self.resources.map { .array($0.map(JSON.string)) }
        }

        /// The text that an EVM account signs (EIP-4361): lines ended by LF, none after the last. Without a statement there are
        /// two blank lines below the address.
        ///
        /// - Parameter address: As it stands in the proof; by EIP-4361 with EIP-55's checksum.
        public func text(address: String, chain: UInt64) -> String {
            var lines = ["\(self.domain) wants you to sign in with your Ethereum account:", address, ""]
            lines += self.statement.map { [$0, ""] } ?? [""]
            lines += [
                "URI: \(self.uri)", "Version: \(self.version)", "Chain ID: \(chain)", "Nonce: \(self.nonce)",
                "Issued At: \(self.issuedAt)",
            ]
            if let time = self.expirationTime { lines.append("Expiration Time: \(time)") }
            if let time = self.notBefore { lines.append("Not Before: \(time)") }
            if let id = self.requestID { lines.append("Request ID: \(id)") }
            if let resources = self.resources { lines += ["Resources:"] + resources.map { "- \($0)" } }
            return lines.joined(separator: "\n")
        }
    }
}
