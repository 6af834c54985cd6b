// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

@testable import TollMethods

/// Of two nodes one is behind: what neither says must not be concluded from both.
@Suite struct NodesApartTests {
    /// The node in front, which does not answer one method, and one that is behind it.
    private struct Nodes: RPCTransport {
        let ahead: SimulatedEVMChain
        let behind: SimulatedEVMChain
        let unanswered: String

        func post(url: String, body: [UInt8], deadline: Duration) async throws(RPCTransportError) -> (status: Int, body: [UInt8])
        {
            guard url == "ahead" else { return try await self.behind.post(url: url, body: body, deadline: deadline) }
            let answer = try await self.ahead.post(url: url, body: body, deadline: deadline)
            guard let requests = try? JSON(parsing: body), let replies = try? JSON(parsing: answer.body) else { return answer }
            if let list = replies.array {
                let answers = zip(requests.array ?? [], list).map { self.reply(to: $0, $1) }
                return (200, JSON.array(answers).utf8)
            }
            return (200, self.reply(to: requests, replies).utf8)
        }

        private func reply(to request: JSON, _ reply: JSON) -> JSON {
            guard request["method"]?.string == self.unanswered else { return reply }
            return [
                "jsonrpc": "2.0", "id": request["id"] ?? .null, "error": ["code": -32_005, "message": "limit exceeded"],
            ]
        }

        func network() -> ExactEVMNetwork {
            let client = EVMClient(RPCClient(endpoints: ["ahead", "behind"], transport: self, now: { .zero }))
            return ExactEVMNetwork(chain: ExactStand.option.network, client: client, signers: nil)
        }
    }

    @Test func `a used number here and no receipt there do not end a refund`() async throws {
        let stand = LedgerStand()
        let record = try await stand.owed(1)
        let behind = SimulatedEVMChain(clock: stand.stand.time.environment.wallClock)
        behind.isMining = false
        stand.chain.mint(5_000, to: LedgerStand.wallet.address)
        let nodes = Nodes(ahead: stand.chain, behind: behind, unanswered: "eth_getTransactionReceipt")
        func wallet(_ network: ExactEVMNetwork) -> EVMPayoutWallet {
            EVMPayoutWallet(
                network: network, store: stand.store, key: LedgerStand.wallet, environment: stand.stand.time.environment)
        }
        let signed = try await wallet(stand.network).sign(record)
        let refund = try #require(signed.debt?.refund?.transaction)
        stand.chain.deliver(Hex.encodePrefixed(refund.raw))
        guard case .pending = try await wallet(nodes.network()).pursue(signed, patience: .seconds(1)) else {
            Issue.record("it has ended")
            return
        }
        guard case .paid = try await wallet(stand.network).pursue(signed, patience: .seconds(1)) else {
            Issue.record("not paid")
            return
        }
    }

    @Test func `a use here and no log of it there do not make a cancellation`() async throws {
        let stand = ExactStand()
        let record = try await stand.claimed()
        stand.chain.submit(payload: record.claim.payload)
        stand.time.advance(by: .seconds(600))
        stand.chain.mine()
        let behind = SimulatedEVMChain(clock: stand.time.environment.wallClock)
        let due = try DuePayment(record)
        let nodes = Nodes(ahead: stand.chain, behind: behind, unanswered: "eth_getLogs")
        guard case .unknown = await ExactEVMChain(nodes.network()).authorization(of: due) else {
            Issue.record("something was concluded")
            return
        }
        guard case .transferred = await ExactEVMChain(stand.network).authorization(of: due) else {
            Issue.record("the transfer was not seen")
            return
        }
    }
}
