// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Whether the client of one request is still there. A client that has closed its sending side (also only that side)
/// while its request is handled counts as gone: nothing more is sent to it.
public final class ClientSignal: Sendable {
    private enum State {
        case present([@Sendable () -> Void])
        case gone
    }
    private let state = Mutex(State.present([]))

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
            guard case .present(let actions) = state else { return true }
            state = .present(actions + [action])
            return false
        }
        if isGone { action() }
    }

    /// For engines: the client has gone away.
    public func markGone() {
        let actions = self.state.withLock { state in
            guard case .present(let actions) = state else { return [@Sendable () -> Void]() }
            state = .gone
            return actions
        }
        for action in actions { action() }
    }

    /// For engines: the request is over, nothing will be told any more.
    public func finish() {
        self.state.withLock { state in
            if case .present = state { state = .present([]) }
        }
    }
}
