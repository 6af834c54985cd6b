// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollEVM
internal import TollPrimitives
internal import TollRuntime

/// What gas costs on a chain, asked at most every few seconds.
final class FeeOracle: Sendable {
    /// What a transaction offers, in wei per gas.
    struct Quote: Hashable, Sendable {
        let maxFeePerGas: UInt256
        let maxPriorityFeePerGas: UInt256

        /// Nodes take another transaction under a number only when it offers a tenth more in both; an eighth is over that with
        /// every rounding.
        func replacing(_ held: Quote) -> Quote {
            func dearer(_ fee: UInt256) -> UInt256 {
                let eighth = fee.quotientAndRemainder(dividingBy: 8).quotient.adding(1) ?? .max
                return fee.adding(eighth) ?? .max
            }
            return Quote(
                maxFeePerGas: max(self.maxFeePerGas, dearer(held.maxFeePerGas)),
                maxPriorityFeePerGas: max(self.maxPriorityFeePerGas, dearer(held.maxPriorityFeePerGas))
            )
        }
    }

    /// The base fee moves by at most an eighth per block, and twice of it is offered: a few seconds' age does no harm.
    private static let age: Duration = .seconds(5)

    private let client: EVMClient
    /// The most that is offered, in wei per gas.
    private let limit: UInt256
    /// Where that limit is set, as people are told.
    private let setting: String
    private let environment: Environment
    private let last = Mutex<(quote: Quote, at: Duration)?>(nil)

    init(client: EVMClient, limit: UInt256, setting: String = "gas.max_fee_gwei", environment: Environment) {
        self.client = client
        self.limit = limit
        self.setting = setting
        self.environment = environment
    }

    /// Twice the newest base fee and the tip that the node thinks is enough, or the limit when that is less and still over the
    /// base fee. Unavailable while gas is dearer than the limit: it will be cheaper.
    func quote() async throws(RPCError) -> Quote {
        let now = self.environment.monotonic()
        if let last = self.last.withLock({ $0 }), now - last.at < Self.age { return last.quote }
        let (block, tip) = await self.client.ask(.block(.latest), .maxPriorityFeePerGas)
        guard let base = try block.get()?.baseFeePerGas, let priority = try? tip.get(), let least = base.adding(priority),
            let sum = base.multiplied(by: 2)?.adding(priority)
        else { throw .unavailable(reason: "the node tells no base fee or tip", mayHaveBeenDelivered: false) }
        guard least <= self.limit else {
            throw .unavailable(
                reason: "gas costs \(least) wei, over the limit of \(self.limit) (`\(self.setting)`)",
                mayHaveBeenDelivered: false)
        }
        let quote = Quote(maxFeePerGas: min(sum, self.limit), maxPriorityFeePerGas: priority)
        self.last.withLock { $0 = (quote, now) }
        return quote
    }

    /// What a transaction must offer to take the place of one that offered `held`; nil when that is over the limit.
    func replacement(of held: Quote) async throws(RPCError) -> Quote? {
        let quote = try await self.quote().replacing(held)
        return quote.maxFeePerGas <= self.limit ? quote : nil
    }
}
