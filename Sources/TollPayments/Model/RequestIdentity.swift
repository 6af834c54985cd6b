// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// What makes two requests the same for the purpose of getting one payment's answer again.
///
/// Method, public host, raw target, body, `Authorization`, `Cookie`, `Accept*` and `Range`: everything an upstream may
/// reasonably answer differently for.
public struct RequestIdentity: Hashable, Sendable {
    /// A digest of all parts; nil when the body was too large to be read before the claim. Nil equals nothing.
    public let digest: Bytes32?
    /// Whether a repetition does no harm: GET, HEAD, and routes marked idempotent.
    public let isRepeatable: Bool

    /// From a digest that was made before.
    public init(digest: Bytes32?, isRepeatable: Bool) {
        self.digest = digest
        self.isRepeatable = isRepeatable
    }

    /// Digests `parts` in order, each with its length in front, so that no two lists of parts give one digest.
    public init(parts: [[UInt8]], isRepeatable: Bool) {
        var bytes: [UInt8] = []
        for part in parts {
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: part.count >> shift)) }
            bytes.append(contentsOf: part)
        }
        self.init(digest: Keccak256.hash(bytes), isRepeatable: isRepeatable)
    }

    /// Whether `other` is the same request. False when either is unknown.
    public func isSame(as other: RequestIdentity) -> Bool {
        guard let digest = self.digest, let theirs = other.digest else { return false }
        return digest == theirs
    }
}
