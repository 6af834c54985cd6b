// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollClient
import TollCrypto
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollProtocol
import TollRuntime

/// What the tests buy with: two networks, three tokens, one key, and a server that answers from a script.
enum Market {
    static let baseSepolia = ChainID(eip155: 84_532)
    static let base = ChainID(eip155: 8_453)
    static let now: UInt64 = 1_772_366_400  // 2026-03-01T12:00:00Z
    static let payTo = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"

    static let usdc = Asset(
        network: baseSepolia,
        address: "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
        symbol: "USDC",
        decimals: 6,
        domainName: "USDC",
        domainVersion: "2"
    )
    static let baseUSDC = Asset(
        network: base,
        address: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
        symbol: "USDC",
        decimals: 6,
        domainName: "USD Coin",
        domainVersion: "2"
    )
    static let eurc = Asset(
        network: base,
        address: "0x60a3E35Cc302bFA44Cb288Bc5a4F316Fdb1adb42",
        symbol: "EURC",
        decimals: 6,
        domainName: "EURC",
        domainVersion: "2"
    )
    static let wide = Asset(
        network: baseSepolia,
        address: "0x1111111111111111111111111111111111111111",
        symbol: "WIDE",
        decimals: 18,
        domainName: "Wide Dollar",
        domainVersion: "1"
    )

    static let directory = NetworkDirectory([
        PayableNetwork(
            chain: baseSepolia,
            name: "Base Sepolia",
            legacyName: "base-sepolia",
            assets: [PayableAsset(usdc, isDollarPegged: true), PayableAsset(wide, isDollarPegged: true)]
        ),
        PayableNetwork(
            chain: base,
            name: "Base",
            legacyName: "base",
            assets: [PayableAsset(baseUSDC, isDollarPegged: true), PayableAsset(eurc, isDollarPegged: false)]
        ),
    ])

    /// The first account of the well-known development mnemonic; its key is public.
    static let key = PrivateKey(bytes: Hex.decode("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")!)!
    static let payer = ExactEVMPayer(key)
    static let url = (try? URLParts(parsing: "https://api.example/weather"))!

    /// Requirements of version 2, as a server writes them.
    static func option(
        _ asset: Asset = usdc,
        amount: String = "1000",
        scheme: String = "exact",
        network: String? = nil,
        address: String? = nil,
        payTo: String = payTo,
        timeout: Int = 300,
        extra: JSONObject? = nil
    ) -> JSON {
        .object([
            "scheme": .string(scheme), "network": .string(network ?? asset.network.description),
            "asset": .string(address ?? asset.address), "amount": .string(amount), "payTo": .string(payTo),
            "maxTimeoutSeconds": .integer(timeout),
            "extra": .object(extra ?? ["name": .string(asset.domainName), "version": .string(asset.domainVersion)]),
        ])
    }

    static func challenge(_ accepts: [JSON], extensions: JSON? = nil, error: String = "Payment required") -> Answer {
        var object: JSONObject = [
            "x402Version": 2, "error": .string(error), "resource": ["url": .string(url.description), "description": "Weather"],
            "accepts": .array(accepts),
        ]
        object["extensions"] = extensions
        return .answer(402, ["PAYMENT-REQUIRED": PaymentHeader.encode(object)], "{}")
    }

    static func receipt(
        success: Bool = true,
        transaction: String = "0xabc1",
        network: String = "eip155:84532",
        reason: String? = nil
    ) -> String {
        var object: JSONObject = [
            "success": .bool(success), "transaction": .string(transaction), "network": .string(network),
            "payer": .string(payer.account),
        ]
        object["errorReason"] = reason.map(JSON.string)
        return PaymentHeader.encode(object)
    }

    static func delivered(_ body: String = "sunny") -> Answer {
        .answer(200, ["PAYMENT-RESPONSE": receipt()], body)
    }
}

/// What the scripted server does with one request.
enum Answer: Sendable {
    case answer(Int, [String: String], String)
    case fail(HTTPError)
    /// The head arrives, the body breaks off after its first piece.
    case breakOff([String: String], String)
}

/// A server that gives its answers in turn and keeps what it was asked.
final class ScriptedServer: HTTPClient {
    private let state: Mutex<(answers: [Answer], requests: [ClientRequest])>

    init(_ answers: [Answer]) { self.state = Mutex((answers, [])) }

    var requests: [ClientRequest] { self.state.withLock { $0.requests } }

    /// Forgets the answers that were not given yet.
    func clear() { self.state.withLock { $0.answers = [] } }

    func add(_ answers: Answer...) { self.state.withLock { $0.answers += answers } }

    func send(_ request: ClientRequest) async throws(HTTPError) -> ClientResponse {
        let answer = self.state.withLock { state -> Answer in
            state.requests.append(request)
            return state.answers.isEmpty
                ? .fail(HTTPError(.connectFailed, "the script is over", isBeforeSend: true)) : state.answers.removeFirst()
        }
        switch answer {
        case .answer(let status, let fields, let body):
            return ClientResponse(head: Self.head(status, fields), body: BodyStream(Array(body.utf8)))
        case .fail(let error): throw error
        case .breakOff(let fields, let body):
            let pieces = Mutex([Array(body.utf8)])
            return ClientResponse(
                head: Self.head(200, fields),
                body: BodyStream { () throws(HTTPError) in
                    let piece = pieces.withLock { $0.popLast() }
                    guard let piece else { throw HTTPError(.disconnected, "the server went away") }
                    return piece
                }
            )
        }
    }

    private static func head(_ status: Int, _ fields: [String: String]) -> ResponseHead {
        var head = ResponseHead(status: status)
        for (name, value) in fields { head.fields.append(name, value) }
        return head
    }

    /// The payments that were sent, decoded.
    var payments: [X402V2.PaymentPayload] {
        self.requests.compactMap { request in
            request.fields.firstText("payment-signature").flatMap { try? X402V2.PaymentPayload(headerValue: $0) }
        }
    }
}

/// A value that several may change.
final class Mutexed<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>
    init(_ value: Value) { self.mutex = Mutex(value) }
    var value: Value { self.mutex.withLock { $0 } }
    func set(_ change: @Sendable (Value) -> Value) { self.mutex.withLock { $0 = change($0) } }
}

/// Collects what a purchase delivers.
final class Collected: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    var text: String { String(decoding: self.bytes.withLock { $0 }, as: UTF8.self) }
    func take(_ piece: [UInt8]) { self.bytes.withLock { $0 += piece } }
}

/// A clock to set, and random bytes that count.
final class Stage: Sendable {
    private let time: Mutex<UInt64>
    private let drawn = Mutex<UInt64>(0)

    init(_ time: UInt64 = Market.now) { self.time = Mutex(time) }

    func advance(by seconds: UInt64) { self.time.withLock { $0 += seconds } }
    var now: UInt64 { self.time.withLock { $0 } }

    var environment: Environment {
        var environment = Environment.failing
        environment.wallClock = { .seconds(Int64(self.now)) }
        environment.randomBytes = { count in
            let number = self.drawn.withLock { drawn -> UInt64 in
                drawn += 1
                return drawn
            }
            return Array(Keccak256.hash(text: "draw \(number) of \(ObjectIdentifier(self).hashValue)").bytes.prefix(count))
        }
        return environment
    }
}

/// A chain with fixed answers.
struct FixedChain: ChainReader {
    var balances: [ChainID: UInt256] = [:]
    var isUsed: Bool?

    func balance(of account: String, in asset: Asset) async -> UInt256? { self.balances[asset.network] }
    func isAuthorizationUsed(by account: String, nonce: Bytes32, asset: Asset) async -> Bool? { self.isUsed }
}
