// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollFacilitator
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

/// Our own method for remote facilitators, against our own facilitator.
@Suite struct RemoteTests {
    private static let claim = SamplePayment.claim(1, unusedAtBlock: 0)
    private static let settled = SettlementOutcome.settled(
        Settlement(transaction: FakeChain.transaction, block: 0, logIndex: 0)
    )

    /// A network that loses the first `lost` answers of `/settle` on the way back.
    private func client(_ facilitator: Facilitator, losing lost: Int = 0) -> ScriptedHTTPClient {
        let settles = Counter()
        return ScriptedHTTPClient { (sent: ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse in
            let head = RequestHead(
                method: sent.method,
                target: String(sent.url.dropFirst("https://facilitator.example".count)),
                fields: sent.fields,
                framing: .length(UInt64(sent.body.count))
            )
            let request = Request(head: head, peer: Request.peer, body: BodyStream(sent.body))
            guard let response = await facilitator.answer(request) else { throw HTTPError(.disconnected, "no answer") }
            if sent.url.hasSuffix("/settle"), settles.next() <= lost { throw HTTPError(.disconnected, "lost on the way") }
            return ClientResponse(head: response.head, body: BodyStream(response.body))
        }
    }

    private func method(_ store: any PaymentStore, _ client: ScriptedHTTPClient, token: String?) throws -> RemoteFacilitator {
        RemoteFacilitator(
            endpoints: [
                FacilitatorEndpoint(
                    url: try URLParts(parsing: "https://facilitator.example"),
                    headers: token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
                )
            ],
            store: store,
            client: client,
            background: BackgroundWork(),
            environment: ManualTime(start: .seconds(1_700_000_100)).environment,
            log: .silent
        )
    }

    private func settle(_ stand: Stand, token: String? = nil, losing lost: Int = 0) async throws -> SettlementOutcome {
        let store = MemoryPaymentStore()
        let method = try self.method(store, self.client(stand.facilitator, losing: lost), token: token)
        guard case .first(let record) = try await store.claim(Self.claim, at: 0) else { throw SettleCallTests.Unexpected() }
        return await method.settle(record, patience: .seconds(30))
    }

    @Test func `a payment verifies and settles from end to end`() async throws {
        let stand = Stand()
        let method = try self.method(MemoryPaymentStore(), self.client(stand.facilitator), token: nil)
        let credential = Credential(
            dialect: "x402",
            option: Self.claim.option,
            payload: Self.claim.payload,
            challengeHash: nil
        )
        let verified = VerifiedPayment(
            key: Self.claim.key,
            payer: SamplePayment.payer,
            unusedAtBlock: 0,
            validBefore: Self.claim.validBefore
        )
        #expect(await method.verify(credential, at: 1_700_000_100) == .valid(verified))
        #expect(try await self.settle(stand) == Self.settled)
    }

    @Test(arguments: [nil, "token"], [1, 2])
    func `an answer that was lost on the way is made up for`(token: String?, lost: Int) async throws {
        var configuration = Stand.configuration
        configuration.tokens = token.map { [Secret($0)] } ?? []
        let stand = Stand(configuration)
        #expect(try await self.settle(stand, token: token, losing: lost) == Self.settled)
        #expect(stand.chain.settlements == 1)
    }

    @Test func `of two gateways that claim one payment only one is told`() async throws {
        let stand = Stand()
        let outcomes = try await withThrowingTaskGroup(of: SettlementOutcome.self) { group in
            for _ in 0..<2 { group.addTask { try await self.settle(stand) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == Self.settled } == 1)
        #expect(outcomes.contains(.failed(PaymentRefusal("duplicate_settlement"), transaction: FakeChain.transaction)))
    }

    @Test func `a wrong token is no verdict`() async throws {
        var configuration = Stand.configuration
        configuration.tokens = [Secret("token")]
        guard case .unavailable = try await self.settle(Stand(configuration), token: "other") else {
            Issue.record("A facilitator that lets nobody in gave a verdict.")
            return
        }
    }
}
