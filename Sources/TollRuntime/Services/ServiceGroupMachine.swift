// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Decides in which order services stop, and when patience ends. Knows no task, clock or signal.
struct ServiceGroupMachine {
    enum Action: Equatable {
        /// Ask this service to stop.
        case drain(Int)
        /// Begin to wait for the end of all draining.
        case startDrainTimer
        /// Cancel every service that still runs.
        case cancelAll
        /// Begin to wait for cancelled services.
        case startCancelTimer
        /// Nothing helped: leave the process.
        case abandon(running: [Int])
        /// All services have ended.
        case end
    }

    private enum State {
        case running
        case draining(Int)
        case cancelling
        case ended
    }

    private var state: State = .running
    private var running: Set<Int>

    init(serviceCount: Int) {
        self.running = Set(0..<serviceCount)
    }

    /// A signal asks to stop: the first politely, the second at once.
    mutating func stopRequested() -> [Action] {
        switch self.state {
        case .running: self.beginDraining()
        case .draining: self.beginCancelling()
        case .cancelling, .ended: []
        }
    }

    /// A service's `run()` returned or threw.
    mutating func finished(_ service: Int) -> [Action] {
        self.running.remove(service)
        switch self.state {
        case .running: return self.beginDraining()
        case .draining(let current) where current == service: return self.drainNext()
        case .draining, .cancelling: return self.endIfAllFinished()
        case .ended: return []
        }
    }

    mutating func drainTimePassed() -> [Action] {
        guard case .draining = self.state else { return [] }
        return self.beginCancelling()
    }

    mutating func cancelTimePassed() -> [Action] {
        guard case .cancelling = self.state else { return [] }
        return [.abandon(running: self.running.sorted())]
    }

    private mutating func beginDraining() -> [Action] {
        let actions = self.drainNext()
        return actions == [.end] ? actions : [.startDrainTimer] + actions
    }

    private mutating func drainNext() -> [Action] {
        guard let last = self.running.max() else { return self.endIfAllFinished() }
        self.state = .draining(last)
        return [.drain(last)]
    }

    private mutating func beginCancelling() -> [Action] {
        self.state = .cancelling
        return [.cancelAll, .startCancelTimer]
    }

    private mutating func endIfAllFinished() -> [Action] {
        guard self.running.isEmpty else { return [] }
        self.state = .ended
        return [.end]
    }
}
