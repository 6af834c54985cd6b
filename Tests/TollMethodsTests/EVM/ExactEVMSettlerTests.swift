// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing
import TollCrypto
import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollTestKit

/// Settlement on a chain that loses, refuses, delays and is used by others.
@Suite struct ExactEVMSettlerTests {
    private static let underpriced = SimulatedEVMChain.Fault.error(code: -32000, message: "transaction underpriced")

    @Test func `signed on disk, sent, settled`() async throws {
        let stand = ExactStand()
        let record = try await stand.claimed()
        guard case .settled(let settlement) = try await stand.settle(record) else {
            Issue.record("not settled")
            return
        }
        #expect(try await stand.events(record) == ["claimed", "signed", "broadcast", "settled"])
        #expect(try await stand.store.record(record.id)?.transaction?.hash == settlement.transaction)
        #expect(settlement.block == 1_001 && settlement.logIndex == 1)
        #expect(stand.chain.balance(of: Address(hex: ExactStand.option.payTo)!) == 1_000)
        #expect(try await stand.settle(record) == .settled(settlement))
        #expect(stand.chain.transactionCount == 1)
    }

    @Test func `nothing is sent before it is on disk`() async throws {
        let stand = ExactStand()
        let record = try await stand.claimed()
        let signedBeforeSend = Recorder()
        let store = stand.store
        stand.chain.setFault { method, _ in
            if method == "eth_sendRawTransaction" { signedBeforeSend.note("sent") }
            return nil
        }
        let failing = ExactStand(chain: stand.chain, store: FailingAppends(store))
        guard case .unavailable = await failing.exact.settle(record, patience: .seconds(1)) else {
            Issue.record("settled without a ledger")
            return
        }
        #expect(signedBeforeSend.notes.isEmpty)
        // The number that was not written is used next.
        guard case .settled = try await stand.settle(record) else {
            Issue.record("not settled")
            return
        }
        #expect(try await stand.store.record(record.id)?.transaction?.nonce == 0)
    }

    @Test func `a lost answer, an underpriced and an unfunded transaction are sent again, the same bytes`() async throws {
        for fault in [
            Self.underpriced, .error(code: -32000, message: "insufficient funds for gas * price + value"), .result("0x00"),
            .error(code: -32603, message: "internal error"),
        ] {
            let stand = ExactStand()
            let record = try await stand.claimed()
            let raws = Recorder()
            stand.chain.setFault { method, params in
                guard method == "eth_sendRawTransaction" else { return nil }
                raws.note(params.first?.string ?? "")
                return raws.notes.count < 3 ? fault : nil
            }
            guard case .settled = try await stand.settle(record) else {
                Issue.record("not settled")
                continue
            }
            #expect(raws.notes.count == 3 && Set(raws.notes).count == 1)
            #expect(stand.chain.transferCount == 1)
        }
    }

    @Test func `a transaction whose answer was lost is found by its hash`() async throws {
        let stand = ExactStand()
        let record = try await stand.claimed()
        let sent = Recorder()
        let chain = stand.chain
        chain.setFault { method, params in
            guard method == "eth_sendRawTransaction", sent.notes.isEmpty else { return nil }
            sent.note("once")
            // It arrives, and the answer does not.
            chain.deliver(params.first?.string ?? "")
            return .error(code: -32603, message: "upstream timed out")
        }
        guard case .settled = try await stand.settle(record) else {
            Issue.record("not settled")
            return
        }
        #expect(chain.methods.filter { $0 == "eth_sendRawTransaction" }.count == 1)
        #expect(chain.transferCount == 1)
    }

    @Test func `what is not mined in time is pending with its hash, and taken up later`() async throws {
        let stand = ExactStand()
        let record = try await stand.claimed()
        stand.chain.isMining = false
        guard case .pending(let hash) = try await stand.settle(record, patience: .seconds(5)) else {
            Issue.record("not pending")
            return
        }
        #expect(try await stand.store.record(record.id)?.phase == .broadcast)
        stand.chain.mine()
        guard case .settled(let settlement) = try await stand.settle(record) else {
            Issue.record("not settled")
            return
        }
        #expect(settlement.transaction == hash && stand.chain.transactionCount == 1)
    }

    @Test func `a transfer by somebody else is honoured, ours reverts`() async throws {
        let stand = ExactStand()
        let record = try await stand.claimed()
        stand.chain.isMining = false
        _ = try await stand.settle(record, patience: .seconds(1))
        let hash = stand.chain.submit(payload: record.claim.payload)
        stand.chain.mine()
        guard case .settled(let settlement) = try await stand.settle(record) else {
            Issue.record("not settled")
            return
        }
        #expect(settlement.transaction == hash?.description)
        #expect(stand.chain.transferCount == 1)
    }

    @Test func `a cancelled authorization fails, an expired one too, when an empty transaction has used their number up`()
        async throws
    {
        for isCancelled in [true, false] {
            let stand = ExactStand()
            let record = try await stand.claimed()
            stand.chain.setFault { method, _ in method == "eth_sendRawTransaction" ? Self.underpriced : nil }
            guard case .pending = try await stand.settle(record, patience: .seconds(3)) else {
                Issue.record("not pending")
                continue
            }
            stand.chain.setFault { _, _ in nil }
            stand.chain.baseFee = 1_000_000_000  // What was signed does not pay this; a dearer one does.
            if isCancelled {
                stand.chain.cancel(UInt256(1).word, of: ExactStand.payer.address)
            } else {
                stand.time.advance(by: .seconds(130))
            }
            guard case .failed(let refusal, _) = try await stand.settle(record, patience: .seconds(60)) else {
                Issue.record("not failed")
                continue
            }
            let expired = "invalid_exact_evm_payload_authorization_valid_before"
            #expect(refusal.reason == (isCancelled ? "invalid_exact_evm_nonce_already_used" : expired))
            #expect(stand.chain.transferCount == 0)
            #expect(stand.chain.waiting.isEmpty)
            guard isCancelled else { continue }
            // The signer goes on with the next number.
            let later = try await stand.claimed(ExactStand.payload(nonce: 2))
            guard case .settled = try await stand.settle(later) else {
                Issue.record("the signer stands still")
                continue
            }
            #expect(try await stand.store.record(later.id)?.transaction?.nonce == 1)
        }
    }

    @Test func `a transfer in a block that a reorganisation has moved below the claim's is honoured`() async throws {
        let stand = ExactStand()
        let record = try await stand.claimed(unusedAtBlock: 1_003)
        stand.chain.isMining = false
        _ = try await stand.settle(record, patience: .seconds(1))
        let hash = stand.chain.submit(payload: record.claim.payload)
        stand.chain.mine()
        guard case .settled(let settlement) = try await stand.settle(record) else {
            Issue.record("not settled")
            return
        }
        #expect(settlement.transaction == hash?.description && settlement.block == 1_001)
    }

    @Test func `a use whose log is not there yet is no cancellation`() async throws {
        let stand = ExactStand()
        let record = try await stand.claimed()
        stand.chain.isMining = false
        _ = try await stand.settle(record, patience: .seconds(1))
        _ = stand.chain.submit(payload: record.claim.payload)
        stand.chain.mine()
        let hidden = Recorder()
        stand.chain.setFault { method, _ in
            guard method == "eth_getLogs", hidden.notes.count < 3 else { return nil }
            hidden.note("no logs yet")
            return .result([])
        }
        guard case .settled = try await stand.settle(record) else {
            Issue.record("not settled")
            return
        }
        #expect(hidden.notes.count == 3)
    }

    @Test func `confirmations are waited for, also of somebody else's transfer`() async throws {
        let stand = ExactStand(confirmations: .blocks(3))
        let record = try await stand.claimed()
        guard case .pending = try await stand.settle(record, patience: .seconds(2)) else {
            Issue.record("settled at once")
            return
        }
        stand.chain.mine(blocks: 2)
        guard case .settled = try await stand.settle(record) else {
            Issue.record("not settled")
            return
        }
        let other = try await stand.claimed(ExactStand.payload(nonce: 2))
        stand.chain.isMining = false
        _ = try await stand.settle(other, patience: .seconds(1))
        _ = stand.chain.submit(payload: other.claim.payload)
        guard case .pending = try await stand.settle(other, patience: .seconds(20)) else {
            Issue.record("honoured too early")
            return
        }
        stand.chain.mine(blocks: 3)
        guard case .settled = try await stand.settle(other) else {
            Issue.record("not settled")
            return
        }
    }

    @Test func `two hundred settlements have two hundred numbers`() async throws {
        let stand = ExactStand(sleepPasses: false)
        stand.chain.mint(1_000_000, to: ExactStand.payer.address)
        var records: [PaymentRecord] = []
        for nonce in 1...200 { records.append(try await stand.claimed(ExactStand.payload(nonce: nonce))) }
        let outcomes = try await withThrowingTaskGroup(of: SettlementOutcome.self) { group in
            for record in records { group.addTask { try await stand.settle(record) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.allSatisfy { if case .settled = $0 { true } else { false } })
        #expect(stand.chain.transferCount == 200 && stand.chain.transactionCount == 200)
    }

    @Test func `after a restart numbers on disk stay taken`() async throws {
        let stand = ExactStand()
        let first = try await stand.claimed()
        stand.chain.isMining = false
        stand.chain.setFault { method, _ in method == "eth_sendRawTransaction" ? Self.underpriced : nil }
        _ = try await stand.settle(first, patience: .seconds(1))
        stand.chain.setFault { _, _ in nil }
        stand.chain.isMining = true
        // The next process, on the same ledger and chain.
        let next = ExactStand(chain: stand.chain, store: stand.store)
        let second = try await stand.claimed(ExactStand.payload(nonce: 2))
        async let settled = next.exact.settle(second, patience: .seconds(30))
        guard
            case .settled = await next.exact.settle(try #require(try await stand.store.record(first.id)), patience: .seconds(30))
        else {
            Issue.record("not settled")
            return
        }
        guard case .settled = await settled else {
            Issue.record("not settled")
            return
        }
        #expect(try await stand.store.record(first.id)?.transaction?.nonce == 0)
        #expect(try await stand.store.record(second.id)?.transaction?.nonce == 1)
    }
}

/// Lines that a test wants to see.
final class Recorder: Sendable {
    private let state = Mutex<[String]>([])
    var notes: [String] { self.state.withLock { $0 } }
    func note(_ line: String) { self.state.withLock { $0.append(line) } }
}

/// A ledger that can be read and not written.
private struct FailingAppends: WrappingPaymentStore {
    let wrapped: any PaymentStore

    init(_ store: MemoryPaymentStore) { self.wrapped = store }

    func claim(_ claim: Claim, deferral: DeferralTerms?, at time: Int64) async throws(StoreError) -> ClaimOutcome {
        throw .unavailable("disk full")
    }
    func append(_ entries: [LedgerEntry], at time: Int64) async throws(StoreError) -> [PaymentRecord] {
        throw .unavailable("disk full")
    }
    func sign(
        as account: SignerAccount, at time: Int64, _ entries: @escaping @Sendable (_ number: UInt64) -> [LedgerEntry]
    ) async throws(StoreError) -> [PaymentRecord] { throw .unavailable("disk full") }
}
