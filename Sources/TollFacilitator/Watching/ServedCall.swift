// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollHTTP
internal import TollRuntime

/// One request while it is answered: collects what is counted and logged of it in the end.
final class ServedCall: ResponseObserver {
    private struct State {
        var endpoint: Endpoint?
        /// What an answer is that nobody got to: the engine's 500.
        var outcome = CallOutcome(result: "none")
        var status = 500
        var byteCount = 0
    }

    private let start: Duration
    private let state = Mutex(State())

    init(at start: Duration) { self.start = start }

    func began(_ head: ResponseHead) { self.state.withLock { $0.status = head.status } }

    func wrote(byteCount: Int) { self.state.withLock { $0.byteCount += byteCount } }

    /// Notes what is asked.
    func asks(_ endpoint: Endpoint) { self.state.withLock { $0.endpoint = endpoint } }

    /// Notes what came of it.
    func came(to outcome: CallOutcome) { self.state.withLock { $0.outcome = outcome } }

    /// Counts it, and writes its line where there is a log for it.
    func end(_ request: Request, at end: Duration, _ metrics: FacilitatorMetrics, _ access: Logger?) {
        let state = self.state.withLock { $0 }
        let took = end - self.start
        metrics.answered(state.endpoint, state.outcome, took: took)
        access?.info(
            "facilitator request",
            [
                "method": request.head.method, "path": String(decoding: request.head.path, as: UTF8.self),
                "status": state.status, "result": state.outcome.result, "reason": state.outcome.reason,
                "bytes": state.byteCount, "microseconds": took.wholeMicroseconds, "client": request.peer,
            ])
    }
}
