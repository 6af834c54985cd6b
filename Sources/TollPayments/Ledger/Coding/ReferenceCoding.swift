// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// The row of `payment_references` that a reference makes.
package struct ReferenceRow {
    /// The version of `detail`.
    private static let version = 1
    /// The columns in the order of ``values``. All but the first and the last are for finding it.
    package static let columns = ["hash", "kind", "network", "recipient", "asset", "amount", "expires", "is_paid", "detail"]

    /// What stands in each column. Amounts are words of thirty-two bytes, so that they stand in their order.
    package let values: [LedgerValue]

    /// The row of a reference that nobody has paid for. Refuses what is over a limit, before anything is written.
    package init(_ reference: PaymentReference) throws(StoreError) {
        let place = PaymentPlace(reference.option)
        let detail = JSON.object(reference.stored(in: Self.version)).text
        guard detail.utf8.count <= EncodedEvent.detailByteCountMax else {
            throw .defect("a reference of \(detail.utf8.count) bytes is over the cap of \(EncodedEvent.detailByteCountMax)")
        }
        self.values = [
            .blob(reference.hash.bytes), .text(reference.binding.name), .text(place.network.description),
            .text(place.recipient), .text(place.asset), .blob(reference.option.amount.word.bytes), .integer(reference.expires),
            LedgerValue(false), .text(detail),
        ]
    }

    /// Reads the columns `hash` and `detail`.
    package static func reference(hash: [UInt8], detail: String) throws(StoreError) -> PaymentReference {
        guard let hash = Bytes32(hash) else { throw .corrupt("a reference's digest is none") }
        var members = try StrictMembers(parsing: detail, of: "reference")
        let version: Int = try members.integer("v")
        guard version == self.version else {
            throw .corrupt("a reference in version \(version), which this program does not know")
        }
        let reference = try PaymentReference(stored: &members, hash: hash)
        try members.end()
        return reference
    }
}

extension PaymentReference {
    fileprivate func stored(in version: Int) -> JSONObject {
        var series = JSON.null
        if case .address(let name, let index) = self.binding { series = ["name": .string(name), "index": .integer(index)] }
        return [
            "v": .integer(version), "bind": .string(self.binding.name), "series": series, "option": .object(self.option.stored),
            "route": .string(self.route), "resource": .string(self.resource), "head": .integer(self.head),
            "issuedAt": .integer(self.issuedAt), "expires": .integer(self.expires),
        ]
    }

    fileprivate init(stored members: inout StrictMembers, hash: Bytes32) throws(StoreError) {
        let binding: ReferenceBinding
        switch try members.string("bind") {
        case "signature":
            binding = .signature
            try members.null("series")
        case "amount":
            binding = .amount
            try members.null("series")
        case "address":
            var series = try members.members("series")
            binding = .address(series: try series.string("name"), index: try series.integer("index"))
            try series.end()
        case let name: throw .corrupt("a reference is bound by \(name), which this program does not know")
        }
        self.init(
            hash: hash, binding: binding, option: try PaymentOption(stored: try members.members("option")),
            route: try members.string("route"), resource: try members.string("resource"), head: try members.integer("head"),
            issuedAt: try members.integer("issuedAt"), expires: try members.integer("expires"))
    }
}
