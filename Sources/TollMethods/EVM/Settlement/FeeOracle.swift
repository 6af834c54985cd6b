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
    }

    /// The base fee moves by at most an eighth per block, and twice of it is offered: a few seconds' age does no harm.
    private static let age: Duration = .seconds(5)

    private let client: EVMClient
    private let environment: Environment
    private let last = Mutex<(quote: Quote, at: Duration)?>(nil)

    init(client: EVMClient, environment: Environment) {
        self.client = client
        self.environment = environment
    }

    /// Twice the newest base fee and the tip that the node thinks is enough.
    func quote() async throws(RPCError) -> Quote {
        let now = self.environment.monotonic()
        if let last = self.last.withLock({ $0 }), now - last.at < Self.age { return last.quote }
        let (block, tip) = await self.client.ask(.block(.latest), .maxPriorityFeePerGas)
        guard let base = try block.get()?.baseFeePerGas, let priority = try? tip.get(),
            let sum = base.multiplied(by: 2)?.adding(priority)
        else { throw .unavailable(reason: "the node tells no base fee or tip", mayHaveBeenDelivered: false) }
        let quote = Quote(maxFeePerGas: sum, maxPriorityFeePerGas: priority)
        self.last.withLock { $0 = (quote, now) }
        return quote
    }
}
