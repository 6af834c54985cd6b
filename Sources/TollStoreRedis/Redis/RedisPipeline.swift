// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Synchronization
internal import TollRuntime

/// One connection on a thread of its own, and a breaker before it. Whatever was asked for while the last answers were awaited
/// goes out together next.
///
/// Nobody waits for a connection: while there is none, every call is answered at once with nothing, and after a pause one of them
/// has it made, beside.
final class RedisPipeline: Sendable {
    /// How long connecting may take. Nobody waits for it.
    private static let connectTime = Duration.seconds(1)
    /// How long a server that failed is left alone; twice as long after each further failure.
    private static let pauseMin = Duration.milliseconds(100)
    /// The longest that it is left alone.
    private static let pauseMax = Duration.seconds(5)
    /// The most calls whose commands go out together.
    private static let groupCountMax = 128
    /// The most calls that may wait. A cache that far behind is no help.
    private static let waitingCountMax = 1_024

    /// Calls and their commands; told of the replies, or of none.
    private struct Call: Sendable {
        let commands: [RedisCommand]
        let tell: @Sendable ([RedisReply]?) -> Void
    }

    private enum Link {
        /// Left alone until then.
        case down(until: ContinuousClock.Instant)
        case connecting
        case up
    }

    private struct State {
        var link = Link.down(until: .now)
        var pause = RedisPipeline.pauseMin
        /// Whether the log was told that the server is gone.
        var isMissed = false
        var waiting: [Call] = []
        var isDraining = false
    }

    private let address: RedisAddress
    private let timeout: Duration
    private let log: Logger
    private let state = Mutex(State())
    private let connection = Mutex<RedisConnection?>(nil)
    private let thread = DispatchQueue(label: "tollgate.redis")

    /// Begins to connect.
    init(_ address: RedisAddress, timeout: Duration, log: Logger) {
        self.address = address
        self.timeout = timeout
        self.log = log
        self.connectIfDue()
    }

    /// Sends commands and gives their replies; nil when the server does not answer.
    func run(_ commands: [RedisCommand]) async -> [RedisReply]? {
        await withCheckedContinuation { continuation in
            let call = Call(commands: commands) { continuation.resume(returning: $0) }
            let (isAccepted, startsDraining) = self.state.withLock { state in
                guard case .up = state.link, state.waiting.count < Self.waitingCountMax else { return (false, false) }
                state.waiting.append(call)
                defer { state.isDraining = true }
                return (true, !state.isDraining)
            }
            if startsDraining { self.thread.async { self.drain() } }
            guard !isAccepted else { return }
            self.connectIfDue()
            call.tell(nil)
        }
    }

    /// Whether the server can be used now.
    var isUp: Bool { self.state.withLock { if case .up = $0.link { true } else { false } } }

    private func connectIfDue() {
        let isDue = self.state.withLock { state in
            guard case .down(let until) = state.link, ContinuousClock.now >= until else { return false }
            state.link = .connecting
            return true
        }
        if isDue { self.thread.async { self.connect() } }
    }

    private func connect() {
        do throws(RedisError) {
            try self.connection.withLock { connection throws(RedisError) in
                connection = try RedisConnection(self.address, within: Self.connectTime)
            }
        } catch {
            self.fail(error)
            return
        }
        let wasMissed = self.state.withLock { state in
            defer { (state.link, state.pause, state.isMissed) = (.up, Self.pauseMin, false) }
            return state.isMissed
        }
        if wasMissed { self.log.info("the shared cache answers again", ["redis": self.address.display]) }
    }

    private func drain() {
        while true {
            let group = self.state.withLock { state in
                let group = Array(state.waiting.prefix(Self.groupCountMax))
                state.waiting.removeFirst(group.count)
                if group.isEmpty { state.isDraining = false }
                return group
            }
            guard !group.isEmpty else { return }
            let commands = group.flatMap(\.commands)
            do throws(RedisError) {
                var replies = try self.connection.withLock { connection throws(RedisError) in
                    guard let connection else { throw RedisError(description: "there is no connection") }
                    return try connection.run(commands, within: self.timeout)
                }[...]
                for call in group {
                    call.tell(Array(replies.prefix(call.commands.count)))
                    replies = replies.dropFirst(call.commands.count)
                }
            } catch {
                self.connection.withLock { $0 = nil }
                for call in group + self.fail(error) { call.tell(nil) }
            }
        }
    }

    /// Leaves the server alone for a while; gives the calls that waited for it.
    @discardableResult
    private func fail(_ error: RedisError) -> [Call] {
        let (waiting, isNews) = self.state.withLock { state in
            defer {
                state.link = .down(until: .now + state.pause)
                (state.pause, state.isMissed, state.waiting) = (min(state.pause * 2, Self.pauseMax), true, [])
            }
            return (state.waiting, !state.isMissed)
        }
        if isNews {
            self.log.warning(
                "the shared cache does not answer; this process goes on with its own",
                ["redis": self.address.display, "reason": error.description])
        }
        return waiting
    }
}
