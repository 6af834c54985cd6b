// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// An upstream's answer, kept so that the payer who lost it on the way can have it again.
public struct StoredAnswer: Hashable, Sendable {
    /// The most that is kept of a body, in bytes. Over it, nothing is stored and a repeatable request is called again.
    public static let bodyByteCountMax = 1 << 20
    /// How long an answer is kept, or may be asked of the upstream again, from its settlement on, in seconds.
    public static let keptSeconds: Int64 = 600

    /// One field of the answer.
    public struct Field: Hashable, Sendable {
        /// As the upstream wrote it.
        public let name: String
        /// As the upstream wrote it.
        public let value: [UInt8]

        /// A field.
        public init(name: String, value: [UInt8]) {
            self.name = name
            self.value = value
        }
    }

    /// The status code.
    public let status: Int
    /// The end-to-end fields, in order.
    public let fields: [Field]
    /// The whole body.
    public let body: [UInt8]

    /// An answer by all its fields.
    public init(status: Int, fields: [Field], body: [UInt8]) {
        self.status = status
        self.fields = fields
        self.body = body
    }
}
