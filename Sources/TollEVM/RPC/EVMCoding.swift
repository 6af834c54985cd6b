// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

// The types of EVMTypes.swift as the Ethereum JSON-RPC specification (execution-apis) writes them: quantities in hexadecimal
// without leading zeros, data in whole bytes.

extension JSON {
    func quantity(_ name: String) throws(Malformed) -> UInt256 {
        guard let text = self.string, text.hasPrefix("0x"), let value = UInt256(hex: text) else { throw Malformed(member: name) }
        return value
    }

    func quantity64(_ name: String) throws(Malformed) -> UInt64 {
        guard let value = try self.quantity(name).uint64 else { throw Malformed(member: name) }
        return value
    }

    func bytes(_ name: String) throws(Malformed) -> [UInt8] {
        guard let text = self.string, text.hasPrefix("0x"), let bytes = Hex.decode(text) else { throw Malformed(member: name) }
        return bytes
    }

    func word(_ name: String) throws(Malformed) -> Bytes32 {
        guard let word = Bytes32(try self.bytes(name)) else { throw Malformed(member: name) }
        return word
    }

    func address(_ name: String) throws(Malformed) -> Address {
        guard let address = Address(try self.bytes(name)) else { throw Malformed(member: name) }
        return address
    }

    func elements(_ name: String) throws(Malformed) -> [JSON] {
        guard let elements = self.array else { throw Malformed(member: name) }
        return elements
    }

    func logs(_ name: String) throws(Malformed) -> [Log] {
        var logs: [Log] = []
        for element in try self.elements(name) { logs.append(try Log(element)) }
        return logs
    }

    /// A member that must be there and not null.
    func member(_ name: String) throws(Malformed) -> JSON {
        guard let value = self.optional(name) else { throw Malformed(member: name) }
        return value
    }

    /// A member that may be missing or null, which nodes use alike.
    func optional(_ name: String) -> JSON? {
        guard let value = self[name], !value.isNull else { return nil }
        return value
    }

    func optionalQuantity64(_ name: String) throws(Malformed) -> UInt64? {
        guard let value = self.optional(name) else { return nil }
        return try value.quantity64(name)
    }

    func optionalQuantity(_ name: String) throws(Malformed) -> UInt256? {
        guard let value = self.optional(name) else { return nil }
        return try value.quantity(name)
    }

    func optionalWord(_ name: String) throws(Malformed) -> Bytes32? {
        guard let value = self.optional(name) else { return nil }
        return try value.word(name)
    }

    func optionalAddress(_ name: String) throws(Malformed) -> Address? {
        guard let value = self.optional(name) else { return nil }
        return try value.address(name)
    }

    func quantities(_ name: String) throws(Malformed) -> [UInt256] {
        var values: [UInt256] = []
        for element in try self.elements(name) { values.append(try element.quantity(name)) }
        return values
    }
}

extension Block {
    init(_ json: JSON) throws(Malformed) {
        self.init(
            number: try json.member("number").quantity64("number"),
            hash: try json.member("hash").word("hash"),
            parentHash: try json.member("parentHash").word("parentHash"),
            timestamp: try json.member("timestamp").quantity64("timestamp"),
            baseFeePerGas: try json.optionalQuantity("baseFeePerGas")
        )
    }
}

extension Log {
    init(_ json: JSON) throws(Malformed) {
        var topics: [Bytes32] = []
        for topic in try json.member("topics").elements("topics") { topics.append(try topic.word("topics")) }
        guard topics.count <= 4 else { throw Malformed(member: "topics") }
        self.init(
            address: try json.member("address").address("address"),
            topics: topics,
            data: try json.member("data").bytes("data"),
            blockNumber: try json.optionalQuantity64("blockNumber"),
            blockHash: try json.optionalWord("blockHash"),
            transactionHash: try json.optionalWord("transactionHash"),
            logIndex: try json.optionalQuantity64("logIndex"),
            isRemoved: json["removed"]?.bool ?? false
        )
    }
}

extension TransactionReceipt {
    init(_ json: JSON) throws(Malformed) {
        let status = try json.member("status").quantity64("status")
        guard status <= 1 else { throw Malformed(member: "status") }
        self.init(
            transactionHash: try json.member("transactionHash").word("transactionHash"),
            blockNumber: try json.member("blockNumber").quantity64("blockNumber"),
            blockHash: try json.member("blockHash").word("blockHash"),
            succeeded: status == 1,
            from: try json.member("from").address("from"),
            to: try json.optionalAddress("to"),
            gasUsed: try json.member("gasUsed").quantity64("gasUsed"),
            effectiveGasPrice: try json.optionalQuantity("effectiveGasPrice"),
            logs: try json.member("logs").logs("logs")
        )
    }
}

extension TransactionInfo {
    init(_ json: JSON) throws(Malformed) {
        self.init(
            hash: try json.member("hash").word("hash"),
            from: try json.member("from").address("from"),
            to: try json.optionalAddress("to"),
            nonce: try json.member("nonce").quantity64("nonce"),
            value: try json.member("value").quantity("value"),
            input: try json.member("input").bytes("input"),
            blockNumber: try json.optionalQuantity64("blockNumber"),
            blockHash: try json.optionalWord("blockHash")
        )
    }
}

extension FeeHistory {
    init(_ json: JSON) throws(Malformed) {
        var reward: [[UInt256]] = []
        for block in try json.optional("reward")?.elements("reward") ?? [] { reward.append(try block.quantities("reward")) }
        self.init(
            oldestBlock: try json.member("oldestBlock").quantity64("oldestBlock"),
            baseFeePerGas: try json.member("baseFeePerGas").quantities("baseFeePerGas"),
            reward: reward
        )
    }
}

extension Address {
    var json: JSON { .string(self.lowercaseHex) }
}

extension BlockTag {
    var json: JSON {
        switch self {
        case .latest: "latest"
        case .pending: "pending"
        case .safe: "safe"
        case .finalized: "finalized"
        case .number(let number): .string(UInt256(number).hexQuantity)
        }
    }
}

extension CallMessage {
    var json: JSON {
        var members: JSONObject = ["to": self.to.json, "data": .string(Hex.encodePrefixed(self.data))]
        if let from { members["from"] = from.json }
        if self.value != .zero { members["value"] = .string(self.value.hexQuantity) }
        if let gas { members["gas"] = .string(UInt256(gas).hexQuantity) }
        return .object(members)
    }
}

extension LogFilter {
    var json: JSON {
        var members: JSONObject = ["fromBlock": self.from.json, "toBlock": self.to.json]
        if !self.addresses.isEmpty { members["address"] = .array(self.addresses.map { $0.json }) }
        members["topics"] = .array(
            self.topics.map { words in words.isEmpty ? .null : .array(words.map { .string($0.description) }) }
        )
        return .object(members)
    }
}
