// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPrimitives

/// Who may ask (RFC 6750 §2.1).
struct BearerTokens: Sendable {
    private let tokens: [Secret<String>]

    init(_ tokens: [Secret<String>]) {
        self.tokens = tokens
    }

    /// The place of the token that `head` brings; nil when nobody needs one.
    ///
    /// Compares with every token whole, so that the time it takes tells nothing about any of them.
    func caller(_ head: RequestHead) throws(FacilitatorProblem) -> Int? {
        guard !self.tokens.isEmpty else { return nil }
        guard head.fields.count(of: .authorization) == 1, let presented = Self.token(head.fields.first(.authorization) ?? [])
        else {
            throw .unauthorized
        }
        var caller: Int?
        for (place, token) in self.tokens.enumerated() {
            if token.withExposed({ constantTimeEquals(Array($0.utf8), presented) }) { caller = place }
        }
        guard let caller else { throw .unauthorized }
        return caller
    }

    private static func token(_ value: ArraySlice<UInt8>) -> [UInt8]? {
        let scheme = Array("bearer ".utf8)
        guard value.count > scheme.count, zip(value, scheme).allSatisfy({ ByteGrammar.lowercased($0) == $1 }) else { return nil }
        return Array(value.dropFirst(scheme.count).drop { $0 == UInt8(ascii: " ") })
    }
}
