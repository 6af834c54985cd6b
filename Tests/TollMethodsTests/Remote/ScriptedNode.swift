// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollPayments
import TollPrimitives
import TollTestKit

/// A node of a chain that holds sample payment 1, or not: in block 2,001, which is the newest.
struct ScriptedNode: RPCTransport {
    enum Fate: Sendable {
        /// The authorization is unused.
        case unused
        /// The sample's transaction moved the money.
        case transferred
        /// The transaction is there and reverted.
        case reverted
        /// Nothing answers.
        case down
    }

    static let headTime: UInt64 = 1_700_000_120

    var fate: Fate
    /// When the newest block was made, in seconds since 1970.
    var headTime = Self.headTime
    /// Whose authorization the transaction used: the nonce of this sample payment.
    var nonce = 1

    func post(url: String, body: [UInt8], deadline: Duration) async throws(RPCTransportError) -> (status: Int, body: [UInt8]) {
        guard self.fate != .down, let request = try? JSON(parsing: body) else { throw .notSent(reason: "down") }
        if let batch = request.array { return (200, JSON.array(batch.map(self.answer)).utf8) }
        return (200, self.answer(request).utf8)
    }

    private func answer(_ request: JSON) -> JSON {
        ["jsonrpc": "2.0", "id": request["id"] ?? .null, "result": self.result(request["method"]?.string ?? "")]
    }

    private func result(_ method: String) -> JSON {
        switch method {
        case "eth_blockNumber": "0x7d1"
        case "eth_getBlockByNumber":
            [
                "number": "0x7d1", "hash": Self.word(1), "parentHash": Self.word(0),
                "timestamp": .string(UInt256(self.headTime).hexQuantity), "baseFeePerGas": "0x1",
            ]
        case "eth_call": Self.word(self.isUsed ? 1 : 0)
        case "eth_getLogs": self.isUsed ? [self.authorizationUsed] : []
        case "eth_getTransactionReceipt": self.fate == .unused ? .null : self.receipt
        default: .null
        }
    }

    private var isUsed: Bool { self.fate == .transferred && self.nonce == 1 }

    private var receipt: JSON {
        [
            "transactionHash": .string(SamplePayment.hash(1)), "blockNumber": "0x7d1", "blockHash": Self.word(1),
            "status": self.fate == .reverted ? "0x0" : "0x1", "from": .string(SamplePayment.payer), "gasUsed": "0x1",
            "logs": self.fate == .reverted ? [] : [self.authorizationUsed, self.transfer],
        ]
    }

    private var transfer: JSON {
        self.log(
            [
                .string(ERC20.transferTopic.description), Self.word(of: SamplePayment.payer),
                Self.word(of: SamplePayment.claim(1).option.payTo),
            ],
            data: Self.word(1000),
            index: "0x5"
        )
    }

    private var authorizationUsed: JSON {
        let topics: [JSON] = [
            .string(EIP3009.authorizationUsedTopic.description), Self.word(of: SamplePayment.payer),
            .string(SamplePayment.nonce(self.nonce)),
        ]
        return self.log(topics, data: "0x", index: "0x4")
    }

    private func log(_ topics: [JSON], data: JSON, index: JSON) -> JSON {
        [
            "address": .string(SamplePayment.asset.address), "topics": .array(topics), "data": data, "blockNumber": "0x7d1",
            "blockHash": Self.word(1), "transactionHash": .string(SamplePayment.hash(1)), "logIndex": index,
        ]
    }

    private static func word(_ number: UInt64) -> JSON { .string(UInt256(number).word.description) }

    private static func word(of address: String) -> JSON {
        .string("0x" + String(repeating: "0", count: 24) + address.dropFirst(2).lowercased())
    }
}
