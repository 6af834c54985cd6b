// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// A JSON object of the x402 wire.
///
/// It keeps the object it was read from, with its order, unknown members and number texts, because peers compare what
/// they sent with what comes back. The typed members are readings of it.
public protocol WireObject: Hashable, Sendable {
    /// What it was read from or built as, verbatim.
    var json: JSONObject { get }

    /// Reads `json`, which stands at `path` of a larger value ("" for none).
    init(_ json: JSONObject, at path: String) throws(WireError)
}

extension WireObject {
    /// Reads an object that stands for itself.
    public init(_ json: JSONObject) throws(WireError) {
        try self.init(json, at: "")
    }

    /// Reads an HTTP body of at most `sizeMax` bytes.
    public init(body: [UInt8], sizeMax: Int = PaymentHeader.bodySizeMax) throws(WireError) {
        try self.init(PaymentHeader.object(parsing: body, sizeMax: sizeMax))
    }

    /// Reads a header's base64 text of at most `sizeMax` decoded bytes.
    public init(headerValue: some StringProtocol, sizeMax: Int = PaymentHeader.sizeMax) throws(WireError) {
        try self.init(PaymentHeader.decode(headerValue, sizeMax: sizeMax))
    }

    /// Compact JSON in UTF-8.
    public var body: [UInt8] { JSON.object(self.json).utf8 }

    /// The text of a header: padded base64 of body.
    public var headerValue: String { Base64.encode(self.body) }
}
