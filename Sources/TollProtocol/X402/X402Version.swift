// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// The versions of x402 there are.
public enum X402Version: Int, Hashable, Sendable {
    /// Challenge in the body, `X-PAYMENT`.
    case v1 = 1
    /// Challenge in `PAYMENT-REQUIRED`, networks by CAIP-2.
    case v2 = 2

    /// Reads `x402Version` of an object, to decide which types it is for.
    public init(of object: JSONObject, at path: String = "") throws(WireError) {
        let member = path.isEmpty ? "x402Version" : path + ".x402Version"
        switch object["x402Version"] {
        case .number("1"): self = .v1
        case .number("2"): self = .v2
        case .number:
            throw WireError(.wrongVersion, path: member, problem: "is another version", expected: "1 or 2")
        case nil, .null:
            throw WireError(.missing, path: member, problem: "is missing", expected: "1 or 2")
        case let other?:
            throw WireError(.wrongType, path: member, problem: "is \(other.typeName)", expected: "the number 1 or 2")
        }
    }

    var json: JSON { .integer(self.rawValue) }
}
