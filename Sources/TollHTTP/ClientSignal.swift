// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Whether the client of one request is still there. A client that has closed its sending side (also only that side)
/// while its request is handled counts as gone: nothing more is sent to it.
public final class ClientSignal: Sendable {
    private enum State {
        case present
        /// Nearly always there is one action, if any.
        case watched(@Sendable () -> Void, others: [@Sendable () -> Void])
        case gone
    }
    private let state = Mutex(State.present)

    /// A signal of a client that is there.
    public init() {}

    /// True once the client has gone away.
    public var isGone: Bool {
        self.state.withLock { state in
            if case .gone = state { true } else { false }
        }
    }

    /// Calls `action` once, on the loop, when the client goes away; at once when it has. Never when it stays.
    public func whenGone(_ action: @escaping @Sendable () -> Void) {
        let isGone = self.state.withLock { state in
            switch state {
            case .present: state = .watched(action, others: [])
            case .watched(let first, let others): state = .watched(first, others: others + [action])
            case .gone: return true
            }
            return false
        }
        if isGone { action() }
    }

    /// For engines: the client has gone away.
    public func markGone() {
        let before = self.state.withLock { state in
            defer { state = .gone }
            return state
        }
        guard case .watched(let first, let others) = before else { return }
        first()
        for action in others { action() }
    }

    /// For engines: the request is over, nothing will be told any more.
    public func finish() {
        self.state.withLock { state in
            if case .watched = state { state = .present }
        }
    }
}
