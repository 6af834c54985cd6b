// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension TransferProof {
    /// How far a reference has come: the answer to `GET /payments/{reference}`.
    public struct Status: Hashable, Sendable {
        /// Where it stands.
        public enum State: String, Hashable, Sendable, CaseIterable {
            /// Nothing has arrived.
            case awaiting
            /// A transfer is in a block, and not deep enough yet.
            case processing
            /// All that is due has arrived for good.
            case paid
            /// The transaction failed, or is no longer part of the chain: nothing has arrived.
            case reverted
            /// Something has arrived for good, and less than is due: the rest may follow until the reference expires.
            case underpaid
            /// The time is up, and less than is due has arrived.
            case expired
        }

        /// A transaction that counts for the reference.
        public struct Transaction: Hashable, Sendable {
            /// Its hash.
            public let txHash: Bytes32
            /// What it moved to the recipient, in the smallest unit.
            public let amount: UInt256
            /// Its block.
            public let blockNumber: UInt64?

            /// Puts one together.
            public init(txHash: Bytes32, amount: UInt256, blockNumber: UInt64?) {
                self.txHash = txHash
                self.amount = amount
                self.blockNumber = blockNumber
            }
        }

        /// The reference, which whoever asks knows.
        public let reference: Reference
        /// Where it stands.
        public let state: State
        /// What is due, in the token's smallest unit.
        public let amount: UInt256
        /// What has arrived, in the token's smallest unit.
        public let received: UInt256
        /// What counts for it, in the order of arrival.
        public let transactions: [Transaction]
        /// Seconds since 1970.
        public let expires: Int64
        /// Why it does not go on.
        public let reason: Reason?

        /// Most transactions that are read: nobody tops up more often.
        public static let transactionsMax = 256

        /// Puts one together. What is nil is left out.
        public init(
            reference: Reference, state: State, amount: UInt256, received: UInt256, transactions: [Transaction] = [],
            expires: Int64, reason: Reason? = nil
        ) {
            self.reference = reference
            self.state = state
            self.amount = amount
            self.received = received
            self.transactions = transactions
            self.expires = expires
            self.reason = reason
        }

        /// What has not arrived; nil when nothing is missing.
        public var missing: UInt256? {
            let missing = self.amount.subtracting(self.received)
            return missing == .zero ? nil : missing
        }

        /// The object.
        public var json: JSONObject {
            var json: JSONObject = [
                "reference": .string(self.reference.text), "state": .string(self.state.rawValue),
                "amount": .string(self.amount.description), "received": .string(self.received.description),
            ]
            json["missing"] = self.missing.map { .string($0.description) }
            json["transactions"] = .array(self.transactions.map { .object($0.json) })
            json["expires"] = .integer(self.expires)
            json["reason"] = self.reason.map { .string($0.rawValue) }
            return json
        }

        /// The members of a 402's body beside the instructions, while a transfer confirms or when it did not suffice: ``json``
        /// without `amount`, which at the top of that body is what is asked for, and without `expires`, which the instructions
        /// have.
        public var challengeMembers: JSONObject {
            var json = self.json
            json["amount"] = nil
            json["expires"] = nil
            return json
        }

        /// Reads one. `missing` is what `amount` and `received` say.
        public init(_ json: JSONObject) throws(WireError) {
            let reader = WireReader(json, at: "")
            self.reference = try reader.text("reference", "32 lower-case hexadecimal digits") { Reference($0) }
            let states = State.allCases.map(\.rawValue).joined(separator: ", ")
            self.state = try reader.text("state", "one of \(states)", State.init(rawValue:))
            self.amount = try reader.amount("amount")
            self.received = try reader.amount("received")
            let transactions = try reader.required("transactions", "an array of objects", \.array)
            guard transactions.count <= Self.transactionsMax else {
                throw reader.malformed("transactions", "at most \(Self.transactionsMax) objects")
            }
            var read: [Transaction] = []
            for (index, transaction) in transactions.enumerated() {
                guard let object = transaction.object else { throw reader.malformed("transactions", "an array of objects") }
                read.append(try Transaction(object, at: "transactions[\(index)]"))
            }
            self.transactions = read
            guard let expires = Int64(exactly: try reader.whole("expires", "seconds since 1970")) else {
                throw reader.malformed("expires", "seconds since 1970")
            }
            self.expires = expires
            self.reason = try reader.optionalText("reason", "a short code", Self.reason)
        }

        /// A reason is shown and logged by whoever reads it.
        private static func reason(_ text: String) -> Reason? {
            let isWord = text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
            return (1...64).contains(text.utf8.count) && isWord ? Reason(rawValue: text) : nil
        }
    }
}

extension TransferProof.Status.Transaction {
    fileprivate var json: JSONObject {
        var json: JSONObject = ["txHash": .string(self.txHash.description), "amount": .string(self.amount.description)]
        json["blockNumber"] = self.blockNumber.map(JSON.integer)
        return json
    }

    fileprivate init(_ json: JSONObject, at path: String) throws(WireError) {
        let reader = WireReader(json, at: path)
        self.txHash = try reader.text("txHash", TransferProofGrammar.hash, TransferProofGrammar.txHash)
        self.amount = try reader.amount("amount")
        self.blockNumber = reader.value("blockNumber") == nil ? nil : try reader.whole("blockNumber", "the number of a block")
    }
}
