// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
public import TollPrimitives

/// What every ledger must do with references, whatever it is made of. Like ``PaymentStoreConformance``.
public struct ReferenceStoreConformance: Sendable {
    /// A ledger that keeps references.
    public typealias Store = any PaymentStore & ReferenceStore

    /// One thing that every such ledger must do.
    public enum Rule: String, CaseIterable, Sendable, CustomStringConvertible {
        case isKeptAsOpened = "a reference is kept as it was opened, and opened once"
        case amountsAreUnique = "at one place no two references that are bound by their amounts ask the same"
        case amountsGoRound = "amounts begin where they are told to and go round"
        case amountsStayTaken = "an amount stays taken until a day after the end, paid or not, and then comes free"
        case noneIsFree = "when all amounts are taken none is given, and the last free one is found"
        case signaturesKeepTheirPrice = "a reference that is bound by a signature asks the price, unless that is another's amount"
        case openOnesAreBounded = "no more are open than may be"
        case seriesNeverRepeat = "no number of a series is given twice"
        case isFoundByAddressAndAmount =
            "what was sent is known by its address or amount, however spelt, until a day after the end"
        case recipientsAreListed = "the addresses of references are listed, each once, until a day after the end"
        case pruningKeepsThePaid = "what ended and was not paid is forgotten"

        /// The rule in words.
        public var description: String { self.rawValue }
    }

    /// Runs one rule against an empty ledger that `stores` have open, each for itself.
    public static func run(_ rule: Rule, _ stores: [Store]) async throws {
        switch rule {
        case .isKeptAsOpened: try await self.isKeptAsOpened(stores)
        case .amountsAreUnique: try await self.amountsAreUnique(stores)
        case .amountsGoRound: try await self.amountsGoRound(stores[0])
        case .amountsStayTaken: try await self.amountsStayTaken(stores)
        case .noneIsFree: try await self.noneIsFree(stores)
        case .signaturesKeepTheirPrice: try await self.signaturesKeepTheirPrice(stores)
        case .openOnesAreBounded: try await self.openOnesAreBounded(stores)
        case .seriesNeverRepeat: try await self.seriesNeverRepeat(stores)
        case .isFoundByAddressAndAmount: try await self.isFoundByAddressAndAmount(stores)
        case .recipientsAreListed: try await self.recipientsAreListed(stores)
        case .pruningKeepsThePaid: try await self.pruningKeepsThePaid(stores)
        }
    }

    /// Fills every amount over `price` but those in `gaps` (units over the price), with references that end at 1,600.
    public static func fill(_ store: Store, price: UInt256, leaving gaps: Set<UInt64>) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for unit in 1...PaymentReference.extraMax where !gaps.contains(unit) {
                guard let amount = price.adding(UInt256(unit)) else { continue }
                // However bound: so many that are bound by their amounts would wait for each other.
                let reference = SamplePayment.reference(100_000 + Int(unit), binding: .signature, price: amount)
                group.addTask { _ = try await store.open(reference, startingAt: 0, limit: .max, at: 1_000) }
            }
            try await group.waitForAll()
        }
    }

    /// Opens where all amounts over 1,000 are taken until 1,600 but those in `gaps`: finds these, then none.
    public static func findsGaps(_ stores: [Store], _ gaps: Set<UInt64>) async throws {
        var found: Set<UInt256> = []
        for number in 0..<gaps.count {
            let opened = try await self.open(
                stores[number % stores.count], SamplePayment.reference(number, expires: 1_601), startingAt: UInt64(number) * 777)
            found.insert(opened.option.amount)
        }
        try self.expect(found, is: Set(gaps.map { UInt256(1_000 + $0) }), "the amounts that were free")
        let last = Int64(1_599 + PaymentReference.graceSeconds)
        for time in [1_002, last] {
            for store in stores {
                let outcome = try await store.open(
                    SamplePayment.reference(90, expires: 400_000), startingAt: 5, limit: .max, at: time)
                try self.expect(outcome, is: .noAmountFree, "the outcome when all are taken, at \(time)")
            }
        }
        let freed = try await self.open(stores[0], SamplePayment.reference(91, expires: 400_000), startingAt: 5, at: last + 1)
        try self.expect(freed.option.amount, is: 1_006, "the amount after a day")
    }

    private static func expect<Value: Equatable>(_ found: Value, is expected: Value, _ what: String) throws {
        try PaymentStoreConformance.expect(found, is: expected, what)
    }

    private static func open(
        _ store: Store, _ reference: PaymentReference, startingAt start: UInt64 = 0, limit: Int = .max, at time: Int64 = 1_000
    ) async throws -> PaymentReference {
        let outcome = try await store.open(reference, startingAt: start, limit: limit, at: time)
        guard case .opened(let opened) = outcome else {
            throw PaymentStoreConformance.Failure(description: "opening a reference came to \(outcome)")
        }
        return opened
    }

    private static func isKeptAsOpened(_ stores: [Store]) async throws {
        let bindings: [ReferenceBinding] = [
            .signature, .amount, .address(series: "xpub…/0", index: PaymentReference.addressIndexMax),
        ]
        for (number, binding) in bindings.enumerated() {
            let reference = SamplePayment.reference(number, binding: binding, price: 7_000, expires: .max / 2)
            let opened = try await self.open(stores[0], reference, startingAt: 41)
            try self.expect(opened, is: binding == .amount ? reference.asking(7_042) : reference, "what was opened")
            for store in stores {
                try self.expect(try await store.reference(reference.hash), is: opened, "the reference that is kept")
            }
            do throws(StoreError) {
                _ = try await stores[0].open(reference, startingAt: 0, limit: .max, at: 1_001)
                throw StoreError.unavailable("it was opened again")
            } catch {
                try self.expect(error.isDefect, is: true, "opening the same again is refused: \(error.reason)")
            }
            try self.expect(try await stores[0].reference(reference.hash), is: opened, "the reference after that")
        }
        let none = try await stores[0].reference(SamplePayment.referenceHash(99))
        try self.expect(none, is: nil, "a reference that nobody opened")
    }

    private static func amountsAreUnique(_ stores: [Store]) async throws {
        let amounts = try await withThrowingTaskGroup(of: UInt256.self) { group in
            for number in 0..<60 {
                // Three prices whose amounts overlap, and the recipient in two spellings.
                let payTo = number.isMultiple(of: 2) ? SamplePayment.recipient : SamplePayment.recipient.lowercased()
                let reference = SamplePayment.reference(number, price: UInt256(1_000 + 5 * UInt64(number % 3)), payTo: payTo)
                group.addTask { try await self.open(stores[number % stores.count], reference).option.amount }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try self.expect(Set(amounts).count, is: 60, "different amounts of 60 references")
        try self.expect(amounts.allSatisfy { (1_001...1_071).contains($0) }, is: true, "they are the first: \(amounts.sorted())")
        // Elsewhere the same amounts are free.
        for (number, reference) in [
            SamplePayment.reference(100, asset: SamplePayment.otherAsset),
            SamplePayment.reference(101, payTo: SamplePayment.payer),
        ].enumerated() {
            let opened = try await self.open(stores[number % stores.count], reference)
            try self.expect(opened.option.amount, is: 1_001, "the first amount at another place")
        }
    }

    private static func amountsGoRound(_ store: Store) async throws {
        var found: [UInt256] = []
        for (number, start) in [PaymentReference.extraMax - 1, PaymentReference.extraMax - 1, .max, 2].enumerated() {
            found.append(try await self.open(store, SamplePayment.reference(number), startingAt: start).option.amount)
        }
        let rest = UInt64.max % PaymentReference.extraMax
        try self.expect(found, is: [10_999, 1_001, UInt256(1_001 + rest), 1_003], "the amounts")
        let outcome = try await store.open(SamplePayment.reference(9, price: .max), startingAt: 0, limit: .max, at: 1_000)
        try self.expect(outcome, is: .noAmountFree, "an amount over all numbers")
    }

    private static func amountsStayTaken(_ stores: [Store]) async throws {
        let (unpaid, paid) = (SamplePayment.reference(1), SamplePayment.reference(2))
        _ = try await self.open(stores[0], unpaid)
        let taken = try await self.open(stores[0], paid)
        _ = try await stores[0].deposit(
            SamplePayment.deposit(1, for: taken.hash, amount: taken.option.amount), SamplePayment.settlement(1), reason: "x",
            at: 1_010)
        let end = 1_600 + PaymentReference.graceSeconds
        for store in stores {
            let opened = try await self.open(store, SamplePayment.reference(10, expires: end + 100), at: end - 1)
            try self.expect(opened.option.amount, is: 1_003, "the amount a second before a day is over")
            break
        }
        for (number, amount) in [1_001, 1_002, 1_004].enumerated() {
            let reference = SamplePayment.reference(20 + number, expires: end + 100)
            let opened = try await self.open(stores[number % stores.count], reference, at: end)
            try self.expect(opened.option.amount, is: UInt256(UInt64(amount)), "the amounts when it is over")
        }
    }

    private static func noneIsFree(_ stores: [Store]) async throws {
        try await self.fill(stores[0], price: 1_000, leaving: [7_000, 20])
        try await self.findsGaps(stores, [7_000, 20])
    }

    private static func signaturesKeepTheirPrice(_ stores: [Store]) async throws {
        for number in 0..<3 {
            let opened = try await self.open(
                stores[number % stores.count], SamplePayment.reference(number, binding: .signature, price: 1_002), startingAt: 4)
            try self.expect(opened.option.amount, is: 1_002, "the price of one that is bound by a signature")
        }
        let first = try await self.open(stores[0], SamplePayment.reference(10))
        let second = try await self.open(stores[0], SamplePayment.reference(11))
        try self.expect([first, second].map(\.option.amount), is: [1_001, 1_003], "amounts that nothing else is sent as")
        let moved = try await self.open(
            stores[0], SamplePayment.reference(12, binding: .signature, price: 1_001), startingAt: 1)
        try self.expect(moved.option.amount, is: 1_004, "the price where it is another's amount")
        let shared = try await self.open(
            stores[0], SamplePayment.reference(13, binding: .signature, price: 1_001), startingAt: 1)
        try self.expect(shared.option.amount, is: 1_004, "the same again")
    }

    private static func openOnesAreBounded(_ stores: [Store]) async throws {
        let bindings: [ReferenceBinding] = [.signature, .amount, .address(series: "x", index: 0)]
        for number in 0..<3 {
            let reference = SamplePayment.reference(number, binding: bindings[number], expires: 1_600 + Int64(number))
            _ = try await self.open(stores[0], reference, limit: 3, at: 1_000)
        }
        for store in stores {
            for binding in bindings {
                let outcome = try await store.open(
                    SamplePayment.reference(50, binding: binding), startingAt: 0, limit: 3, at: 1_001)
                try self.expect(outcome, is: .full, "what opening over the limit comes to")
            }
        }
        let none = try await stores[0].open(SamplePayment.reference(51), startingAt: 0, limit: 0, at: 1_002)
        try self.expect(none, is: .full, "a limit of none")
        _ = try await self.open(stores[0], SamplePayment.reference(4, expires: 2_000), limit: 3, at: 1_600)
        let again = try await stores[0].open(SamplePayment.reference(5), startingAt: 0, limit: 3, at: 1_600)
        try self.expect(again, is: .full, "what follows when one has ended")
    }

    private static func seriesNeverRepeat(_ stores: [Store]) async throws {
        for series in ["xpub-a", "xpub-b"] {
            let numbers = try await withThrowingTaskGroup(of: UInt32.self) { group in
                for number in 0..<30 {
                    group.addTask { try await stores[number % stores.count].nextAddressIndex(in: series) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            try self.expect(numbers.sorted(), is: Array(0..<30), "the numbers of \(series)")
        }
    }

    private static func isFoundByAddressAndAmount(_ stores: [Store]) async throws {
        let own = "0x00000000000000000000000000000000000000Ab"
        let address = SamplePayment.reference(1, binding: .address(series: "x", index: 0), payTo: own)
        _ = try await self.open(stores[0], address)
        let amount = try await self.open(stores[0], SamplePayment.reference(2))
        _ = try await self.open(stores[0], SamplePayment.reference(3, binding: .signature, price: 5_000))
        let (token, network) = (SamplePayment.asset.address, SamplePayment.asset.network)
        let last = 1_599 + PaymentReference.graceSeconds
        func find(_ units: UInt256, _ asset: String, _ recipient: String, at time: Int64) async throws -> [Bytes32?] {
            var found: [Bytes32?] = []
            for store in stores {
                found.append(
                    try await store.reference(paidBy: units, of: asset, to: recipient, on: network, at: time)?.hash)
            }
            return found
        }
        for spelling in [String.lowercased, { $0.uppercased }] as [(String) -> () -> String] {
            for time in [1_000, last] {
                let found = try await find(1_001, spelling(token)(), spelling(SamplePayment.recipient)(), at: time)
                try self.expect(found, is: stores.map { _ in amount.hash }, "by its amount at \(time)")
                let bound = try await find(3, "0x0", spelling(own)(), at: time)
                try self.expect(bound, is: stores.map { _ in address.hash }, "by its address at \(time), whatever was sent")
            }
        }
        for (units, asset, recipient, time) in [
            (1_002, token, SamplePayment.recipient, 1_000),
            (1_001, SamplePayment.otherAsset.address, SamplePayment.recipient, 1_000),
            (1_001, token, SamplePayment.payer, 1_000), (1_001, token, SamplePayment.recipient, last + 1),
            (1_000, token, own, last + 1), (5_000, token, SamplePayment.recipient, 1_000),
        ] as [(UInt256, String, String, Int64)] {
            let found = try await find(units, asset, recipient, at: time)
            try self.expect(found, is: stores.map { _ in nil }, "\(units) of \(asset) to \(recipient) at \(time)")
        }
        let elsewhere = try await stores[0].reference(
            paidBy: 1_001, of: token, to: SamplePayment.recipient, on: ChainID(eip155: 1), at: 1_000)
        try self.expect(elsewhere, is: nil, "the same on another network")
    }

    private static func recipientsAreListed(_ stores: [Store]) async throws {
        let network = SamplePayment.asset.network
        for (number, digit) in ["C", "a", "b"].enumerated() {
            let payTo = "0x00000000000000000000000000000000000000A\(digit)"
            let reference = SamplePayment.reference(
                number, binding: .address(series: "x", index: UInt32(number)), payTo: payTo, expires: 1_600 + Int64(number))
            _ = try await self.open(stores[0], reference)
        }
        // In another token too: each address is listed once. One that is bound by its amount is listed as well; one that its
        // sender has to sign for is not.
        _ = try await self.open(
            stores[0],
            SamplePayment.reference(
                10, binding: .address(series: "x", index: 2), asset: SamplePayment.otherAsset,
                payTo: "0x00000000000000000000000000000000000000AB", expires: 1_602))
        _ = try await self.open(
            stores[0], SamplePayment.reference(11, payTo: "0x00000000000000000000000000000000000000AB", expires: 1_602))
        _ = try await self.open(
            stores[0],
            SamplePayment.reference(
                12, binding: .signature, payTo: "0x00000000000000000000000000000000000000AD", expires: 1_602))
        let all = ["a", "b", "c"].map { "0x00000000000000000000000000000000000000a\($0)" }
        let last = 1_599 + PaymentReference.graceSeconds
        for store in stores {
            try self.expect(try await store.boundRecipients(on: network, at: last), is: all, "the addresses")
            try self.expect(try await store.boundRecipients(on: network, at: last + 1), is: Array(all.prefix(2)), "one less")
            try self.expect(try await store.boundRecipients(on: network, at: last + 3), is: [], "those after a day")
            try self.expect(try await store.boundRecipients(on: ChainID(eip155: 1), at: 0), is: [], "those elsewhere")
            // The one that was opened first ends first, too; the second and the last but one end together.
            for (time, number) in [(last, 0), (last + 1, 1), (last + 2, 2), (last + 3, nil)] as [(Int64, Int?)] {
                try self.expect(
                    try await store.oldestBound(on: network, at: time)?.head, is: number.map { 4_000 + UInt64($0) }, "the oldest")
            }
            try self.expect(try await store.oldestBound(on: ChainID(eip155: 1), at: 0), is: nil, "one elsewhere")
        }
    }

    private static func pruningKeepsThePaid(_ stores: [Store]) async throws {
        for number in 0..<600 {
            let reference = SamplePayment.reference(number, binding: .signature, expires: 1_600 + Int64(number % 2))
            _ = try await self.open(stores[0], reference)
        }
        for number in [0, 1] {
            let claim = SamplePayment.deposit(number, for: SamplePayment.referenceHash(number))
            _ = try await stores[0].deposit(claim, SamplePayment.settlement(number), reason: "x", at: 1_100)
        }
        let last = stores.count - 1
        try self.expect(try await stores[last].pruneReferences(endedBefore: 1_600), is: 0, "forgotten before the end")
        try self.expect(try await stores[last].pruneReferences(endedBefore: 1_601), is: 299, "forgotten of the first")
        try self.expect(try await stores[last].pruneReferences(endedBefore: .max), is: 299, "forgotten of the rest")
        for (number, isThere) in [(0, true), (1, true), (2, false), (3, false)] {
            let found = try await stores[last].reference(SamplePayment.referenceHash(number))
            try self.expect(found != nil, is: isThere, "whether reference \(number) is there")
        }
    }
}
