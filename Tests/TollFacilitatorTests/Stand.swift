// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollFacilitator
import TollHTTP
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

/// A facilitator on a ledger in memory and a chain of one set.
struct Stand {
    static let chain = ChainID(eip155: 84532)
    static let usdc = Asset(
        network: chain,
        address: Bodies.usdc.lowercased(),
        symbol: "USDC",
        decimals: 6,
        domainName: "USDC",
        domainVersion: "2"
    )
    static let configuration = FacilitatorConfiguration(
        kinds: [.init(chain: chain, legacyName: "base-sepolia", assets: [usdc])],
        signers: ["0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"]
    )

    let store: any PaymentStore
    let chain: FakeChain
    let facilitator: Facilitator

    init(_ configuration: FacilitatorConfiguration = configuration, store: any PaymentStore = MemoryPaymentStore()) {
        self.store = store
        self.chain = FakeChain(store)
        self.facilitator = Self.facilitator(configuration, store, self.chain)
    }

    /// Another process on the same ledger and chain.
    static func facilitator(
        _ configuration: FacilitatorConfiguration = configuration,
        _ store: any PaymentStore,
        _ chain: FakeChain
    ) -> Facilitator {
        let time = ManualTime(start: .seconds(1_740_672_100), sleepPasses: false)
        return Facilitator(configuration, methods: [chain], store: store, environment: time.environment, log: .silent)
    }

    @discardableResult
    func post(
        _ path: String,
        _ body: String = Bodies.v2,
        _ fields: Fields = [:],
        on channel: RecordingResponseChannel = RecordingResponseChannel()
    ) async -> RecordedResponse? {
        await self.facilitator.answer(Request.post(path, body, fields), on: channel)
    }

    /// The status and the body.
    func asked(_ path: String, _ body: String = Bodies.v2, _ fields: Fields = [:]) async -> String {
        guard let response = await self.post(path, body, fields) else { return "no answer" }
        return "\(response.head.status) \(response.text)"
    }
}

extension Facilitator {
    func answer(_ request: Request, on channel: RecordingResponseChannel = RecordingResponseChannel()) async -> RecordedResponse?
    {
        await self.handle(request, Responder(channel))
        return channel.response
    }
}

extension Request {
    static let peer = PeerAddress(ip: "192.0.2.1", port: 4000)

    static func post(_ path: String, _ body: String, _ fields: Fields = [:]) -> Request {
        let head = RequestHead(method: .post, target: path, fields: fields, framing: .length(UInt64(body.utf8.count)))
        return Request(head: head, peer: peer, body: BodyStream(Array(body.utf8)))
    }

    static func get(_ path: String, _ method: Method = .get, _ fields: Fields = [:]) -> Request {
        Request(head: RequestHead(method: method, target: path, fields: fields), peer: peer)
    }
}

/// Counts from one.
final class Counter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        self.count.withLock { count in
            count += 1
            return count
        }
    }
}
