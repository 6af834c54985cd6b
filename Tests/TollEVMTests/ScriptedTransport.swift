// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Synchronization
import TollEVM
import TollPrimitives

/// Answers each POST with the next line of a script, and remembers what was asked.
final class ScriptedTransport: RPCTransport {
    /// What happens to one POST.
    enum Line: Sendable {
        /// An HTTP answer as it stands.
        case http(Int, String)
        /// A proper reply to every request of the body, with this `result` or `error` member.
        case reply(String)
        /// A failure below HTTP.
        case fail(RPCTransportError)
        /// Time passes first, then the failure.
        case hang(Duration)
        /// An HTTP answer made from the body.
        case compute(@Sendable ([UInt8]) -> String)
    }

    struct Post: Hashable, Sendable {
        let url: String
        let body: String
        let deadline: Duration

        /// The body's requests, be it a batch or not.
        var requests: [JSON] {
            guard let json = try? JSON(parsing: self.body) else { return [] }
            return json.array ?? [json]
        }
    }

    private struct State {
        var script: [Line]
        var posts: [Post] = []
        var clock: Duration = .seconds(100)
    }

    private let state: Mutex<State>

    init(_ script: [Line]) {
        self.state = Mutex(State(script: script))
    }

    var posts: [Post] { self.state.withLock { $0.posts } }
    var linesLeft: Int { self.state.withLock { $0.script.count } }
    var now: Duration { self.state.withLock { $0.clock } }

    func advance(_ duration: Duration) {
        self.state.withLock { $0.clock += duration }
    }

    func post(url: String, body: [UInt8], deadline: Duration) async throws(RPCTransportError) -> (status: Int, body: [UInt8]) {
        let post = Post(url: url, body: String(decoding: body, as: UTF8.self), deadline: deadline)
        let line = self.state.withLock { state in
            state.posts.append(post)
            return state.script.isEmpty ? Line.fail(.notSent(reason: "the script is at its end")) : state.script.removeFirst()
        }
        switch line {
        case .http(let status, let text): return (status, Array(text.utf8))
        case .reply(let member): return (200, Array(Self.reply(to: post, member).utf8))
        case .compute(let answer): return (200, Array(answer(body).utf8))
        case .fail(let error): throw error
        case .hang(let duration):
            self.advance(duration)
            throw .noAnswer(reason: "time is up")
        }
    }

    private static func reply(to post: Post, _ member: String) -> String {
        let replies = post.requests.map { #"{"jsonrpc":"2.0","id":\#($0["id"]?.integer ?? -1),\#(member)}"# }
        return post.body.hasPrefix("[") ? "[\(replies.joined(separator: ","))]" : replies[0]
    }

    /// A client whose clock is this script's.
    func client(_ endpoints: [String] = ["a"], limits: RPCClient.Limits = .init()) -> RPCClient {
        RPCClient(endpoints: endpoints, transport: self, limits: limits) { self.now }
    }
}
