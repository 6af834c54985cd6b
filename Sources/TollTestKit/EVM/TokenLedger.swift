// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollCrypto
internal import TollEVM
internal import TollPrimitives

/// The state of a ``SimulatedEVMChain``: one token, blocks, receipts.
struct TokenLedger {
    struct Use: Hashable {
        let account: Address
        let nonce: Bytes32
    }

    /// What a call to the token asks for.
    struct Transfer {
        let authorization: EIP3009.Authorization
        let signature: [UInt8]

        init?(_ calldata: [UInt8]) {
            let plain = [ABI.Shape](repeating: .word, count: 9)
            let shapes: [ABI.Shape]
            switch Array(calldata.prefix(4)) {
            case EIP3009.transferSelector: shapes = plain
            case EIP3009.transferWithBytesSelector: shapes = plain.prefix(6) + [.bytes]
            default: return nil
            }
            guard let values = try? ABI.decode(shapes, from: Array(calldata.dropFirst(4))), let from = values[0].address,
                let to = values[1].address, let value = values[2].integer, let after = values[3].integer,
                let before = values[4].integer, let nonce = values[5].word
            else { return nil }
            self.authorization = EIP3009.Authorization(
                from: from,
                to: to,
                value: value,
                validAfter: after,
                validBefore: before,
                nonce: nonce
            )
            self.signature =
                values.count == 7
                ? values[6].bytes ?? []
                : (values[7].word?.bytes ?? []) + (values[8].word?.bytes ?? []) + (values[6].word?.bytes.suffix(1) ?? [])
        }
    }

    let chainID: UInt64
    let domain: EIP712.Domain
    var balances: [Address: UInt256] = [:]
    /// Wei for gas, where it is not plenty.
    var coins: [Address: UInt256] = [:]
    var code: [Address: [UInt8]] = [SimulatedEVMChain.token: [0x60]]
    var wallets: [Address: @Sendable ([UInt8]) -> Bool] = [:]
    var used: Set<Use> = []
    var block: UInt64 = 1_000
    var isMining = true
    var pool: [SignedTransaction] = []
    var receipts: [Bytes32: JSON] = [:]
    /// What a block takes of a transaction, in wei per gas.
    var baseFee: UInt64 = 1_000_000
    /// How far below the newest block the `safe` and the `finalized` one are.
    var finalityDepth: UInt64 = 0
    /// What one transfer takes in a batch.
    var gasPerTransfer: UInt64 = 50_000
    var counts: [Address: UInt64] = [:]
    /// Which of the chains that once held a block's number has it now.
    var forks: [UInt64: Int] = [:]
    /// The states after the last blocks, oldest first.
    var history: [TokenLedger] = []
    /// Every transaction that a node has taken.
    var sent: [SignedTransaction] = []
    /// The logs of the batch under way.
    var batchLogs: [JSON] = []
    private var logs: [(block: UInt64, log: JSON)] = []
    private var logCount: UInt64 = 0
    private(set) var transferCount = 0

    init(chainID: UInt64) {
        self.chainID = chainID
        self.domain = EIP712.Domain(name: "USDC", version: "2", chainID: chainID, verifyingContract: SimulatedEVMChain.token)
    }

    // MARK: - The node

    mutating func answer(_ method: String, _ params: [JSON], at time: Duration) -> SimulatedEVMChain.Fault {
        switch method {
        case "eth_chainId": return .result(Self.quantity(self.chainID))
        case "eth_blockNumber": return .result(Self.quantity(self.block))
        case "eth_getBlockByNumber": return .result(self.blockJSON(params, at: time))
        case "eth_maxPriorityFeePerGas": return .result(Self.quantity(1_000_000))
        case "eth_estimateGas": return self.estimate(params.first ?? .null, at: time)
        case "eth_getCode": return .result(Self.data(Self.address(params).flatMap { self.code[$0] } ?? []))
        case "eth_getTransactionCount":
            let account = Self.address(params) ?? .zero
            if let past = self.past(params.last) { return .result(Self.quantity(past.counts[account] ?? 0)) }
            let waiting = self.pool.filter { (try? $0.sender()) == account }.count
            return .result(Self.quantity((self.counts[account] ?? 0) + (params.last?.string == "pending" ? UInt64(waiting) : 0)))
        case "eth_call":
            let message = params.first ?? .null
            return (self.past(params.last) ?? self).call(
                message["to"]?.string.flatMap { Address(hex: $0) },
                message["data"]?.string.flatMap { Hex.decode($0) } ?? [],
                at: time
            )
        case "eth_sendRawTransaction": return self.take(params.first?.string.flatMap { Hex.decode($0) } ?? [], at: time)
        case "eth_getTransactionReceipt":
            return .result(params.first?.string.flatMap { Bytes32(hex: $0) }.flatMap { self.receipts[$0] } ?? .null)
        case "eth_getLogs": return .result(.array(self.logs(params.first ?? .null)))
        default: return self.answerPlain(method, params) ?? .error(code: -32601, message: "no method \(method)")
        }
    }

    private func blockJSON(_ params: [JSON], at time: Duration) -> JSON {
        let isDeep = params.first?.string == "finalized" || params.first?.string == "safe"
        let newest = isDeep ? self.block - min(self.block, self.finalityDepth) : self.block
        let number = params.first?.string.flatMap { UInt256(hex: $0)?.uint64 } ?? newest
        guard number <= self.block else { return .null }
        return [
            "number": Self.quantity(number), "hash": .string(self.hash(ofBlock: number).description),
            "parentHash": .string(self.hash(ofBlock: number - 1).description),
            "timestamp": Self.quantity(UInt64(time.components.seconds)), "baseFeePerGas": Self.quantity(self.baseFee),
        ]
    }

    private func hash(ofBlock number: UInt64) -> Bytes32 {
        Keccak256.hash(text: self.forks[number].map { "block \(number), fork \($0)" } ?? "block \(number)")
    }

    /// The state after a block that is not the newest; nil for the newest.
    private func past(_ tag: JSON?) -> TokenLedger? {
        guard let number = tag?.string.flatMap({ UInt256(hex: $0)?.uint64 }), number < self.block else { return nil }
        return self.history.last { $0.block <= number }
    }

    private func call(_ to: Address?, _ data: [UInt8], at time: Duration) -> SimulatedEVMChain.Fault {
        if to == Multicall3.address, let batch = Batch(data) { return self.call(batch, at: time) }
        guard to == SimulatedEVMChain.token else { return .result("0x") }
        switch Array(data.prefix(4)) {
        case ERC20.name: return .result(Self.data(ABI.encode([.string(self.domain.name ?? "")])))
        case ERC20.version: return .result(Self.data(ABI.encode([.string(self.domain.version ?? "")])))
        case Array(ERC20.balance(of: .zero).prefix(4)):
            let account = Bytes32(data.dropFirst(4)).flatMap { Address($0) } ?? .zero
            return .result(Self.data((self.balances[account] ?? 0).word.bytes))
        case Array(EIP3009.authorizationStateCalldata(authorizer: .zero, nonce: .zero).prefix(4)):
            guard let values = try? ABI.decode([.word, .word], from: Array(data.dropFirst(4))), let account = values[0].address,
                let nonce = values[1].word
            else { return .error(code: 3, message: "execution reverted") }
            return .result(Self.data(UInt256(self.used.contains(Use(account: account, nonce: nonce)) ? 1 : 0).word.bytes))
        default:
            guard let transfer = Transfer(data), let words = self.objection(to: transfer, at: time) else { return .result("0x") }
            return .error(code: 3, message: "execution reverted: \(words)", data: Self.revert(words))
        }
    }

    private mutating func take(_ raw: [UInt8], at time: Duration) -> SimulatedEVMChain.Fault {
        guard let transaction = try? SignedTransaction(raw: raw), let sender = try? transaction.sender() else {
            return .error(code: -32000, message: "rlp: malformed")
        }
        let hash = JSON.string(transaction.hash.description)
        if self.pool.contains(where: { $0.hash == transaction.hash }) { return .error(code: -32000, message: "already known") }
        guard transaction.transaction.nonce >= self.counts[sender] ?? 0 else {
            return .error(code: -32000, message: "nonce too low")
        }
        if let held = self.pool.firstIndex(where: {
            (try? $0.sender()) == sender && $0.transaction.nonce == transaction.transaction.nonce
        }) {
            guard Self.isDearer(transaction.transaction, than: self.pool[held].transaction) else {
                return .error(code: -32000, message: "replacement transaction underpriced")
            }
            self.pool.remove(at: held)
        }
        self.pool.append(transaction)
        self.sent.append(transaction)
        if self.isMining { self.mine(at: time) }
        return .result(hash)
    }

    // MARK: - Blocks

    mutating func mine(at time: Duration) {
        self.beginBlock()
        // Lower numbers first, whatever order they came in.
        for signed in self.pool.sorted(by: { $0.transaction.nonce < $1.transaction.nonce }) {
            let transaction = signed.transaction
            guard let sender = try? signed.sender(), transaction.nonce == self.counts[sender] ?? 0,
                transaction.maxFeePerGas >= UInt256(self.baseFee)
            else { continue }
            self.counts[sender] = transaction.nonce + 1
            if transaction.to == Multicall3.address, let batch = Batch(transaction.data) {
                self.execute(batch, gasLimit: transaction.gasLimit, from: sender, hash: signed.hash, at: time)
            } else {
                self.execute(transaction.data, from: sender, hash: signed.hash, at: time)
            }
        }
        self.pool.removeAll { signed in
            self.receipts[signed.hash] != nil
                || (try? signed.sender()).map { signed.transaction.nonce < self.counts[$0] ?? 0 } ?? true
        }
    }

    /// The state so far is what the block before left.
    mutating func beginBlock() {
        var past = self
        past.history = []
        self.history.append(past)
        if self.history.count > 64 { self.history.removeFirst() }
        self.block += 1
        self.logCount = 0
    }

    mutating func submit(_ calldata: [UInt8], from sender: Address, at time: Duration) {
        self.beginBlock()
        self.execute(calldata, from: sender, hash: Keccak256.hash(calldata), at: time)
    }

    mutating func cancel(_ nonce: Bytes32, of account: Address) {
        self.beginBlock()
        self.used.insert(Use(account: account, nonce: nonce))
        let hash = Keccak256.hash(nonce.bytes + account.bytes)
        let topic = Keccak256.hash(text: "AuthorizationCanceled(address,bytes32)")
        let log = self.log([topic, account.word, nonce], [], hash)
        self.logs.append((self.block, log))
        self.receipts[hash] = self.receipt(hash, isGood: true, from: account, logs: [log])
    }

    private mutating func execute(_ calldata: [UInt8], from sender: Address, hash: Bytes32, at time: Duration) {
        if let transfer = PlainTransfer(calldata) {
            let logs = self.move(transfer, from: sender, hash)
            self.receipts[hash] = self.receipt(hash, isGood: logs != nil, from: sender, logs: logs ?? [])
            return
        }
        let transfer = Transfer(calldata)
        let isGood = transfer.map { self.objection(to: $0, at: time) == nil } ?? true
        var logs: [JSON] = []
        if let transfer, isGood { logs = self.move(transfer.authorization, hash) }
        self.receipts[hash] = self.receipt(hash, isGood: isGood, from: sender, logs: logs)
    }

    func receipt(_ hash: Bytes32, isGood: Bool, from sender: Address, logs: [JSON]) -> JSON {
        [
            "transactionHash": .string(hash.description), "blockNumber": Self.quantity(self.block),
            "blockHash": .string(self.hash(ofBlock: self.block).description), "status": isGood ? "0x1" : "0x0",
            "from": .string(sender.lowercaseHex), "to": .string(SimulatedEVMChain.token.lowercaseHex), "gasUsed": "0x15f90",
            "logs": .array(logs),
        ]
    }

    mutating func move(_ authorization: EIP3009.Authorization, _ hash: Bytes32) -> [JSON] {
        self.balances[authorization.from] = (self.balances[authorization.from] ?? 0).subtracting(authorization.value) ?? 0
        self.balances[authorization.to] = (self.balances[authorization.to] ?? 0).adding(authorization.value) ?? .max
        self.used.insert(Use(account: authorization.from, nonce: authorization.nonce))
        self.transferCount += 1
        let logs = [
            self.log([EIP3009.authorizationUsedTopic, authorization.from.word, authorization.nonce], [], hash),
            self.log(
                [ERC20.transferTopic, authorization.from.word, authorization.to.word],
                authorization.value.word.bytes,
                hash
            ),
        ]
        self.logs += logs.map { (self.block, $0) }
        return logs
    }

    mutating func add(_ log: JSON) { self.logs.append((self.block, log)) }

    mutating func log(_ topics: [Bytes32], _ data: [UInt8], _ hash: Bytes32) -> JSON {
        defer { self.logCount += 1 }
        return [
            "address": .string(SimulatedEVMChain.token.lowercaseHex), "topics": .array(topics.map { .string($0.description) }),
            "data": Self.data(data), "blockNumber": Self.quantity(self.block), "transactionHash": .string(hash.description),
            "blockHash": .string(self.hash(ofBlock: self.block).description), "logIndex": Self.quantity(self.logCount),
        ]
    }

    private func logs(_ filter: JSON) -> [JSON] {
        let first = filter["fromBlock"]?.string.flatMap { UInt256(hex: $0)?.uint64 } ?? 0
        let last = filter["toBlock"]?.string.flatMap { UInt256(hex: $0)?.uint64 } ?? .max
        let wanted = (filter["topics"]?.array ?? []).map { $0.array?.compactMap(\.string) ?? [] }
        return self.logs.filter { (first...max(first, last)).contains($0.block) }.map(\.log).filter { log in
            let topics = log["topics"]?.array?.compactMap(\.string) ?? []
            return zip(wanted, topics).allSatisfy { $0.isEmpty || $0.contains($1) } && topics.count >= wanted.count
        }
    }

    // MARK: - The token

    /// FiatToken's checks in its order and words; nil when the transfer would go through.
    func objection(to transfer: Transfer, at time: Duration) -> String? {
        let (authorization, now) = (transfer.authorization, UInt256(UInt64(time.components.seconds)))
        guard now > authorization.validAfter else { return "FiatTokenV2: authorization is not yet valid" }
        guard now < authorization.validBefore else { return "FiatTokenV2: authorization is expired" }
        guard !self.used.contains(Use(account: authorization.from, nonce: authorization.nonce)) else {
            return "FiatTokenV2: authorization is used or canceled"
        }
        guard self.isSigned(transfer) else { return "FiatTokenV2: invalid signature" }
        guard self.balances[authorization.from] ?? 0 >= authorization.value else {
            return "ERC20: transfer amount exceeds balance"
        }
        return nil
    }

    private func isSigned(_ transfer: Transfer) -> Bool {
        let account = transfer.authorization.from
        if self.code[account] != nil { return self.wallets[account]?(transfer.signature) ?? false }
        let digest = transfer.authorization.digest(self.domain)
        return (try? RecoverableSignature(bytes: transfer.signature)?.signer(of: digest)) == account
    }

    // MARK: - JSON

    static func quantity(_ number: UInt64) -> JSON { .string(UInt256(number).hexQuantity) }
    static func data(_ bytes: [UInt8]) -> JSON { .string(Hex.encodePrefixed(bytes)) }
    static func revert(_ words: String) -> String {
        Hex.encodePrefixed(ABI.encodeCall(ABI.selector("Error(string)"), [.string(words)]))
    }

    private static func address(_ params: [JSON]) -> Address? { params.first?.string.flatMap { Address(hex: $0) } }
}
