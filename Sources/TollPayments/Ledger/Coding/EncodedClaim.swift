// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// A claim and the event that it makes, encoded.
package struct EncodedClaim: Sendable {
    /// The claim.
    package let claim: Claim
    /// Its first event.
    package let event: EncodedEvent

    /// Encodes a claim.
    package init(_ claim: Claim) throws(StoreError) {
        self.claim = claim
        self.event = try EncodedEvent(.claimed(claim))
    }

    /// Encodes all of `claims`.
    package static func all(_ claims: [Claim]) throws(StoreError) -> [EncodedClaim] {
        var encoded: [EncodedClaim] = []
        for claim in claims { encoded.append(try EncodedClaim(claim)) }
        return encoded
    }
}
