// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollEVM
internal import TollPrimitives
internal import TollRuntime

/// What was read of plain accounts some seconds ago: enough to serve what is cheap without asking a node for every call.
///
/// That the account has no code, so that its key's signature is good; what it holds; and in which block that was. Whether the
/// nonce is unused is not among it: who brings a used one is served once, within the exposure, and barred.
final class PayerStates: Sendable {
    /// Whose, and of which token.
    struct Key: Hashable {
        let chain: ChainID
        let asset: Address
        let payer: Address
    }

    struct State: Hashable {
        let balance: UInt256
        let block: UInt64
    }

    /// How old it may be: a payer who empties its wallet is served for so long, within the exposure.
    private static let age = Duration.seconds(5)
    /// At about 200 bytes each, some megabytes.
    private static let countMax = 20_000

    private let environment: Environment
    private let states = Mutex<[Key: (state: State, at: Duration)]>([:])

    init(environment: Environment) {
        self.environment = environment
    }

    subscript(key: Key) -> State? {
        let now = self.environment.monotonic()
        return self.states.withLock { states in states[key].flatMap { now - $0.at < Self.age ? $0.state : nil } }
    }

    func set(_ state: State, for key: Key) {
        let now = self.environment.monotonic()
        self.states.withLock { states in
            if states.count >= Self.countMax { states = states.filter { now - $0.value.at < Self.age } }
            if states.count >= Self.countMax { states = [:] }
            states[key] = (state, now)
        }
    }
}
