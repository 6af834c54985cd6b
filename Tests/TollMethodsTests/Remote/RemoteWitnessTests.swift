// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime
import TollTestKit

/// Where the chain can be read, its word counts: for blocks, against lies, and for answers that were lost.
@Suite struct RemoteWitnessTests {
    private typealias Stand = RemoteStand

    private static let seen = Settlement(
        transaction: Stand.transaction, block: 2_001, logIndex: 5, blockHash: UInt256(1).word.description)

    private func stand(
        _ node: ScriptedNode, unusedAtBlock: UInt64 = 1_990, _ answer: @escaping RemoteStand.Answer
    ) throws -> RemoteStand {
        let time = ManualTime(start: .seconds(1_700_000_100))
        let client = EVMClient(RPCClient(endpoints: ["http://node.example"], transport: node, now: time.environment.monotonic))
        let network = ExactEVMNetwork(chain: SamplePayment.asset.network, client: client, signers: nil)
        return try Stand(networks: [network], claim: SamplePayment.claim(1, unusedAtBlock: unusedAtBlock), answer)
    }

    @Test func `verification remembers the block before it`() async throws {
        guard case .valid(let payment) = try await self.stand(ScriptedNode(fate: .unused), Stand.text(Stand.valid)).verify()
        else {
            Issue.record("A valid payment was refused.")
            return
        }
        #expect(payment.unusedAtBlock == 2_001)
    }

    @Test func `success is recorded where the chain has it`() async throws {
        let stand = try self.stand(ScriptedNode(fate: .transferred), Stand.text(Stand.success))
        #expect(try await stand.settle() == .settled(Self.seen))
        #expect(try await stand.record()?.settlement == Self.seen)
    }

    @Test(arguments: [ScriptedNode.Fate.unused, .down])
    func `success that the chain does not show is not recorded`(fate: ScriptedNode.Fate) async throws {
        let stand = try self.stand(ScriptedNode(fate: fate), Stand.text(Stand.success))
        #expect(try await stand.settle() == .pending(transaction: Stand.transaction))
        #expect(try await stand.record()?.phase == .unknown)
        #expect(stand.calls.count == 1)
    }

    @Test func `a transaction that settled another payment between the same two is no settlement of this one`() async throws {
        let stand = try self.stand(ScriptedNode(fate: .transferred, nonce: 2), Stand.text(Stand.success))
        #expect(try await stand.settle() == .pending(transaction: Stand.transaction))
        #expect(try await stand.record()?.phase == .unknown)
    }

    @Test func `a transaction that was final before the claim is no settlement of it`() async throws {
        let stand = try self.stand(ScriptedNode(fate: .transferred), unusedAtBlock: 2_901, Stand.text(Stand.success))
        #expect(try await stand.settle() == .pending(transaction: Stand.transaction))
    }

    @Test func `a transaction that a reorganisation moved below the claim's block settles it`() async throws {
        let stand = try self.stand(ScriptedNode(fate: .transferred), unusedAtBlock: 2_900, Stand.text(Stand.success))
        #expect(try await stand.settle() == .settled(Self.seen))
    }

    @Test func `a refusal of what the chain shows as paid is a settlement`() async throws {
        let stand = try self.stand(ScriptedNode(fate: .transferred), Stand.text(Stand.failure("insufficient_funds")))
        #expect(try await stand.settle() == .settled(Self.seen))
    }

    @Test func `success that the chain contradicts is not recorded`() async throws {
        let stand = try self.stand(ScriptedNode(fate: .reverted), Stand.text(Stand.success))
        #expect(try await stand.settle() == .pending(transaction: Stand.transaction))
        #expect(try await stand.record()?.phase == .unknown)
        #expect(stand.calls.count > 1)
    }

    @Test(arguments: [Stand.text("<html>", 500), Stand.error(.timedOut)])
    func `a lost answer is made up for by the transfer`(answer: @escaping RemoteStand.Answer) async throws {
        let stand = try self.stand(ScriptedNode(fate: .transferred), answer)
        #expect(try await stand.settle() == .settled(Self.seen))
        #expect(stand.calls.count == 1)
    }

    @Test func `after a lost answer a used nonce is looked up`() async throws {
        let used = Stand.text(Stand.failure("invalid_exact_evm_nonce_already_used"))
        let stand = try self.stand(ScriptedNode(fate: .unused), Stand.script(Stand.error(.timedOut), used))
        #expect(try await stand.settle() == .pending(transaction: ""))
    }

    @Test(arguments: [1_990, 0] as [UInt64])
    func `a lost answer to an authorization that has expired unused is a failure`(unusedAtBlock: UInt64) async throws {
        let node = ScriptedNode(fate: .unused, headTime: 1_700_000_300)
        let stand = try self.stand(node, unusedAtBlock: unusedAtBlock, Stand.error(.timedOut))
        guard case .failed(let refusal, nil) = try await stand.settle() else {
            Issue.record("An expired authorization can still settle.")
            return
        }
        #expect(refusal.reason == "invalid_exact_evm_payload_authorization_valid_before")
        #expect(try await stand.record()?.phase == .failed)
    }

    @Test func `what no facilitator took is a failure when the authorization has expired`() async throws {
        let stand = try self.stand(
            ScriptedNode(fate: .unused, headTime: 1_700_000_300), Stand.error(.connectFailed, isBeforeSend: true))
        guard case .unavailable = try await stand.settle() else {
            Issue.record("Nobody was there to settle it.")
            return
        }
        #expect(try await stand.record()?.phase == .unknown)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await stand.background.run() }
            while try await stand.record()?.phase == .unknown { await Task.yield() }
            group.cancelAll()
        }
        #expect(try await stand.record()?.phase == .failed)
    }
}
