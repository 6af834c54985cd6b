// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Synchronization

/// What takes no requests for now, by an operator's word: a route, by its pattern, or everything that has a price.
///
/// Of this process alone and until it ends; a reload changes nothing about it. Payments that were claimed before go on: they are
/// settled, and whoever claimed them gets the answer.
public final class Pauses: Sendable {
    private struct State {
        var isEverything = false
        var routes: Set<String> = []
    }

    /// Looked at by every request, so that the rest is only looked at when there is something.
    private let isAnything = Atomic<Bool>(false)
    private let state = Mutex(State())

    /// Nothing is paused.
    public init() {}

    /// Pauses the route of this pattern; everything that has a price when it is nil.
    public func pause(_ pattern: String?) {
        self.change { state in
            if let pattern { state.routes.insert(pattern) } else { state.isEverything = true }
        }
    }

    /// Resumes the route of this pattern; everything that is paused when it is nil.
    public func resume(_ pattern: String?) {
        self.change { state in
            if let pattern { state.routes.remove(pattern) } else { state = State() }
        }
    }

    private func change(_ change: (inout State) -> Void) {
        self.state.withLock { state in
            change(&state)
            self.isAnything.store(state.isEverything || !state.routes.isEmpty, ordering: .relaxed)
        }
    }

    /// Whether everything that has a price is paused.
    public var isEverything: Bool { self.state.withLock { $0.isEverything } }

    /// Whether the route of this pattern is paused.
    public func holds(_ pattern: @autoclosure () -> String, isPriced: Bool) -> Bool {
        guard self.isAnything.load(ordering: .relaxed) else { return false }
        let pattern = pattern()
        return self.state.withLock { $0.isEverything && isPriced || $0.routes.contains(pattern) }
    }
}
