// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollPrimitives
import TollTestKit

@testable import TollMethods

/// Every order in which a chain can answer about one number.
@Suite struct SettlementPursuitTests {
    private typealias Pursuit = SettlementPursuit

    private static let first = SamplePayment.claim(1).id
    private static let second = SamplePayment.claim(2).id
    private static let ours = Settlement(transaction: "0xours", block: 9, logIndex: 1)
    private static let others = Settlement(transaction: "0xtheirs", block: 8, logIndex: 4)

    private static func pursuit(
        _ payments: [PaymentID] = [first], isDeferred: Bool = false, wasSent: Bool = false
    ) -> SettlementPursuit {
        SettlementPursuit(
            number: 7, payments: payments.map { SettlementPursuit.Payment(id: $0, isDeferred: isDeferred) },
            inclusion: .seconds(30), offeredFee: 100, wasSent: wasSent)
    }

    private static func mined(
        _ settlements: [PaymentID: Settlement] = [:], succeeded: Bool = true
    ) -> SettlementPursuit.Sighting {
        .mined(SettlementPursuit.Mined(block: 9, succeeded: succeeded, settlements: settlements))
    }

    private static func known(
        _ states: [PaymentID: SettlementPursuit.AuthorizationState], isNumberUsed: Bool = false, count: UInt64 = 7,
        baseFee: UInt256 = 50, hasMinedBlock: Bool = true
    ) -> SettlementPursuit.Examination {
        .known(
            SettlementPursuit.Findings(
                isNumberUsed: isNumberUsed, count: count, baseFee: baseFee, authorizations: states, hasMinedBlock: hasMinedBlock))
    }

    private static func failure(_ action: SettlementPursuit.Action) -> String? {
        guard case .conclude(let endings) = action, endings.count == 1, case .failed(let refusal) = endings[0].verdict else {
            return nil
        }
        return refusal.reason
    }

    private static func settled(_ payment: PaymentID, _ settlement: Settlement) -> SettlementPursuit.Action {
        .conclude([SettlementPursuit.Ending(payment: payment, verdict: .settled(settlement))])
    }

    private static func isReturned(_ action: SettlementPursuit.Action) -> Bool {
        guard case .conclude(let endings) = action else { return false }
        return endings.allSatisfy(\.isReturn)
    }

    /// Looks until the pursuit does something else than wait; says what, and how long it waited.
    private static func lookUntilNoMore(_ pursuit: inout SettlementPursuit) -> (SettlementPursuit.Action, waits: [Duration]) {
        var waits: [Duration] = []
        while waits.count < 100 {
            let action = pursuit.looked(.none)
            guard case .wait(let duration) = action else { return (action, waits) }
            waits.append(duration)
            guard pursuit.waited() == .look else { break }
        }
        return (.send, waits)
    }

    /// What the pursuit does when the chain has been looked at, and left it alone, for so long.
    private static func examine(
        _ pursuit: inout SettlementPursuit, _ examination: SettlementPursuit.Examination, for duration: Duration
    ) -> SettlementPursuit.Action {
        var passed = Duration.zero
        while true {
            let (looked, waits) = Self.lookUntilNoMore(&pursuit)
            guard looked == .examine(asOf: 0) else { return looked }
            passed += waits.reduce(.zero, +)
            let action = pursuit.examined(examination)
            guard action == .send, passed < duration else { return action }
            _ = pursuit.sent(.accepted)
        }
    }

    // MARK: - The usual

    @Test func `sent, mined, settled`() {
        var pursuit = Self.pursuit()
        #expect(pursuit.start() == .send)
        #expect(pursuit.sent(.accepted) == .look)
        #expect(pursuit.wasAccepted)
        #expect(pursuit.looked(.none) == .wait(.milliseconds(15)))
        #expect(pursuit.waited() == .look)
        #expect(pursuit.looked(Self.mined([Self.first: Self.ours])) == Self.settled(Self.first, Self.ours))
        #expect(pursuit.concluded() == .finish)
    }

    @Test func `what may have been sent is looked for before it is sent again`() {
        var pursuit = Self.pursuit(wasSent: true)
        #expect(pursuit.start() == .look)
        #expect(pursuit.looked(Self.mined([Self.first: Self.ours])) == Self.settled(Self.first, Self.ours))
    }

    @Test(arguments: [
        SettlementPursuit.SendResult.accepted, .nonceUsed, .underpriced(reason: "underpriced"),
        .refused(reason: "insufficient funds"), .unknown(reason: "time is up"),
    ])
    func `whatever came of sending, the receipt decides`(result: SettlementPursuit.SendResult) {
        var pursuit = Self.pursuit()
        #expect(pursuit.sent(result) == .look)
        #expect(pursuit.wasAccepted == (result == .accepted))
        #expect(pursuit.looked(Self.mined([Self.first: Self.ours])) == Self.settled(Self.first, Self.ours))
    }

    @Test func `a refused transaction is sent again after a while, as long as its authorization is good`() {
        var pursuit = Self.pursuit()
        _ = pursuit.sent(.refused(reason: "insufficient funds for gas"))
        #expect(pursuit.lastTrouble == "insufficient funds for gas")
        let (action, waits) = Self.lookUntilNoMore(&pursuit)
        #expect(action == .examine(asOf: 0))
        #expect(waits == [.milliseconds(15), .milliseconds(30)])
        #expect(pursuit.examined(Self.known([Self.first: .unused(isExpired: false)])) == .send)
        #expect(pursuit.sent(.accepted) == .look)
        #expect(pursuit.wasAccepted)
    }

    @Test func `an accepted transaction is left alone for longer before it is sent again`() {
        var pursuit = Self.pursuit()
        _ = pursuit.sent(.accepted)
        let (action, waits) = Self.lookUntilNoMore(&pursuit)
        #expect(action == .examine(asOf: 0))
        #expect(waits.count == 11 && waits == waits.sorted() && waits.last == .seconds(1))
    }

    @Test func `a receipt that is not deep enough is waited for, and nothing is sent again`() {
        var pursuit = Self.pursuit()
        _ = pursuit.sent(.accepted)
        for _ in 0..<200 {
            guard case .wait = pursuit.looked(.shallow) else {
                Issue.record("did something about what is mined")
                return
            }
            #expect(pursuit.waited() == .look)
        }
    }

    // MARK: - Stuck

    @Test func `what is not mined in time is replaced, and again`() {
        var pursuit = Self.pursuit()
        _ = pursuit.sent(.accepted)
        for _ in 0..<2 {
            let alive = Self.known([Self.first: .unused(isExpired: false)])
            #expect(Self.examine(&pursuit, alive, for: .seconds(60)) == .replace(isVoid: false))
            #expect(pursuit.replaced(.signed(maxFeePerGas: 120, isVoid: false)) == .send)
            #expect(pursuit.sent(.accepted) == .look)
        }
    }

    @Test func `a base fee over the offer is not waited for`() {
        var pursuit = Self.pursuit()
        _ = pursuit.sent(.accepted)
        _ = Self.lookUntilNoMore(&pursuit)
        let dear = Self.known([Self.first: .unused(isExpired: false)], baseFee: 101)
        #expect(pursuit.examined(dear) == .replace(isVoid: false))
        #expect(pursuit.replaced(.impossible(reason: "over the limit")) == .send)
        #expect(pursuit.lastTrouble == "over the limit")
        _ = pursuit.sent(.accepted)
        _ = Self.lookUntilNoMore(&pursuit)
        #expect(pursuit.examined(dear) == .replace(isVoid: false))
        #expect(pursuit.replaced(.signed(maxFeePerGas: 300, isVoid: false)) == .send)
        _ = pursuit.sent(.accepted)
        _ = Self.lookUntilNoMore(&pursuit)
        #expect(pursuit.examined(dear) == .send)
    }

    @Test func `a node that wants more for the number gets more, after a moment`() {
        var pursuit = Self.pursuit()
        let alive = Self.known([Self.first: .unused(isExpired: false)])
        var sends = 0
        var action = pursuit.sent(.underpriced(reason: "replacement transaction underpriced"))
        while action != .replace(isVoid: false), sends < 100 {
            _ = Self.lookUntilNoMore(&pursuit)
            action = pursuit.examined(alive)
            guard action == .send else { continue }
            sends += 1
            _ = pursuit.sent(.underpriced(reason: "replacement transaction underpriced"))
        }
        #expect((1..<20).contains(sends))
    }

    @Test func `while a lower number is missing a higher fee helps nothing; at last it is used up`() {
        var pursuit = Self.pursuit()
        _ = pursuit.sent(.accepted)
        let behind = Self.known([Self.first: .unused(isExpired: false)], count: 5, baseFee: 500)
        #expect(Self.examine(&pursuit, behind, for: .seconds(1_000)) == .fillGap(5))
        #expect(pursuit.gapFilled() == .send)
    }

    @Test func `a lower number that is missing is used up also where what waits for it cannot be replaced`() {
        var pursuit = Self.pursuit()
        _ = pursuit.sent(.accepted)
        let expired = Self.known([Self.first: .unused(isExpired: true)], count: 5)
        var action = SettlementPursuit.Action.send
        for _ in 0..<100 where action != .fillGap(5) {
            _ = Self.lookUntilNoMore(&pursuit)
            action = pursuit.examined(expired)
            if action == .replace(isVoid: true) { action = pursuit.replaced(.impossible(reason: "gas is over the limit")) }
            if action == .send { _ = pursuit.sent(.accepted) }
        }
        #expect(action == .fillGap(5))
    }

    @Test func `what expires unmined is replaced by nothing, and fails when the number is used up`() {
        var pursuit = Self.pursuit()
        _ = pursuit.sent(.accepted)
        _ = Self.lookUntilNoMore(&pursuit)
        let expired = [Self.first: SettlementPursuit.AuthorizationState.unused(isExpired: true)]
        #expect(pursuit.examined(Self.known(expired)) == .replace(isVoid: true))
        #expect(pursuit.replaced(.signed(maxFeePerGas: 113, isVoid: true)) == .send)
        _ = pursuit.sent(.accepted)
        #expect(pursuit.looked(Self.mined()) == .examine(asOf: 9))
        let end = pursuit.examined(Self.known(expired, count: 8))
        #expect(Self.failure(end) == "invalid_exact_evm_payload_authorization_valid_before")
        #expect(pursuit.concluded() == .finish)
    }

    @Test func `an expired payment does not fail while its transaction may still be mined`() {
        var pursuit = Self.pursuit()
        _ = pursuit.sent(.accepted)
        let expired = Self.known([Self.first: .unused(isExpired: true)])
        _ = Self.lookUntilNoMore(&pursuit)
        #expect(pursuit.examined(expired) == .replace(isVoid: true))
        #expect(pursuit.replaced(.impossible(reason: "the ledger")) == .send)
        for _ in 0..<20 {
            _ = pursuit.sent(.refused(reason: "no gas money"))
            _ = Self.lookUntilNoMore(&pursuit)
            #expect(pursuit.examined(expired) == .replace(isVoid: true))
            #expect(pursuit.replaced(.impossible(reason: "the ledger")) == .send)
        }
        #expect(pursuit.openPayments == [Self.first])
    }

    // MARK: - Others

    @Test func `a number that another transaction used returns the payment`() {
        var pursuit = Self.pursuit()
        #expect(pursuit.sent(.nonceUsed) == .look)
        #expect(Self.lookUntilNoMore(&pursuit).0 == .examine(asOf: 0))
        let end = pursuit.examined(Self.known([Self.first: .unused(isExpired: false)], isNumberUsed: true, count: 8))
        #expect(Self.isReturned(end))
        #expect(pursuit.concluded() == .finish)
    }

    @Test func `somebody else's transfer with the authorization is the payment's, and the number is still used up`() {
        var reverted = Self.pursuit()
        _ = reverted.sent(.accepted)
        #expect(reverted.looked(Self.mined(succeeded: false)) == .examine(asOf: 9))
        let transferred = Self.known([Self.first: .transferred(Self.others)], count: 8)
        #expect(reverted.examined(transferred) == Self.settled(Self.first, Self.others))
        #expect(reverted.concluded() == .finish)

        var missing = Self.pursuit(wasSent: true)
        _ = Self.lookUntilNoMore(&missing)
        #expect(missing.examined(Self.known([Self.first: .transferred(Self.others)])) == Self.settled(Self.first, Self.others))
        #expect(missing.concluded() == .replace(isVoid: true))
        #expect(missing.replaced(.signed(maxFeePerGas: 113, isVoid: true)) == .send)
        _ = missing.sent(.accepted)
        #expect(missing.looked(Self.mined()) == .finish)
    }

    @Test func `cancelled, expired, reverted and silent are ends`() {
        let (used, expired) = ("invalid_exact_evm_nonce_already_used", "invalid_exact_evm_payload_authorization_valid_before")
        let silent = "invalid_exact_evm_transfer_event_mismatch"
        for (succeeded, state, reason) in [
            (false, SettlementPursuit.AuthorizationState.used, used), (false, .unused(isExpired: true), expired),
            (false, .unused(isExpired: false), "transaction_failed"), (true, .unused(isExpired: false), silent),
        ] {
            var pursuit = Self.pursuit()
            _ = pursuit.sent(.accepted)
            _ = pursuit.looked(Self.mined(succeeded: succeeded))
            let end = pursuit.examined(Self.known([Self.first: state], count: 8))
            #expect(Self.failure(end) == reason)
            #expect(pursuit.concluded() == .finish)
        }
    }

    @Test func `a node that does not answer ends nothing`() {
        var pursuit = Self.pursuit()
        _ = pursuit.sent(.unknown(reason: "a"))
        for _ in 0..<50 {
            guard case .wait = pursuit.looked(.unknown(reason: "b")) else {
                Issue.record("ended without an answer")
                return
            }
            #expect(pursuit.waited() == .look)
        }
        #expect(pursuit.lastTrouble == "b")
        #expect(pursuit.looked(Self.mined(succeeded: false)) == .examine(asOf: 9))
        for examination in [
            SettlementPursuit.Examination.unknown(reason: "c"), Self.known([Self.first: .unknown(reason: "c")], count: 8),
            Self.known([:], count: 8),
        ] {
            guard case .wait = pursuit.examined(examination) else {
                Issue.record("ended without an answer")
                return
            }
            #expect(pursuit.waited() == .examine(asOf: 9))
        }
        let transferred = Self.known([Self.first: .transferred(Self.others)], count: 8)
        #expect(pursuit.examined(transferred) == Self.settled(Self.first, Self.others))
    }

    @Test func `what was mined in a block that is gone is pursued further`() {
        var pursuit = Self.pursuit()
        _ = pursuit.sent(.accepted)
        #expect(pursuit.looked(Self.mined(succeeded: false)) == .examine(asOf: 9))
        #expect(pursuit.examined(Self.known([Self.first: .unused(isExpired: false)], count: 7)) == .send)
        #expect(pursuit.sent(.accepted) == .look)
        #expect(pursuit.looked(Self.mined([Self.first: Self.ours])) == Self.settled(Self.first, Self.ours))
    }

    @Test(arguments: [true, false])
    func `a receipt of another fork than the chain that is examined decides nothing`(isDeferred: Bool) {
        var pursuit = Self.pursuit(isDeferred: isDeferred)
        _ = pursuit.sent(.accepted)
        #expect(pursuit.looked(Self.mined(succeeded: false)) == .examine(asOf: 9))
        let elsewhere = Self.known([Self.first: .unused(isExpired: false)], count: 8, hasMinedBlock: false)
        #expect(pursuit.examined(elsewhere) == .send)
        #expect(pursuit.sent(.nonceUsed) == .look)
        // Where the number is used up and that counts, none of the transactions can be mined any more in that chain.
        _ = Self.lookUntilNoMore(&pursuit)
        let usedUp = Self.known([Self.first: .unused(isExpired: false)], isNumberUsed: true, count: 8)
        #expect(Self.isReturned(pursuit.examined(usedUp)))
    }

    // MARK: - Batches

    @Test func `in a batch each payment has its own end`() {
        var pursuit = Self.pursuit([Self.first, Self.second], isDeferred: true)
        _ = pursuit.sent(.accepted)
        #expect(pursuit.looked(Self.mined([Self.first: Self.ours])) == Self.settled(Self.first, Self.ours))
        #expect(pursuit.concluded() == .examine(asOf: 9))
        #expect(Self.isReturned(pursuit.examined(Self.known([Self.second: .unused(isExpired: false)], count: 8))))
        #expect(pursuit.concluded() == .finish)
        #expect(!pursuit.hasReverted)
    }

    @Test func `a batch that reverted returns all that can still be paid`() {
        var pursuit = Self.pursuit([Self.first, Self.second], isDeferred: true)
        _ = pursuit.sent(.accepted)
        #expect(pursuit.looked(Self.mined(succeeded: false)) == .examine(asOf: 9))
        let end = pursuit.examined(
            Self.known([Self.first: .unused(isExpired: false), Self.second: .unused(isExpired: true)], count: 8))
        guard case .conclude(let endings) = end else {
            Issue.record("not concluded")
            return
        }
        #expect(endings.filter(\.isReturn).map(\.payment) == [Self.first])
        #expect(endings.count == 2 && pursuit.hasReverted)
        #expect(pursuit.concluded() == .finish)
    }

    @Test func `a payment that joins is looked for too`() {
        var pursuit = Self.pursuit(wasSent: true)
        pursuit.adopt(SettlementPursuit.Payment(id: Self.second, isDeferred: true))
        pursuit.adopt(SettlementPursuit.Payment(id: Self.second, isDeferred: true))
        #expect(pursuit.openPayments == [Self.first, Self.second])
        _ = pursuit.looked(Self.mined([Self.first: Self.ours, Self.second: Self.others]))
        #expect(pursuit.openPayments.isEmpty)
        #expect(pursuit.concluded() == .finish)
    }
}
