// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// A question to a node whose answer is a `Value`: the request, and how to read its result.
public struct EVMQuery<Value: Sendable>: Sendable {
    /// What is sent.
    public let request: RPCRequest
    private let decode: @Sendable (JSON) throws(Malformed) -> Value

    init(_ method: String, _ params: [JSON] = [], decode: @escaping @Sendable (JSON) throws(Malformed) -> Value) {
        self.request = RPCRequest(method, params)
        self.decode = decode
    }

    /// Reads a result. One that is not of the form it must have counts as no answer.
    func value(of result: JSON) throws(RPCError) -> Value {
        do {
            return try self.decode(result)
        } catch {
            throw .uninformative("the result of \(self.request.method) is malformed: \(error.member)")
        }
    }
}

/// A result is not of the form the method's description gives it.
struct Malformed: Error {
    /// Which part of it.
    let member: String
}

extension EVMQuery<UInt64> {
    /// `eth_chainId`: the chain the node follows.
    public static var chainID: Self { Self("eth_chainId") { json throws(Malformed) in try json.quantity64("chain id") } }

    /// `eth_blockNumber`: the newest block.
    public static var blockNumber: Self { Self("eth_blockNumber") { json throws(Malformed) in try json.quantity64("number") } }

    /// `eth_getTransactionCount`: the nonce of the account's next transaction.
    public static func transactionCount(of account: Address, at tag: BlockTag = .pending) -> Self {
        Self("eth_getTransactionCount", [account.json, tag.json]) { json throws(Malformed) in try json.quantity64("count") }
    }

    /// `eth_estimateGas`: the gas that is enough for `message`. Fails with a revert where the call would.
    public static func gasEstimate(of message: CallMessage, at tag: BlockTag? = nil) -> Self {
        Self("eth_estimateGas", [message.json] + (tag.map { [$0.json] } ?? [])) { json throws(Malformed) in
            try json.quantity64("gas")
        }
    }
}

extension EVMQuery<UInt256> {
    /// `eth_getBalance`: wei.
    public static func balance(of account: Address, at tag: BlockTag = .latest) -> Self {
        Self("eth_getBalance", [account.json, tag.json]) { json throws(Malformed) in try json.quantity("balance") }
    }

    /// `eth_maxPriorityFeePerGas`: a tip the node thinks is enough, in wei per gas.
    public static var maxPriorityFeePerGas: Self {
        Self("eth_maxPriorityFeePerGas") { json throws(Malformed) in try json.quantity("fee") }
    }

    /// `eth_gasPrice`: what the node thinks gas costs in all, in wei.
    public static var gasPrice: Self { Self("eth_gasPrice") { json throws(Malformed) in try json.quantity("price") } }
}

extension EVMQuery<[UInt8]> {
    /// `eth_getCode`: the account's code, empty for one without. See ``AccountCode``.
    public static func code(of account: Address, at tag: BlockTag = .latest) -> Self {
        Self("eth_getCode", [account.json, tag.json]) { json throws(Malformed) in try json.bytes("code") }
    }

    /// `eth_call`: what `message` returns if it were sent now. Empty where there is no contract.
    public static func call(_ message: CallMessage, at tag: BlockTag = .latest) -> Self {
        Self("eth_call", [message.json, tag.json]) { json throws(Malformed) in try json.bytes("returned data") }
    }
}

extension EVMQuery<Block?> {
    /// `eth_getBlockByNumber`: nil when the node has no such block.
    public static func block(_ tag: BlockTag) -> Self {
        Self("eth_getBlockByNumber", [tag.json, false]) { json throws(Malformed) in json.isNull ? nil : try Block(json) }
    }
}

extension EVMQuery<FeeHistory> {
    /// `eth_feeHistory` of the `count` blocks up to `tag`, at most 1024, with the tips at `percentiles`, 0 to 100, rising.
    public static func feeHistory(count: UInt64, upTo tag: BlockTag = .latest, percentiles: [Int] = []) -> Self {
        Self("eth_feeHistory", [.string(UInt256(count).hexQuantity), tag.json, .array(percentiles.map { .integer($0) })]) {
            json throws(Malformed) in try FeeHistory(json)
        }
    }
}

extension EVMQuery<TransactionReceipt?> {
    /// `eth_getTransactionReceipt`: nil while the transaction is in no block the node knows.
    public static func receipt(of hash: Bytes32) -> Self {
        Self("eth_getTransactionReceipt", [.string(hash.description)]) { json throws(Malformed) in
            guard !json.isNull else { return nil }
            let receipt = try TransactionReceipt(json)
            guard receipt.transactionHash == hash else { throw Malformed(member: "transactionHash") }
            return receipt
        }
    }
}

extension EVMQuery<TransactionInfo?> {
    /// `eth_getTransactionByHash`: nil when the node does not know it.
    public static func transaction(_ hash: Bytes32) -> Self {
        Self("eth_getTransactionByHash", [.string(hash.description)]) { json throws(Malformed) in
            guard !json.isNull else { return nil }
            let transaction = try TransactionInfo(json)
            guard transaction.hash == hash else { throw Malformed(member: "hash") }
            return transaction
        }
    }
}

extension EVMQuery<[Log]> {
    /// `eth_getLogs`. Nodes limit the range of blocks; most take 1,000, few more than 10,000.
    public static func logs(_ filter: LogFilter) -> Self {
        Self("eth_getLogs", [filter.json]) { json throws(Malformed) in try json.logs("logs") }
    }
}
