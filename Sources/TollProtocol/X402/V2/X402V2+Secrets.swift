// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

extension X402V2.PaymentRequirements {
    /// The member of `extra` that carries the secret of one answer: 16 random bytes as 32 hexadecimal digits. Only who got
    /// that answer can bring it back, though everything else of a payment is public once it is on chain.
    public static let challengeMember = "challenge"

    /// The secret in `extra.challenge`, 16 bytes; nil when there is none or it cannot be ours. Compare it with
    /// `constantTimeEquals`.
    public var challenge: [UInt8]? {
        guard let text = self.extra?[Self.challengeMember]?.string, text.utf8.count == 32, let bytes = Hex.decode(text),
            bytes.count == 16
        else { return nil }
        return bytes
    }

    /// The same without the secret, for whoever it is none of the business of.
    public func withoutChallenge() -> Self {
        guard var extra = self.extra else { return self }
        extra[Self.challengeMember] = nil
        var copy = self
        copy.extra = extra.isEmpty ? nil : extra
        copy.json["extra"] = copy.extra.map(JSON.object)
        return copy
    }
}

extension X402V2.PaymentPayload {
    /// The same without what proves who got the answer, `accepted.extra.challenge` and the payment identifier: what a
    /// facilitator is given.
    public func withoutSecrets() -> Self {
        var copy = self
        copy.accepted = self.accepted.withoutChallenge()
        copy.json["accepted"] = .object(copy.accepted.json)
        if var extensions = self.extensions {
            extensions[X402V2.PaymentIdentifier.name] = nil
            copy.extensions = extensions.isEmpty ? nil : extensions
            copy.json["extensions"] = copy.extensions.map(JSON.object)
        }
        return copy
    }
}
