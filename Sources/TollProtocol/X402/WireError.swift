// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// Why something from the x402 wire cannot be read: where, what is wrong, what would be right.
///
/// It never quotes the value, which may be a secret or hostile.
public struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of mistake it is.
    public enum Fault: Hashable, Sendable {
        /// A required member is absent, or null.
        case missing
        /// A member has another JSON type.
        case wrongType
        /// The type is right, the value is not.
        case malformed
        /// `x402Version` is not the one this type is for.
        case wrongVersion
        /// Over the limit; nothing was decoded.
        case tooLarge
        /// A header's text is not base64.
        case notBase64
        /// The bytes are not JSON.
        case notJSON
        /// The JSON is no object.
        case notObject
    }

    /// What kind of mistake it is.
    public let fault: Fault
    /// The member, as `payload.authorization.nonce` or `accepts[1].amount`; empty for the whole.
    public let path: String
    /// What was found, to follow the path: "is a number".
    public let problem: String
    /// What is expected instead: "a decimal string".
    public let expected: String

    /// Puts the four together.
    public init(_ fault: Fault, path: String, problem: String, expected: String) {
        self.fault = fault
        self.path = path
        self.problem = problem
        self.expected = expected
    }

    /// The same for a value that stands at `path` of a larger one.
    func under(_ path: String) -> Self {
        Self(
            self.fault,
            path: self.path.isEmpty ? path : "\(path).\(self.path)",
            problem: self.problem,
            expected: self.expected
        )
    }

    /// "payload.authorization.nonce is a number; expected 32 bytes as hexadecimal text".
    public var description: String {
        "\(self.path.isEmpty ? "the value" : self.path) \(self.problem); expected \(self.expected)"
    }
}

extension JSON {
    /// The JSON type with its article.
    var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
