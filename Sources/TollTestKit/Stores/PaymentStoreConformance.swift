// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments

/// A ledger under test: made empty, and opened again as often as a rule wants.
public protocol PaymentStoreHarness: Sendable {
    /// Opens the ledger; after ``close(_:)`` the same one again, with whatever it kept.
    func open() async throws -> any PaymentStore
    /// Closes what ``open()`` gave, as the end of a process would.
    func close(_ store: any PaymentStore) async throws
}

/// What every ledger must do, whatever it is made of. A store that passes can stand under the gateway.
///
/// Each rule runs against an empty ledger and throws a ``Failure`` that says what was expected and what was found.
public struct PaymentStoreConformance: Sendable {
    /// One thing that every ledger must do.
    public enum Rule: String, CaseIterable, Sendable, CustomStringConvertible {
        case firstClaimWins = "the first claim wins and a second changes nothing"
        case spellingMakesNoOtherPayment = "the same key in another case or dialect is the same payment"
        case raceHasOneWinner = "a race of claims has one winner, and all losers see it"
        case heldSaysWho = "a held payment says who holds it and how far it is"
        case releasedIsClaimable = "a released payment is claimed again up to three attempts, then held"
        case raceForReleasedHasOneWinner = "a race for a released payment has one winner"
        case unknownPaymentIsAbsent = "a payment nobody claimed is absent, and events for it are a defect"
        case eventsStandInOrder = "events stand in the order in which they were appended, with their times"
        case recordIsFoldOfEvents = "the record is what its events fold to"
        case illegalEventWritesNothing = "an illegal event writes nothing, nor does the batch it is in"
        case settledIsFinal = "a settled payment cannot fail, be released or be claimed"
        case toldIsToldOnce = "told holds until untold"
        case raceToTellHasOneWinner = "of many who would tell a caller, one may"
        case answerIsKept = "an answer comes back byte for byte"
        case largeAnswerIsKept = "an answer at the cap comes back byte for byte"
        case answerGoesWithItsClaim = "a released answer is gone, and a new claim's answer takes its place"
        case answersArePrunedAfterTheEnd = "only answers of payments that ended before the time given are forgotten"
        case recordsAreChosenAndOrdered = "records are chosen by phase and time, oldest first, up to the limit"
        case payloadIsVerbatim = "a payload keeps its members' order, unknown members, escapes and number texts"
        case extremesSurvive = "the largest numbers and missing parts survive"
        case batchIsAllOrNothing = "events for several payments are written together or not at all"
        case numbersHaveNoGaps = "settlements signed at once take different numbers, without a gap"
        case refusedSigningTakesNoNumber = "a number is taken by the write that uses it, and never below the chain's count"
        case workIsHandedOutOnce = "work is handed out once while its lease lasts, the first to end first"
        case writingAStepIsALease = "whoever has just written a step of a settlement is at work on it"
        case marksMoveForward = "marks move forward only"
        case strangersAreNotDeferred = "only a payer who has paid, and holds what it owes, is served before it pays"
        case raceKeepsExposures = "a race of deferred claims exceeds no exposure"
        case settlingFreesExposure = "what is settled is no exposure any more"
        case unpaidBarsThePayer = "a payer who was served and did not pay is barred until it pays that or as much again"
        case identifierNamesOnePayment = "an identifier names one payment until that fails"
        case latePaymentsLeaveIdentifiers =
            "an identifier stays with the newer payment when an older one that failed settles late"
        case workIsTakenOverFromTheDead = "what a worker left is taken over when its lease ends, and not before"
        case raceToTakeOverHasOneWinner = "of many who would take over what a worker left, one does"
        case creditIsSpentInTheFirstAssetThatSuffices = "one sign-in buys once, in the first asset that suffices"
        case creditIsSpentOnce = "credit is spent once, the oldest debt first"
        case creditAndRefundRaceOnOneRow = "a debt is spent or refunded, never both"
        case depositIsMadeOnce = "of many who note one Transfer one makes the deposit, and it stands settled and owed"
        case depositBuysForItsReferenceOnly = "what was deposited for a reference buys its call, once, and nobody else's"
        case depositIsThePayersCredit = "what is left of a deposit is its payer's credit"
        case depositsAreFoundByReference = "deposits are found by the reference they are for"
        case vanishedDepositBuysNothing = "a deposit that has vanished buys nothing until it is back"
        case agreesWithTheModel = "random traffic gives what the ledger in memory gives"
        case nothingIsLostByReopening = "nothing is lost by closing and opening again"

        /// The rule in words.
        public var description: String { self.rawValue }
    }

    /// A rule that a store broke.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// What was expected and what was found.
        public let description: String
    }

    let makeHarness: @Sendable () throws -> any PaymentStoreHarness

    /// Rules run against ledgers that `makeHarness` makes, a new and empty one for each rule.
    public init(_ makeHarness: @escaping @Sendable () throws -> any PaymentStoreHarness) {
        self.makeHarness = makeHarness
    }

    /// Runs every rule but those excluded; each exclusion costs a written reason.
    public func run(excluding reasons: [Rule: String] = [:]) async throws {
        for rule in Rule.allCases where reasons[rule] == nil { try await self.run(rule) }
    }

    /// Runs one rule.
    public func run(_ rule: Rule) async throws {
        let harness = try self.makeHarness()
        let store = try await harness.open()
        if rule == .nothingIsLostByReopening { return try await Self.nothingIsLostByReopening(harness, store) }
        do { try await Self.run(rule, store) } catch {
            try await harness.close(store)
            throw error
        }
        try await harness.close(store)
    }

    private static func run(_ rule: Rule, _ store: any PaymentStore) async throws {
        switch rule {
        case .firstClaimWins: try await self.firstClaimWins(store)
        case .spellingMakesNoOtherPayment: try await self.spellingMakesNoOtherPayment(store)
        case .raceHasOneWinner: try await self.raceHasOneWinner(store)
        case .heldSaysWho: try await self.heldSaysWho(store)
        case .releasedIsClaimable: try await self.releasedIsClaimable(store)
        case .raceForReleasedHasOneWinner: try await self.raceForReleasedHasOneWinner(store)
        case .unknownPaymentIsAbsent: try await self.unknownPaymentIsAbsent(store)
        case .eventsStandInOrder: try await self.eventsStandInOrder(store)
        case .recordIsFoldOfEvents: try await self.recordIsFoldOfEvents(store)
        case .illegalEventWritesNothing: try await self.illegalEventWritesNothing(store)
        case .settledIsFinal: try await self.settledIsFinal(store)
        case .toldIsToldOnce: try await self.toldIsToldOnce(store)
        case .raceToTellHasOneWinner: try await self.raceToTellHasOneWinner(store)
        case .answerIsKept: try await self.answerIsKept(store)
        case .largeAnswerIsKept: try await self.largeAnswerIsKept(store)
        case .answerGoesWithItsClaim: try await self.answerGoesWithItsClaim(store)
        case .answersArePrunedAfterTheEnd: try await self.answersArePrunedAfterTheEnd(store)
        case .recordsAreChosenAndOrdered: try await self.recordsAreChosenAndOrdered(store)
        case .payloadIsVerbatim: try await self.payloadIsVerbatim(store)
        case .extremesSurvive: try await self.extremesSurvive(store)
        case .batchIsAllOrNothing: try await self.batchIsAllOrNothing(store)
        case .numbersHaveNoGaps: try await self.numbersHaveNoGaps(store)
        case .refusedSigningTakesNoNumber: try await self.refusedSigningTakesNoNumber(store)
        case .workIsHandedOutOnce: try await self.workIsHandedOutOnce(store)
        case .writingAStepIsALease: try await self.writingAStepIsALease(store)
        case .marksMoveForward: try await self.marksMoveForward(store)
        case .strangersAreNotDeferred: try await self.strangersAreNotDeferred(store)
        case .raceKeepsExposures: try await self.raceKeepsExposures(store)
        case .settlingFreesExposure: try await self.settlingFreesExposure(store)
        case .unpaidBarsThePayer: try await self.unpaidBarsThePayer(store)
        case .identifierNamesOnePayment: try await self.identifierNamesOnePayment(store)
        case .latePaymentsLeaveIdentifiers: try await self.latePaymentsLeaveIdentifiers(store)
        case .workIsTakenOverFromTheDead: try await self.workIsTakenOverFromTheDead(store)
        case .raceToTakeOverHasOneWinner: try await self.raceToTakeOverHasOneWinner(store)
        case .creditIsSpentInTheFirstAssetThatSuffices: try await self.creditIsSpentInTheFirstAssetThatSuffices(store)
        case .creditIsSpentOnce: try await self.creditIsSpentOnce(store)
        case .creditAndRefundRaceOnOneRow: try await self.creditAndRefundRaceOnOneRow(store)
        case .depositIsMadeOnce: try await self.depositIsMadeOnce(store)
        case .depositBuysForItsReferenceOnly: try await self.depositBuysForItsReferenceOnly(store)
        case .depositIsThePayersCredit: try await self.depositIsThePayersCredit(store)
        case .depositsAreFoundByReference: try await self.depositsAreFoundByReference(store)
        case .vanishedDepositBuysNothing: try await self.vanishedDepositBuysNothing(store)
        case .agreesWithTheModel: try await self.agreesWithTheModel(store)
        case .nothingIsLostByReopening: break  // Needs the harness; run before.
        }
    }
}

extension PaymentStoreConformance {
    /// Throws unless `found` is `expected`.
    static func expect<Value: Equatable>(_ found: Value, is expected: Value, _ what: String) throws(Failure) {
        guard found == expected else { throw Failure(description: "\(what): expected \(expected), found \(found)") }
    }

    /// Throws unless `condition` holds.
    static func expect(_ condition: Bool, _ what: String) throws(Failure) {
        guard condition else { throw Failure(description: "not so: \(what)") }
    }

    /// Gives the value, or throws when there is none.
    static func unwrap<Value>(_ value: Value?, _ what: String) throws(Failure) -> Value {
        guard let value else { throw Failure(description: "\(what) is missing") }
        return value
    }

    /// Claims and gives the record; throws when the payment is held.
    static func claimFirst(_ store: any PaymentStore, _ claim: Claim, at time: Int64 = 100) async throws -> PaymentRecord {
        guard case .first(let record) = try await store.claim(claim, at: time) else {
            throw Failure(description: "the claim of payment \(claim.id) did not win")
        }
        return record
    }

    /// Claims and gives the holder's record; throws when the claim wins.
    static func claimHeld(_ store: any PaymentStore, _ claim: Claim, at time: Int64 = 100) async throws -> PaymentRecord {
        guard case .held(let record) = try await store.claim(claim, at: time) else {
            throw Failure(description: "a second claim of payment \(claim.id) won")
        }
        return record
    }

    /// Throws unless appending `events` is refused as a defect and leaves the payment as it was.
    static func expectDefect(_ store: any PaymentStore, _ events: [PaymentEvent], _ id: PaymentID) async throws {
        let before = (try await store.record(id), try await store.events(id), try await store.answer(id))
        let names = events.map(\.name).joined(separator: ", ")
        do throws(StoreError) {
            try await store.append(events, to: id, at: 999)
        } catch {
            try self.expect(error.isDefect, "\(names) is refused as a defect: \(error.reason)")
            try self.expect(try await store.record(id), is: before.0, "the record after a refused \(names)")
            try self.expect(try await store.events(id), is: before.1, "the events after a refused \(names)")
            try self.expect(try await store.answer(id), is: before.2, "the answer after a refused \(names)")
            return
        }
        throw Failure(description: "\(names) was appended to \(String(describing: before.0?.phase))")
    }
}
