// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// Many calls in one, all on the same state (source: github.com/mds1/multicall, `Multicall3`).
public enum Multicall3 {
    /// The contract, at one address on nearly every chain.
    public static let address = Address(hex: "0xcA11bde05977b3631167028862bE2a173976CA11")!

    /// One of the calls.
    public struct Call: Hashable, Sendable {
        /// The contract.
        public let target: Address
        /// Calldata.
        public let data: [UInt8]
        /// Whether the others count when this one fails; ``aggregate3(_:)`` only.
        public let mayFail: Bool

        /// A call of these members.
        public init(target: Address, data: [UInt8], mayFail: Bool = true) {
            self.target = target
            self.data = data
            self.mayFail = mayFail
        }
    }

    /// What became of one of the calls.
    public struct Outcome: Hashable, Sendable {
        /// Whether it ran to its end. A call to an account without code does.
        public let succeeded: Bool
        /// What it returned, or reverted with.
        public let returned: [UInt8]

        /// An outcome of these members.
        public init(succeeded: Bool, returned: [UInt8]) {
            self.succeeded = succeeded
            self.returned = returned
        }
    }

    /// Calldata of `tryAggregate(requireSuccess, calls)`: all in order, whatever fails unless success is required.
    public static func tryAggregate(requireSuccess: Bool = false, _ calls: [Call]) -> [UInt8] {
        let calls = calls.map { ABI.Value.tuple([.address($0.target), .bytes($0.data)]) }
        return ABI.encodeCall(tryAggregateSelector, [.bool(requireSuccess), .array(calls)])
    }

    /// Calldata of `aggregate3(calls)`: all in order; one that may not fail reverts the whole.
    public static func aggregate3(_ calls: [Call]) -> [UInt8] {
        let calls = calls.map { ABI.Value.tuple([.address($0.target), .bool($0.mayFail), .bytes($0.data)]) }
        return ABI.encodeCall(aggregate3Selector, [.array(calls)])
    }

    /// What either returned for `count` calls; nil when it is nothing of the kind, as where the contract is missing.
    public static func outcomes(returned data: [UInt8], count: Int) -> [Outcome]? {
        guard let elements = (try? ABI.decode([.array(.tuple([.word, .bytes]))], from: data))?[0].elements,
            elements.count == count
        else { return nil }
        let outcomes = elements.compactMap { element -> Outcome? in
            guard let members = element.elements, let succeeded = members[0].bool, let returned = members[1].bytes else {
                return nil
            }
            return Outcome(succeeded: succeeded, returned: returned)
        }
        return outcomes.count == count ? outcomes : nil
    }

    static let tryAggregateSelector = ABI.selector("tryAggregate(bool,(address,bytes)[])")
    static let aggregate3Selector = ABI.selector("aggregate3((address,bool,bytes)[])")
}
