// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

/// Facilitators played by a script, and the method that asks them.
struct RemoteStand {
    typealias Answer = @Sendable (ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse

    static let first = "https://first.example"
    static let second = "https://second.example/x402/"
    static let transaction = SamplePayment.hash(1)
    static let payer = SamplePayment.payer

    static let supported = """
        {"kinds":[{"x402Version":2,"scheme":"exact","network":"eip155:84532"}],"extensions":[],"signers":{}}
        """
    static let valid = "{\"isValid\":true,\"payer\":\"\(payer)\"}"
    static let success =
        "{\"success\":true,\"payer\":\"\(payer)\",\"transaction\":\"\(transaction)\",\"network\":\"eip155:84532\"}"

    static func failure(_ reason: String, transaction: String = "") -> String {
        "{\"success\":false,\"errorReason\":\"\(reason)\",\"transaction\":\"\(transaction)\",\"network\":\"eip155:84532\"}"
    }

    static let claim = SamplePayment.claim(1, unusedAtBlock: 0)
    static let credential = Credential(
        dialect: "x402",
        option: claim.option,
        payload: claim.payload,
        challengeHash: Bytes32.zero
    )

    let store = MemoryPaymentStore()
    let time = ManualTime(start: .seconds(1_700_000_100))
    let client: ScriptedHTTPClient
    let method: RemoteFacilitator

    let background = BackgroundWork()
    let claim: Claim

    /// `answer` plays every call but `/supported`; the method writes to the ledger through `ledger`.
    init(
        at urls: [String] = [first],
        supported: String = supported,
        networks: [ExactEVMNetwork] = [],
        claim: Claim = claim,
        through ledger: (MemoryPaymentStore) -> any PaymentStore = { $0 },
        _ answer: @escaping Answer
    ) throws {
        let endpoints = try urls.map {
            FacilitatorEndpoint(url: try URLParts(parsing: $0), headers: ["Authorization": "Bearer key"])
        }
        self.client = ScriptedHTTPClient { (sent: ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse in
            sent.url.hasSuffix("/supported") ? .text(supported) : try await answer(sent)
        }
        self.claim = claim
        self.method = RemoteFacilitator(
            endpoints: endpoints,
            networks: networks,
            store: ledger(self.store),
            client: self.client,
            background: self.background,
            environment: self.time.environment,
            log: .silent
        )
    }

    /// Answers in turn; the last one again and again.
    static func script(_ answers: Answer...) -> Answer {
        let next = Mutex(0)
        return { (sent: ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse in
            let index = next.withLock { next in
                defer { next += 1 }
                return min(next, answers.count - 1)
            }
            return try await answers[index](sent)
        }
    }

    static func text(_ text: String, _ status: Int = 200) -> Answer {
        { (_: ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse in .text(text, status: status) }
    }

    static func error(_ code: HTTPError.Code, isBeforeSend: Bool = false) -> Answer {
        { (_: ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse in
            throw HTTPError(code, "scripted", isBeforeSend: isBeforeSend)
        }
    }

    /// The paths of what was sent, but for `/supported`.
    var calls: [String] { self.client.sent.map(\.url).filter { !$0.hasSuffix("/supported") } }

    func verify() async -> Verification { await self.method.verify(Self.credential, at: 1_700_000_100) }

    /// Claims and settles.
    func settle(patience: Duration = .seconds(10)) async throws -> SettlementOutcome {
        let record =
            switch try await self.store.claim(self.claim, at: 0) {
            case .first(let record), .held(let record), .identifierTaken(let record): record
            case .notDeferrable(let reason): throw StoreError.unavailable(reason)
            }
        return await self.method.settle(record, patience: patience)
    }

    func record() async throws -> PaymentRecord? { try await self.store.record(Self.claim.id) }

    func events() async throws -> [String] { try await self.store.events(Self.claim.id).map(\.event.name) }
}

/// A ledger that refuses so many appends when it is told to.
final class FailingLedger: WrappingPaymentStore {
    let wrapped: any PaymentStore
    private let failures = Mutex(0)

    init(_ wrapped: any PaymentStore) { self.wrapped = wrapped }

    func fail(times: Int) { self.failures.withLock { $0 = times } }

    @discardableResult
    func append(_ entries: [LedgerEntry], at time: Int64) async throws(StoreError) -> [PaymentRecord] {
        let fails = self.failures.withLock { failures in
            failures -= 1
            return failures >= 0
        }
        guard !fails else { throw .unavailable("on purpose") }
        return try await self.wrapped.append(entries, at: time)
    }
}
