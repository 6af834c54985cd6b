// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollHTTP
import TollPayments
import TollRuntime
import TollTestKit

@testable import TollMethods

/// Our own signers settle what no facilitator took, and nothing that one may have.
@Suite struct LastResortTests {
    private static func remote(_ stand: ExactStand, _ answer: @escaping RemoteStand.Answer) throws -> RemoteFacilitator {
        let client = ScriptedHTTPClient { (sent: ScriptedHTTPClient.Sent) async throws(HTTPError) -> ClientResponse in
            sent.url.hasSuffix("/supported") ? .text(RemoteStand.supported) : try await answer(sent)
        }
        return RemoteFacilitator(
            endpoints: [FacilitatorEndpoint(url: try URLParts(parsing: RemoteStand.first))], networks: [stand.network],
            store: stand.store, client: client, background: stand.background, environment: stand.time.environment, log: .silent,
            lastResort: stand.exact)
    }

    @Test func `what no facilitator took is verified and settled here`() async throws {
        let stand = ExactStand()
        let remote = try Self.remote(stand, RemoteStand.error(.connectFailed, isBeforeSend: true))
        guard case .valid = await remote.verify(ExactStand.credential(), at: ExactStand.now) else {
            Issue.record("not verified")
            return
        }
        stand.time.advance(by: .seconds(2))
        let record = try await stand.claimed()
        guard case .settled = await remote.settle(record, patience: .seconds(20)) else {
            Issue.record("not settled")
            return
        }
        #expect(
            try await stand.events(record) == ["claimed", "unknown", "unknown", "returned", "signed", "broadcast", "settled"])
        #expect(stand.chain.transferCount == 1)
    }

    @Test func `what a facilitator may have taken is never settled here`() async throws {
        let stand = ExactStand()
        let remote = try Self.remote(stand, RemoteStand.error(.timedOut))
        let record = try await stand.claimed()
        guard case .pending = await remote.settle(record, patience: .seconds(20)) else {
            Issue.record("not pending")
            return
        }
        #expect(stand.chain.transactionCount == 0)
        await stand.exact.recovery.takeUp()
        #expect(try await stand.phase(record) == .unknown)
    }
}
