// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments

@testable import TollMethods

/// Every order in which a chain can answer about one transaction.
@Suite struct SettlementPursuitTests {
    private typealias Pursuit = SettlementPursuit

    private static let settlement = Settlement(transaction: "0xours", block: 9, logIndex: 1)
    private static let others = Settlement(transaction: "0xtheirs", block: 8, logIndex: 4)

    private static func pursuit(wasSent: Bool = false) -> SettlementPursuit {
        SettlementPursuit(transaction: "0xours", wasSent: wasSent)
    }

    private static func failure(_ action: SettlementPursuit.Action) -> String? {
        guard case .finish(.failed(let refusal, transaction: "0xours")) = action else { return nil }
        return refusal.reason
    }

    /// Looks until the pursuit does something else than wait; says what, and how long it waited.
    private static func lookUntilNoMore(_ pursuit: inout SettlementPursuit) -> (SettlementPursuit.Action, waits: [Duration]) {
        var waits: [Duration] = []
        while waits.count < 100 {
            let action = pursuit.found(.none)
            guard case .wait(let duration) = action else { return (action, waits) }
            waits.append(duration)
            guard pursuit.waited() == .lookForReceipt else { break }
        }
        return (.send, waits)
    }

    @Test func `sent, mined, settled`() {
        var pursuit = Self.pursuit()
        #expect(pursuit.start() == .send)
        #expect(pursuit.sent(.accepted) == .lookForReceipt)
        #expect(pursuit.wasAccepted)
        #expect(pursuit.found(.none) == .wait(.milliseconds(15)))
        #expect(pursuit.waited() == .lookForReceipt)
        #expect(pursuit.found(.transferred(Self.settlement)) == .finish(.settled(Self.settlement)))
    }

    @Test func `what may have been sent is looked for before it is sent again`() {
        var pursuit = Self.pursuit(wasSent: true)
        #expect(pursuit.start() == .lookForReceipt)
        #expect(pursuit.found(.transferred(Self.settlement)) == .finish(.settled(Self.settlement)))
    }

    @Test(arguments: [
        SettlementPursuit.SendResult.accepted, .nonceUsed, .refused(reason: "underpriced"),
        .refused(reason: "insufficient funds"),
        .unknown(reason: "time is up"),
    ])
    func `whatever came of sending, the receipt decides`(result: SettlementPursuit.SendResult) {
        var pursuit = Self.pursuit()
        #expect(pursuit.sent(result) == .lookForReceipt)
        #expect(pursuit.wasAccepted == (result == .accepted))
        #expect(pursuit.found(.transferred(Self.settlement)) == .finish(.settled(Self.settlement)))
    }

    @Test func `a refused transaction is sent again after a while, as long as its authorization is good`() {
        var pursuit = Self.pursuit()
        _ = pursuit.sent(.refused(reason: "insufficient funds for gas"))
        #expect(pursuit.lastTrouble == "insufficient funds for gas")
        let (action, waits) = Self.lookUntilNoMore(&pursuit)
        #expect(action == .checkAuthorization(asOf: 0))
        #expect(waits == [.milliseconds(15), .milliseconds(30)])
        #expect(pursuit.checked(.unused(isExpired: false)) == .send)
        #expect(pursuit.sent(.accepted) == .lookForReceipt)
        #expect(pursuit.wasAccepted)
    }

    @Test func `an accepted transaction is left alone for longer before it is sent again`() {
        var pursuit = Self.pursuit()
        _ = pursuit.sent(.accepted)
        let (action, waits) = Self.lookUntilNoMore(&pursuit)
        #expect(action == .checkAuthorization(asOf: 0))
        #expect(waits.count == 11 && waits == waits.sorted() && waits.last == .seconds(1))
    }

    @Test func `a number used by another transaction ends when the authorization does`() {
        var pursuit = Self.pursuit()
        for _ in 0..<3 {
            #expect(pursuit.sent(.nonceUsed) == .lookForReceipt)
            let looked = Self.lookUntilNoMore(&pursuit).0
            #expect(looked == .checkAuthorization(asOf: 0))
            #expect(pursuit.checked(.unused(isExpired: false)) == .send)
        }
        _ = pursuit.sent(.nonceUsed)
        _ = Self.lookUntilNoMore(&pursuit)
        let end = pursuit.checked(.unused(isExpired: true))
        #expect(Self.failure(end) == "invalid_exact_evm_payload_authorization_valid_before")
    }

    @Test func `somebody else's transfer with the authorization is the payment's`() {
        var reverted = Self.pursuit()
        _ = reverted.sent(.accepted)
        #expect(reverted.found(.reverted(block: 9)) == .checkAuthorization(asOf: 9))
        #expect(reverted.checked(.transferred(Self.others)) == .finish(.settled(Self.others)))

        var missing = Self.pursuit(wasSent: true)
        _ = Self.lookUntilNoMore(&missing)
        #expect(missing.checked(.transferred(Self.others)) == .finish(.settled(Self.others)))
    }

    @Test func `cancelled, expired, reverted and silent are ends`() {
        let (used, expired) = ("invalid_exact_evm_nonce_already_used", "invalid_exact_evm_payload_authorization_valid_before")
        for (state, reason) in [
            (SettlementPursuit.AuthorizationState.used, used), (.unused(isExpired: true), expired),
            (.unused(isExpired: false), "transaction_failed"),
        ] {
            var pursuit = Self.pursuit()
            _ = pursuit.sent(.accepted)
            _ = pursuit.found(.reverted(block: 9))
            let end = pursuit.checked(state)
            #expect(Self.failure(end) == reason)
        }
        var silent = Self.pursuit()
        _ = silent.sent(.accepted)
        let end = silent.found(.silent)
        #expect(Self.failure(end) == "invalid_exact_evm_transfer_event_mismatch")
    }

    @Test func `a node that does not answer ends nothing`() {
        var pursuit = Self.pursuit()
        _ = pursuit.sent(.unknown(reason: "a"))
        for _ in 0..<50 {
            guard case .wait = pursuit.found(.unknown(reason: "b")) else {
                Issue.record("ended without an answer")
                return
            }
            #expect(pursuit.waited() == .lookForReceipt)
        }
        #expect(pursuit.lastTrouble == "b")
        #expect(pursuit.found(.reverted(block: 12)) == .checkAuthorization(asOf: 12))
        for _ in 0..<50 {
            guard case .wait = pursuit.checked(.unknown(reason: "c")) else {
                Issue.record("ended without an answer")
                return
            }
            #expect(pursuit.waited() == .checkAuthorization(asOf: 12))
        }
        #expect(pursuit.checked(.transferred(Self.others)) == .finish(.settled(Self.others)))
    }
}
