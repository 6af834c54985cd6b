// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollCrypto
public import TollEVM
public import TollPrimitives
internal import TollProtocol

/// A chain with one EIP-3009 token, behind JSON-RPC: what `exact` payments need of a node, and every way a node misbehaves.
///
/// The token keeps the contract: signature, times, nonce and balance are checked as FiatToken does, with its words.
public final class SimulatedEVMChain: RPCTransport {
    /// The token's address: USDC on Base Sepolia.
    public static let token = Address(hex: "0x036CbD53842c5426634e7929541eC2318f3dCF7e")!  // A literal with its checksum.

    /// What a node does with one call in place of answering it.
    public enum Fault: Sendable {
        /// This `result`.
        case result(JSON)
        /// An `error` member of these.
        case error(code: Int, message: String, data: String? = nil)
    }

    /// What happens to a whole POST.
    public enum Weather: Sendable {
        /// It is answered.
        case fine
        /// Nobody listens.
        case down
        /// It may have arrived; no answer comes in time.
        case slow
        /// An answer that is no JSON-RPC.
        case garbage(String)
    }

    let ledger: Mutex<TokenLedger>
    private let weatherState = Mutex(Weather.fine)
    private let faults = Mutex<@Sendable (_ method: String, _ params: [JSON]) -> Fault?>({ _, _ in nil })
    private let asked = Mutex<[String]>([])
    private let clock: @Sendable () -> Duration

    /// A chain of `chainID` whose blocks bear the time of `clock` (since 1970).
    public init(chainID: UInt64 = 84_532, clock: @escaping @Sendable () -> Duration) {
        self.ledger = Mutex(TokenLedger(chainID: chainID))
        self.clock = clock
    }

    /// A client of this chain.
    public func client() -> EVMClient {
        EVMClient(RPCClient(endpoints: ["chain"], transport: self, now: { .zero }))
    }

    /// How the network is.
    public var weather: Weather {
        get { self.weatherState.withLock { $0 } }
        set { self.weatherState.withLock { $0 = newValue } }
    }

    /// Asked before each call; nil lets it be answered.
    public func setFault(_ fault: @escaping @Sendable (_ method: String, _ params: [JSON]) -> Fault?) {
        self.faults.withLock { $0 = fault }
    }

    /// Every method that was called, in order.
    public var methods: [String] { self.asked.withLock { $0 } }

    /// How many transfers of the token there were.
    public var transferCount: Int { self.ledger.withLock { $0.transferCount } }

    /// How many different transactions were sent.
    public var transactionCount: Int { self.ledger.withLock { $0.pool.count + $0.receipts.count } }

    /// Gives an account units of the token.
    public func mint(_ units: UInt256, to account: Address) {
        self.ledger.withLock { $0.balances[account] = units }
    }

    /// What waits to be mined is forgotten, as when a node restarts.
    public func forgetPool() {
        self.ledger.withLock { $0.pool = [] }
    }

    /// Gives an account wei for gas; without, it has plenty.
    public func fund(_ wei: UInt256, _ account: Address) {
        self.ledger.withLock { $0.coins[account] = wei }
    }

    /// What an account holds.
    public func balance(of account: Address) -> UInt256 { self.ledger.withLock { $0.balances[account] ?? 0 } }

    /// Gives an account code, and says which signatures the contract there takes.
    public func deploy(_ code: [UInt8], at account: Address, accepts: @escaping @Sendable ([UInt8]) -> Bool = { _ in false }) {
        self.ledger.withLock { ledger in
            ledger.code[account] = code
            ledger.wallets[account] = accepts
        }
    }

    /// Whether sent transactions are mined at once (the default) or wait for ``mine()``.
    public var isMining: Bool {
        get { self.ledger.withLock { $0.isMining } }
        set { self.ledger.withLock { $0.isMining = newValue } }
    }

    /// Mines what waits, and then empty blocks.
    public func mine(blocks: Int = 1) {
        let time = self.clock()
        self.ledger.withLock { ledger in for _ in 0..<blocks { ledger.mine(at: time) } }
    }

    /// The newest block.
    public var block: UInt64 { self.ledger.withLock { $0.block } }

    /// What a block takes of a transaction, in wei per gas; one that offers less waits.
    public var baseFee: UInt64 {
        get { self.ledger.withLock { $0.baseFee } }
        set { self.ledger.withLock { $0.baseFee = newValue } }
    }

    /// How far below the newest block the `safe` and the `finalized` one are.
    public var finalityDepth: UInt64 {
        get { self.ledger.withLock { $0.finalityDepth } }
        set { self.ledger.withLock { $0.finalityDepth = newValue } }
    }

    /// What one transfer takes in a batch.
    public var gasPerTransfer: UInt64 {
        get { self.ledger.withLock { $0.gasPerTransfer } }
        set { self.ledger.withLock { $0.gasPerTransfer = newValue } }
    }

    /// Another chain takes the place of the last `depth` blocks: as long, and without what was in them. Transactions of those
    /// blocks wait again, or are forgotten.
    public func reorganise(depth: UInt64, returnsTransactions: Bool) {
        self.ledger.withLock { $0.reorganise(depth: depth, returnsTransactions: returnsTransactions) }
    }

    /// Somebody else with the account's key has a transaction mined under its next number.
    public func useNumber(of account: Address) {
        self.ledger.withLock { ledger in
            ledger.beginBlock()
            ledger.counts[account, default: 0] += 1
        }
    }

    /// What waits to be mined.
    public var waiting: [SignedTransaction] { self.ledger.withLock { $0.pool } }

    /// Forgets what waits to be mined.
    public func dropWaiting() {
        self.ledger.withLock { $0.pool = [] }
    }

    /// Somebody sends this call to the token; it is mined at once.
    public func submit(_ calldata: [UInt8], from sender: Address = .zero) {
        let time = self.clock()
        self.ledger.withLock { $0.submit(calldata, from: sender, at: time) }
    }

    /// Somebody sends the transfer of a payment, by the payload of its credential; nil when it has none.
    @discardableResult
    public func submit(payload: JSONObject, from sender: Address = .zero) -> Bytes32? {
        guard let payload = try? ExactEVMPayload(payload), let from = Address(hex: payload.authorization.from),
            let to = Address(hex: payload.authorization.to)
        else { return nil }
        let wire = payload.authorization
        let calldata = EIP3009.Authorization(
            from: from,
            to: to,
            value: wire.value,
            validAfter: wire.validAfter,
            validBefore: wire.validBefore,
            nonce: wire.nonce
        ).calldata(signature: payload.signature)
        self.submit(calldata, from: sender)
        return Keccak256.hash(calldata)
    }

    /// A raw transaction, in hex, arrives by another way than a node's answer tells.
    public func deliver(_ raw: String) {
        let time = self.clock()
        self.ledger.withLock { _ = $0.answer("eth_sendRawTransaction", [.string(raw)], at: time) }
    }

    /// The token's authorization is cancelled.
    public func cancel(_ nonce: Bytes32, of account: Address) {
        self.ledger.withLock { $0.cancel(nonce, of: account) }
    }

    public func post(url: String, body: [UInt8], deadline: Duration) async throws(RPCTransportError) -> (
        status: Int, body: [UInt8]
    ) {
        await Task.yield()
        switch self.weather {
        case .fine: break
        case .down: throw .notSent(reason: "connection refused")
        case .slow: throw .noAnswer(reason: "time is up")
        case .garbage(let text): return (200, Array(text.utf8))
        }
        guard let json = try? JSON(parsing: body) else { return (400, []) }
        let answer: JSON = json.array.map { .array($0.map(self.reply)) } ?? self.reply(to: json)
        return (200, answer.utf8)
    }

    private func reply(to request: JSON) -> JSON {
        let (method, params) = (request["method"]?.string ?? "", request["params"]?.array ?? [])
        self.asked.withLock { $0.append(method) }
        let fault = self.faults.withLock { $0 }
        let time = self.clock()
        let outcome = fault(method, params) ?? self.ledger.withLock { $0.answer(method, params, at: time) }
        var reply: JSONObject = ["jsonrpc": "2.0", "id": request["id"] ?? .null]
        switch outcome {
        case .result(let result): reply["result"] = result
        case .error(let code, let message, let data):
            var error: JSONObject = ["code": .integer(code), "message": .string(message)]
            error["data"] = data.map(JSON.string)
            reply["error"] = .object(error)
        }
        return .object(reply)
    }
}
