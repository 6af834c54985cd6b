// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments
internal import TollPrimitives

/// What every ledger must do with the secrets that its gateways share, whatever it is made of. Like ``PaymentStoreConformance``.
public struct SecretStoreConformance: Sendable {
    /// A ledger that keeps secrets.
    public typealias Store = any PaymentStore & SecretStore

    /// One thing that every such ledger must do.
    public enum Rule: String, CaseIterable, Sendable, CustomStringConvertible {
        case firstIsKept = "the first value of a name is kept, and a later one changes nothing"
        case namesAreApart = "names have values of their own, and every byte of them is kept"
        case raceHasOneValue = "of many who ask at once all get the same"

        /// The rule in words.
        public var description: String { self.rawValue }
    }

    /// Runs one rule against an empty ledger that `stores` have open, each for itself.
    public static func run(_ rule: Rule, _ stores: [Store]) async throws {
        switch rule {
        case .firstIsKept: try await self.firstIsKept(stores)
        case .namesAreApart: try await self.namesAreApart(stores)
        case .raceHasOneValue: try await self.raceHasOneValue(stores)
        }
    }

    /// What `store` says the secret is, when it is offered `fresh`.
    public static func ask(_ store: Store, _ name: String, orElse fresh: [UInt8]) async throws -> [UInt8] {
        try await store.secret(name, orElse: Secret(fresh)).withExposed { copy $0 }
    }

    private static func firstIsKept(_ stores: [Store]) async throws {
        for (index, store) in (stores + stores).enumerated() {
            let found = try await self.ask(store, "passes", orElse: [UInt8](repeating: UInt8(index + 1), count: 32))
            let first = [UInt8](repeating: 1, count: 32)
            try PaymentStoreConformance.expect(found, is: first, "the secret, asked \(index + 1) times")
        }
    }

    private static func namesAreApart(_ stores: [Store]) async throws {
        let every = [UInt8](UInt8.min...UInt8.max)
        for (name, value) in [("a", every), ("b", []), ("A", [0])] {
            for store in stores {
                let found = try await self.ask(store, name, orElse: value)
                try PaymentStoreConformance.expect(found, is: value, "the secret \(name)")
            }
        }
    }

    private static func raceHasOneValue(_ stores: [Store]) async throws {
        let found = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for number in UInt8(0)..<24 {
                let store = stores[Int(number) % stores.count]
                group.addTask { try await self.ask(store, "passes", orElse: [UInt8](repeating: number, count: 32)) }
            }
            return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
        }
        try PaymentStoreConformance.expect(found.count, is: 1, "different secrets of one name")
    }
}
