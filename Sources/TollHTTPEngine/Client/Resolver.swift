// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Looks up host names on threads of its own, since the system's resolver blocks, and remembers the answers for a while.
final class Resolver: Sendable {
    private struct Answer {
        var addresses: [SocketAddress]
        var until: UInt64
    }

    private struct State {
        var answers: [String: Answer] = [:]
        var waiting: [String: [@Sendable ([SocketAddress]) -> Void]] = [:]
    }

    private let state = Mutex(State())
    private let lifetime: UInt64

    /// Names remembered at once: callers choose them, so their number needs an end.
    private static let answerMax = 1024

    init(lifetime: Duration) { self.lifetime = lifetime.nanoseconds }

    /// Calls `done` with the addresses of a name, at once for an IP address or a name just looked up, else from another
    /// thread. Without any when it has none.
    func resolve(_ host: String, port: UInt16, _ done: @escaping @Sendable ([SocketAddress]) -> Void) {
        if let address = SocketAddress(ip: host, port: port) { return done([address]) }
        let key = "\(host):\(port)"
        let now = System.monotonic
        let known: [SocketAddress]? = self.state.withLock { state in
            if let answer = state.answers[key], answer.until > now { return answer.addresses }
            state.waiting[key, default: []].append(done)
            return state.waiting[key]?.count == 1 ? [] : nil
        }
        guard let known else { return }
        guard known.isEmpty else { return done(known) }
        do throws(SystemError) {
            try System.startThread(named: "resolver") { self.finish(key, SocketAddress.resolve(host, port: port)) }
        } catch {
            self.finish(key, [])
        }
    }

    private func finish(_ key: String, _ addresses: [SocketAddress]) {
        let until = System.monotonic &+ self.lifetime
        let waiting = self.state.withLock { state in
            if state.answers.count >= Self.answerMax { state.answers.removeAll() }
            if !addresses.isEmpty { state.answers[key] = Answer(addresses: addresses, until: until) }
            return state.waiting.removeValue(forKey: key) ?? []
        }
        for done in waiting { done(addresses) }
    }
}
