// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollHTTP
internal import TollPrimitives
internal import TollRuntime

/// Answers that a proxy cannot relay, each kept under an identifier until it is fetched, once.
///
/// A proxy fetches an answer in the next moment. When it does not, the answer is forgotten after a while, and earlier when
/// others need the room: its client is told to ask again.
final class KeptAnswers: Sendable {
    struct Answer: Sendable {
        let head: ResponseHead
        let body: [UInt8]

        var byteCount: Int { self.head.fields.byteCount + self.body.count + KeptAnswers.overheadByteCount }
    }

    /// Between the refusal and the fetch lies one round of a proxy; this allows for one that is very busy.
    static let lifetime = Duration.seconds(30)
    /// Some thousand challenges of the usual size.
    static let byteCountMax = 32 << 20
    /// Identifiers in memory, those of fetched answers among them.
    private static let countMax = 100_000
    /// What an answer costs beside its bytes.
    private static let overheadByteCount = 256

    private struct State {
        var answers: [String: Answer] = [:]
        /// In the order in which they came; those that were fetched are passed over.
        var order: [(id: String, expiresAt: Duration)] = []
        var first = 0
        var byteCount = 0
    }

    private let environment: Environment
    private let state = Mutex(State())

    init(environment: Environment) {
        self.environment = environment
    }

    /// Keeps an answer; its identifier, which nobody can guess.
    func keep(_ answer: Answer) -> String {
        let id = Hex.encode(self.environment.randomBytes(16))
        let now = self.environment.monotonic()
        self.state.withLock { state in
            state.answers[id] = answer
            state.order.append((id, now + Self.lifetime))
            state.byteCount += answer.byteCount
            Self.makeRoom(&state, now)
        }
        return id
    }

    /// The answer kept under `id`, which it is no longer then; nil when there is none any more.
    func take(_ id: String) -> Answer? {
        let now = self.environment.monotonic()
        return self.state.withLock { state in
            Self.makeRoom(&state, now)
            guard let answer = state.answers.removeValue(forKey: id) else { return nil }
            state.byteCount -= answer.byteCount
            return answer
        }
    }

    private static func makeRoom(_ state: inout State, _ now: Duration) {
        while state.first < state.order.count {
            let (id, expiresAt) = state.order[state.first]
            let isFull = state.byteCount > self.byteCountMax || state.order.count - state.first > self.countMax
            guard isFull || expiresAt <= now || state.answers[id] == nil else { break }
            if let answer = state.answers.removeValue(forKey: id) { state.byteCount -= answer.byteCount }
            state.first += 1
        }
        guard state.first > 1_000, state.first * 2 > state.order.count else { return }
        state.order.removeFirst(state.first)
        state.first = 0
    }
}
