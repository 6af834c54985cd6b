// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollHTTP

/// How a network behaves: rates are of a thousand exchanges.
struct NetworkWeather: Sendable {
    /// Milliseconds in each direction.
    var delay = 1...40
    /// A direction takes seconds.
    var slow = 0
    /// No connection.
    var refuse = 0
    /// The request is lost on its way.
    var loseRequest = 0
    /// The answer is lost on its way.
    var loseReply = 0
    /// The request arrives twice.
    var double = 0
    var calmFrom = Duration.seconds(300)
}

/// Carries requests and answers, and loses, delays and doubles them.
final class SimulatedNetwork: Sendable {
    enum Exchange<Answer: Sendable>: Sendable {
        case answered(Answer)
        /// Certainly never arrived.
        case notSent
        /// Broken off before the time was up.
        case broken
        case timedOut
        /// The caller does not wait any more.
        case cancelled
    }

    /// As what its faults are counted.
    struct FaultNames: Sendable {
        let lost, late, doubled, refused: Fault

        static let rpc = FaultNames(lost: .rpcLost, late: .rpcLate, doubled: .rpcDoubled, refused: .rpcRefused)
        static let web = FaultNames(lost: .webLost, late: .webLate, doubled: .webDoubled, refused: .webLost)
    }

    let executor: SeededExecutor
    private let weather: NetworkWeather
    private let names: FaultNames
    private let tally: Tally
    private let dice: Dice
    private let outage: Mutex<Range<Duration>?> = Mutex(nil)

    init(
        _ name: String, weather: NetworkWeather, faults names: FaultNames, executor: SeededExecutor, tally: Tally, seed: UInt64
    ) {
        self.weather = weather
        self.names = names
        self.tally = tally
        self.executor = executor
        self.dice = Dice(seed: seed, name)
    }

    /// Nothing gets through in this time.
    func setOutage(_ outage: Range<Duration>?) { self.outage.withLock { $0 = outage } }

    var isOut: Bool { self.outage.withLock { $0?.contains(self.executor.now) ?? false } }

    /// Asks; `serve` runs when the request arrives and brings its answer to the closure it is given, nil to refuse.
    func exchange<Answer: Sendable>(
        deadline: Duration, _ serve: @escaping @Sendable (_ reply: @escaping @Sendable (Answer?) -> Void) -> Void
    ) async -> Exchange<Answer> {
        let isCalm = self.executor.now >= self.weather.calmFrom
        func roll(_ rate: Int, _ fault: Fault) -> Bool {
            guard !isCalm, self.dice.happens(perMille: rate) else { return false }
            self.tally.note(fault)
            return true
        }
        let wait = Waiting<Exchange<Answer>>()
        let end = self.executor.schedule(after: deadline) { wait.resume(.timedOut) }
        defer { self.executor.cancel(end) }
        if self.isOut || roll(self.weather.refuse, self.names.refused) {
            let isRefused = self.dice.happens(perMille: 500)
            if isRefused { self.executor.schedule(after: self.delay(isCalm)) { wait.resume(.notSent) } }
            return await wait.value ?? .cancelled
        }
        if roll(self.weather.loseRequest, self.names.lost) {
            if self.dice.happens(perMille: 500) { self.executor.schedule(after: self.delay(isCalm)) { wait.resume(.broken) } }
            return await wait.value ?? .cancelled
        }
        for _ in 0..<(roll(self.weather.double, self.names.doubled) ? 2 : 1) {
            let isLost = roll(self.weather.loseReply, self.names.lost)
            let breaks = isLost && self.dice.happens(perMille: 500)
            let back = self.delay(isCalm)
            self.executor.schedule(after: self.delay(isCalm)) {
                serve { answer in
                    guard !isLost else {
                        if breaks { wait.resume(.broken) }
                        return
                    }
                    self.executor.schedule(after: back) { wait.resume(answer.map { .answered($0) } ?? .notSent) }
                }
            }
        }
        return await wait.value ?? .cancelled
    }

    private func delay(_ isCalm: Bool) -> Duration {
        guard !isCalm, self.dice.happens(perMille: self.weather.slow) else {
            return self.dice.milliseconds(in: self.weather.delay)
        }
        self.tally.note(self.names.late)
        return self.dice.milliseconds(in: 800...12_000)
    }
}
