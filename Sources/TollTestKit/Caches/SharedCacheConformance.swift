// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPayments

/// A cache under test, and how its time passes.
public protocol SharedCacheHarness: Sendable {
    /// An empty cache.
    func open() async throws -> any SharedCache
    /// Lets so many seconds pass.
    func pass(seconds: Int) async throws
}

/// What every cache must do that answers.
public struct SharedCacheConformance: Sendable {
    /// One thing that every cache must do.
    public enum Rule: String, CaseIterable, Sendable, CustomStringConvertible {
        case valuesComeBack = "a value comes back byte for byte, and a key nobody wrote has none"
        case largeValuesComeBack = "a value of a megabyte comes back"
        case valuesExpire = "a value is gone when its time is up"
        case countsAreOfTheWindow = "events are counted in their window, each key for itself"
        case nothingIsCountedTwice = "of many events at once each is counted once"

        /// The rule in words.
        public var description: String { self.rawValue }
    }

    /// A rule that a cache broke.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// What was expected and what was found.
        public let description: String
    }

    private let makeHarness: @Sendable () async throws -> any SharedCacheHarness

    /// Rules run against caches that `makeHarness` makes.
    public init(_ makeHarness: @escaping @Sendable () async throws -> any SharedCacheHarness) {
        self.makeHarness = makeHarness
    }

    /// Runs one rule.
    public func run(_ rule: Rule) async throws {
        let harness = try await self.makeHarness()
        let cache = try await harness.open()
        switch rule {
        case .valuesComeBack:
            let values: [[UInt8]] = [[], [0], Array("\r\n$-1\r\n".utf8), Array(0...255)]
            for (number, value) in values.enumerated() {
                await cache.setValue(value, for: "key \(number)\r\n", seconds: 60)
                try self.expect(await cache.value(for: "key \(number)\r\n"), is: value, "value \(number)")
            }
            try self.expect(await cache.value(for: "nobody's"), is: nil, "the value of a key nobody wrote")
        case .largeValuesComeBack:
            let value = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            await cache.setValue(value, for: "large", seconds: 60)
            try self.expect(await cache.value(for: "large"), is: value, "the large value")
        case .valuesExpire:
            await cache.setValue([1], for: "short", seconds: 1)
            await cache.setValue([2], for: "long", seconds: 60)
            try self.expect(await cache.value(for: "short"), is: [1], "the value in its time")
            try await harness.pass(seconds: 2)
            try self.expect(await cache.value(for: "short"), is: nil, "the value after its time")
            try self.expect(await cache.value(for: "long"), is: [2], "the value that is kept for longer")
        case .countsAreOfTheWindow:
            for number in 1...3 { try self.expect(await cache.count("a", window: 2), is: number, "the count") }
            try self.expect(await cache.count("b", window: 2), is: 1, "the count of another key")
            try self.expect(await cache.count("a", window: 3_600), is: 1, "the count of another window")
            try await harness.pass(seconds: 2)
            try self.expect(await cache.count("a", window: 2), is: 1, "the count in the next window")
        case .nothingIsCountedTwice:
            let counts = await withTaskGroup(of: Int.self) { group in
                for _ in 0..<100 { group.addTask { await cache.count("raced", window: 3_600) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            try self.expect(counts.sorted(), is: Array(1...100), "the counts")
        }
    }

    private func expect<Value: Equatable>(_ found: Value, is expected: Value, _ what: String) throws(Failure) {
        guard found == expected else { throw Failure(description: "\(what): expected \(expected), found \(found)") }
    }
}
