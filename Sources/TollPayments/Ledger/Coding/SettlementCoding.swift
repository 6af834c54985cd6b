// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

extension SettlementTransaction {
    /// Everything but the raw bytes, which have a column of their own.
    var stored: JSONObject {
        [
            "hash": .string(self.hash), "signer": .string(self.signer), "nonce": .integer(self.nonce),
            "isVoid": .bool(self.isVoid),
        ]
    }

    /// Reads what ``stored`` wrote.
    init(stored members: inout StrictMembers, raw: [UInt8], version: Int) throws(StoreError) {
        self.init(
            hash: try members.string("hash"), raw: raw, signer: try members.string("signer"),
            nonce: try members.integer("nonce"), isVoid: version == 1 ? false : try members.bool("isVoid"))
    }
}

extension Settlement {
    /// Where the money moved.
    var stored: JSONObject {
        [
            "transaction": .string(self.transaction), "block": .integer(self.block), "logIndex": .integer(self.logIndex),
            "blockHash": .string(self.blockHash),
        ]
    }

    /// Reads what ``stored`` wrote.
    init(stored members: inout StrictMembers, version: Int) throws(StoreError) {
        self.init(
            transaction: try members.string("transaction"), block: try members.integer("block"),
            logIndex: try members.integer("logIndex"), blockHash: version == 1 ? "" : try members.string("blockHash"))
    }
}

extension Refund {
    /// Reads what ``EncodedEvent`` wrote.
    init(stored members: inout StrictMembers, raw: [UInt8]?) throws(StoreError) {
        let to = try members.string("to")
        let units = try members.parsed("units") { UInt256(decimal: $0) }
        guard let raw else {
            try members.null("transaction")
            self.init(to: to, units: units, transaction: nil)
            return
        }
        var transaction = try members.members("transaction")
        let signed = try SettlementTransaction(stored: &transaction, raw: raw, version: EncodedEvent.version)
        try transaction.end()
        self.init(to: to, units: units, transaction: signed)
    }
}
