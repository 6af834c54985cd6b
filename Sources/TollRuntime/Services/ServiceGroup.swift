// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// The process as a list of services that start together and stop one by one in reverse order.
///
///     let group = ServiceGroup(services: [store, chainWatcher, gateway], environment: .live, logger: log)
///     try await group.run()   // SIGTERM: the gateway drains first, then the watcher, then the store.
public struct ServiceGroup: Sendable {
    /// How long each stage of stopping may take.
    public struct Deadlines: Sendable {
        /// From the request to stop until what still runs is cancelled. The longest answer that may be under way is one that
        /// waits for its settlement, 30 s by default, so that this is longer.
        public var drain: Duration
        /// From the cancellation until the process is left.
        public var cancel: Duration

        /// Deadlines.
        public init(drain: Duration = .seconds(45), cancel: Duration = .seconds(5)) {
            self.drain = drain
            self.cancel = cancel
        }
    }

    private let services: [any Service]
    private let environment: Environment
    private let logger: Logger
    private let deadlines: Deadlines
    private let signals: Set<ProcessSignal>
    private let onReload: (@Sendable () async -> Void)?
    private let abandon: @Sendable () -> Void

    /// A group of `services`, in the order of their start.
    ///
    /// - Parameters:
    ///   - signals: Which of SIGTERM and SIGINT stop the group. The second one cancels without waiting.
    ///   - onReload: Called for SIGHUP, one call at a time; without it SIGHUP keeps its usual effect.
    ///   - abandon: Called when cancelled services do not end; leaves the process with status 70.
    public init(
        services: [any Service],
        environment: Environment,
        logger: Logger,
        deadlines: Deadlines = Deadlines(),
        signals: Set<ProcessSignal> = [.terminate, .interrupt],
        onReload: (@Sendable () async -> Void)? = nil,
        abandon: @escaping @Sendable () -> Void = { ProcessSignals.leave(status: 70) }
    ) {
        self.services = services
        self.environment = environment
        self.logger = logger
        self.deadlines = deadlines
        self.signals = onReload == nil ? signals.subtracting([.hangup]) : signals.union([.hangup])
        self.onReload = onReload
        self.abandon = abandon
    }

    /// Runs all services until the last has ended.
    ///
    /// - Throws: The error of the service whose failure stopped the group, or the first of those that failed while stopping.
    public func run() async throws {
        let stream = self.signals.isEmpty ? nil : try ProcessSignals.stream(of: self.signals)
        try await self.run(signals: stream)
    }

    /// As ``run()``, with signals from elsewhere.
    func run(signals: AsyncStream<ProcessSignal>?) async throws {
        let shutdowns = self.services.map { _ in OneTimeSignal() }
        let cancellation = OneTimeSignal()
        let failure = await withTaskGroup(of: Event.self) { group -> (any Error)? in
            for (index, service) in self.services.enumerated() {
                group.addTask { await Self.run(service, index, shutdowns[index], cancellation) }
            }
            let (reloads, reload) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
            if let signals {
                group.addTask { await self.forwardSignals(signals, reload) }
                group.addTask { await self.reloadRepeatedly(reloads) }
            }
            var machine = ServiceGroupMachine(serviceCount: self.services.count)
            var failure: (any Error)?
            var isEnded = self.services.isEmpty
            while !isEnded, let event = await group.next() {
                for action in self.handle(event, &machine, &failure) {
                    switch action {
                    case .drain(let index): shutdowns[index].raise()
                    case .cancelAll: cancellation.raise()
                    case .startDrainTimer: group.addTask { await self.timer(self.deadlines.drain, .drainTimePassed) }
                    case .startCancelTimer: group.addTask { await self.timer(self.deadlines.cancel, .cancelTimePassed) }
                    case .abandon(let running): self.giveUp(running)
                    case .end: isEnded = true
                    }
                }
                if case .stopRequested = event, let signals, !isEnded {
                    group.addTask { await self.forwardSignals(signals, reload) }
                }
            }
            group.cancelAll()
            return failure
        }
        if let failure { throw failure }
    }

    private enum Event: Sendable {
        case finished(Int, (any Error)?)
        case stopRequested(ProcessSignal)
        case drainTimePassed
        case cancelTimePassed
        case none
    }

    private static func run(
        _ service: any Service,
        _ index: Int,
        _ shutdown: OneTimeSignal,
        _ cancellation: OneTimeSignal
    ) async -> Event {
        do {
            try await cancellation.cancelling {
                try await OneTimeSignal.$shutdown.withValue(shutdown) { try await service.run() }
            }
            return .finished(index, nil)
        } catch {
            return .finished(index, error)
        }
    }

    private func handle(
        _ event: Event,
        _ machine: inout ServiceGroupMachine,
        _ failure: inout (any Error)?
    ) -> [ServiceGroupMachine.Action] {
        switch event {
        case .finished(let index, let error):
            let name = self.services[index].name
            if let error, !(error is CancellationError) {
                self.logger.error("service failed", ["service": name, "error": "\(error)"])
                failure = failure ?? error
            } else {
                self.logger.debug("service stopped", ["service": name])
            }
            return machine.finished(index)
        case .stopRequested(let signal):
            self.logger.info("stopping", ["signal": signal.rawValue])
            return machine.stopRequested()
        case .drainTimePassed:
            return machine.drainTimePassed()
        case .cancelTimePassed:
            return machine.cancelTimePassed()
        case .none:
            return []
        }
    }

    private func giveUp(_ running: [Int]) {
        let names = running.map { self.services[$0].name }.joined(separator: ", ")
        self.logger.error("services do not stop; leaving", ["services": names])
        self.abandon()
    }

    /// Returns with the first signal that asks to stop.
    private func forwardSignals(_ signals: AsyncStream<ProcessSignal>, _ reload: AsyncStream<Void>.Continuation) async -> Event {
        for await signal in signals {
            guard signal == .hangup else { return .stopRequested(signal) }
            reload.yield()
        }
        return .none
    }

    private func reloadRepeatedly(_ requests: AsyncStream<Void>) async -> Event {
        for await _ in requests { await self.onReload?() }
        return .none
    }

    private func timer(_ duration: Duration, _ event: Event) async -> Event {
        do {
            try await self.environment.sleep(duration)
            return event
        } catch {
            return .none
        }
    }
}
