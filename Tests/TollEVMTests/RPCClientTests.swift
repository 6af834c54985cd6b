// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollPrimitives

/// Several endpoints, batches, and transactions handed in.
struct RPCClientTests {
    @Test(arguments: [
        ScriptedTransport.Line.fail(.notSent(reason: "")), .fail(.noAnswer(reason: "")), .http(503, ""), .http(429, ""),
        .http(200, "garbage"), .reply(#""error":{"code":-32603,"message":"Internal error"}"#),
    ])
    func `the next endpoint is asked when one is unavailable`(line: ScriptedTransport.Line) async throws {
        let transport = ScriptedTransport([line, .reply(#""result":7"#)])
        #expect(try await transport.client(["a", "b"]).call(RPCRequest("x")) == 7)
        #expect(transport.posts.map(\.url) == ["a", "b"])
    }

    @Test(arguments: [
        #""error":{"code":3,"message":"execution reverted"}"#, #""error":{"code":-32602,"message":"invalid argument"}"#,
    ])
    func `an answer is final, whatever it says`(member: String) async {
        let transport = ScriptedTransport([.reply(member), .reply(#""result":7"#)])
        await #expect(throws: RPCError.self) { try await transport.client(["a", "b"]).call(RPCRequest("x")) }
        #expect(transport.posts.map(\.url) == ["a"])
    }

    /// Of two nodes one may be behind.
    @Test(arguments: [true, false])
    func `what belongs together is asked of the next endpoint as a whole, what does not only where it failed`(
        isTogether: Bool
    ) async throws {
        func reply(_ members: [String]) -> ScriptedTransport.Line {
            .compute { body in
                let ids = (try? JSON(parsing: body))?.array?.map { $0["id"]?.integer ?? -1 } ?? []
                let replies = zip(ids, members).map { #"{"jsonrpc":"2.0","id":\#($0),\#($1)}"# }
                return "[\(replies.joined(separator: ","))]"
            }
        }
        let busy = #""error":{"code":-32603,"message":"Internal error"}"#
        let second = isTogether ? reply([#""result":3"#, #""result":4"#]) : .reply(#""result":4"#)
        let transport = ScriptedTransport([reply([#""result":1"#, busy]), second])
        let results = await transport.client(["a", "b"]).batch([RPCRequest("x"), RPCRequest("y")], ofOneNode: isTogether)
        #expect(try results.map { try $0.get() } == [isTogether ? 3 : 1, 4])
        #expect(transport.posts.map(\.requests.count) == [2, isTogether ? 2 : 1])
    }

    @Test func `a failing endpoint is left alone, longer each time, and forgiven when it answers`() async throws {
        let down = ScriptedTransport.Line.fail(.notSent(reason: ""))
        let up = ScriptedTransport.Line.reply(#""result":7"#)
        let transport = ScriptedTransport([down, up, up, down, up, up, up, down, up])
        let client = transport.client(["a", "b"])
        func urls(after pause: Duration) async throws -> String {
            transport.advance(pause)
            let before = transport.posts.count
            _ = try await client.call(RPCRequest("x"))
            return transport.posts[before...].map(\.url).joined()
        }
        #expect(try await urls(after: .zero) == "ab")
        #expect(try await urls(after: .milliseconds(499)) == "b")
        #expect(try await urls(after: .milliseconds(1)) == "ab")
        #expect(try await urls(after: .milliseconds(999)) == "b")
        #expect(try await urls(after: .milliseconds(1)) == "a")
        #expect(try await urls(after: .zero) == "ab")
        #expect(transport.linesLeft == 0)
    }

    @Test func `a rest is shortened by chance, and told without the address`() async throws {
        let transport = ScriptedTransport([.fail(.notSent(reason: "down")), .reply(#""result":7"#)])
        let client = RPCClient(
            endpoints: ["https://a.example/key", "b"], transport: transport, now: { transport.now }, jitter: { 20 })
        #expect(try await client.call(RPCRequest("x")) == 7)
        #expect(
            client.health == [
                RPCClient.Health(position: 1, failures: 1, rest: .milliseconds(400)),
                RPCClient.Health(position: 2, failures: 0, rest: .zero),
            ])
    }

    @Test func `when all rest, the one whose rest ends first is tried`() async throws {
        let down = ScriptedTransport.Line.fail(.notSent(reason: "down"))
        let transport = ScriptedTransport([down, down, .reply(#""result":7"#)])
        let client = transport.client(["a", "b"])
        await #expect(throws: RPCError.unavailable(reason: "down", mayHaveBeenDelivered: false)) {
            try await client.call(RPCRequest("x"))
        }
        #expect(try await client.call(RPCRequest("x")) == 7)
        #expect(transport.posts.map(\.url) == ["a", "b", "a"])
    }

    @Test func `each attempt has its share of the time, and all together have an end`() async {
        var limits = RPCClient.Limits()
        limits.attempt = .seconds(5)
        limits.total = .seconds(8)
        let transport = ScriptedTransport([.hang(.seconds(5)), .hang(.seconds(3)), .reply(#""result":7"#)])
        await #expect(throws: RPCError.unavailable(reason: "time is up", mayHaveBeenDelivered: true)) {
            try await transport.client(["a", "b", "c"], limits: limits).call(RPCRequest("x"))
        }
        #expect(transport.posts.map(\.deadline) == [.seconds(5), .seconds(3)])
    }

    @Test func `what may have been delivered stays so when the next endpoint refuses at the door`() async {
        let transport = ScriptedTransport([.http(502, ""), .http(429, "")])
        await #expect(throws: RPCError.unavailable(reason: "HTTP status 429", mayHaveBeenDelivered: true)) {
            try await transport.client(["a", "b"]).call(RPCRequest("x"))
        }
    }

    @Test func `without endpoints nothing was delivered`() async {
        await #expect(throws: RPCError.unavailable(reason: "there is no endpoint", mayHaveBeenDelivered: false)) {
            try await ScriptedTransport([]).client([]).call(RPCRequest("x"))
        }
    }

    // MARK: Batches

    @Test func `a batch goes in one request and its replies in any order`() async throws {
        let transport = ScriptedTransport([
            .http(
                200,
                #"""
                [{"jsonrpc":"2.0","id":3,"result":"c"},{"jsonrpc":"2.0","id":1,"result":"a"},
                {"jsonrpc":"2.0","id":2,"error":{"code":3,"message":"execution reverted"}}]
                """#
            )
        ])
        let results = await transport.client().batch([RPCRequest("a"), RPCRequest("b"), RPCRequest("c")])
        #expect(results == [.success("a"), .failure(.revert(data: [], message: "execution reverted")), .success("c")])
        #expect(transport.posts.count == 1)
        #expect(transport.posts[0].requests.map { $0["method"] } == ["a", "b", "c"])
    }

    @Test func `what is missing from one endpoint's batch is asked of the next`() async throws {
        let transport = ScriptedTransport([
            .http(200, #"[{"jsonrpc":"2.0","id":2,"result":"b"}]"#),
            .reply(#""result":"late""#),
        ])
        let results = await transport.client(["a", "b"]).batch([RPCRequest("a"), RPCRequest("b"), RPCRequest("c")])
        #expect(results == [.success("late"), .success("b"), .success("late")])
        #expect(transport.posts[1].requests.map { $0["method"] } == ["a", "c"])
    }

    @Test(arguments: [
        #"[{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","id":1,"result":2}]"#,
        #"[{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","id":9,"result":2}]"#,
        #"[{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","id":null,"result":2}]"#,
        #"[{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","id":2,"result":2},{"jsonrpc":"2.0","id":3,"result":2}]"#,
        #"{"jsonrpc":"2.0","id":1,"result":1}"#,
        "[",
    ])
    func `a batch that does not add up is unavailable as a whole`(body: String) async {
        let results = await ScriptedTransport([.http(200, body)]).client().batch([RPCRequest("a"), RPCRequest("b")])
        #expect(results.allSatisfy { (try? $0.get()) == nil })
    }

    @Test func `a malformed element spoils only itself`() async {
        let body = #"[{"jsonrpc":"2.0","id":1,"result":1},{"jsonrpc":"2.0","id":2}]"#
        let results = await ScriptedTransport([.http(200, body)]).client().batch([RPCRequest("a"), RPCRequest("b")])
        #expect(results[0] == .success(1))
        #expect((try? results[1].get()) == nil)
    }

    @Test(arguments: [
        ScriptedTransport.Line.http(400, "no batches"), .http(405, ""), .http(413, ""),
        .http(200, #"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batches are not supported"}}"#),
        .http(200, #"[{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"batch too large"}}]"#),
    ])
    func `an endpoint that refuses batches is asked one by one, and from then on at once`(line: ScriptedTransport.Line) async {
        let one = ScriptedTransport.Line.reply(#""result":7"#)
        let transport = ScriptedTransport([line, one, one, one, one])
        let client = transport.client()
        let requests = [RPCRequest("a"), RPCRequest("b")]
        #expect(await client.batch(requests) == [.success(7), .success(7)])
        #expect(await client.batch(requests) == [.success(7), .success(7)])
        #expect(transport.posts.map { $0.requests.count } == [2, 1, 1, 1, 1])
    }

    @Test func `one by one, what fails for one is not tried for the rest`() async {
        let transport = ScriptedTransport([.http(400, ""), .http(400, ""), .reply(#""result":7"#)])
        let results = await transport.client().batch([RPCRequest("a"), RPCRequest("b")])
        #expect(results.allSatisfy { (try? $0.get()) == nil })
        #expect(transport.posts.count == 2)
    }

    @Test func `long batches are cut`() async {
        var limits = RPCClient.Limits()
        limits.batch = 2
        let transport = ScriptedTransport([.reply(#""result":7"#), .reply(#""result":8"#)])
        let results = await transport.client(limits: limits).batch([RPCRequest("a"), RPCRequest("b"), RPCRequest("c")])
        #expect(results == [.success(7), .success(7), .success(8)])
        #expect(transport.posts.map { $0.requests.count } == [2, 1])
    }

    @Test func `no request is no POST`() async {
        let transport = ScriptedTransport([])
        #expect(await transport.client().batch([]).isEmpty)
        #expect(transport.posts.isEmpty)
    }

    // MARK: Transactions

    @Test func `a transaction is accepted when a node takes it or has it`() async throws {
        let taken = ScriptedTransport([.reply(#""result":"\#(hash)""#)])
        #expect(try await taken.client().sendRawTransaction(raw) == hash)
        #expect(taken.posts[0].requests[0]["params"] == [.string("0x0201")])
        let known = ScriptedTransport([.reply(#""error":{"code":-32000,"message":"already known"}"#)])
        #expect(try await known.client().sendRawTransaction(raw) == hash)
        let second = ScriptedTransport([
            .fail(.noAnswer(reason: "")), .reply(#""error":{"code":-32000,"message":"already known"}"#),
        ])
        #expect(try await second.client(["a", "b"]).sendRawTransaction(raw) == hash)
    }

    @Test func `a first objection is final`() async {
        let transport = ScriptedTransport([.reply(#""error":{"code":-32000,"message":"nonce too low"}"#)])
        await #expect(throws: RPCError.rejected(code: -32000, message: "nonce too low", reason: .nonceTooLow)) {
            try await transport.client(["a", "b"]).sendRawTransaction(raw)
        }
        #expect(transport.posts.count == 1)
    }

    @Test func `an objection after nothing was delivered is final too`() async {
        let transport = ScriptedTransport([
            .fail(.notSent(reason: "no route")), .reply(#""error":{"code":-32000,"message":"nonce too low"}"#),
        ])
        await #expect(throws: RPCError.rejected(code: -32000, message: "nonce too low", reason: .nonceTooLow)) {
            try await transport.client(["a", "b"]).sendRawTransaction(raw)
        }
    }

    @Test func `an objection after a possible delivery may be about this very transaction`() async {
        let transport = ScriptedTransport([
            .fail(.noAnswer(reason: "time is up")), .reply(#""error":{"code":-32000,"message":"nonce too low"}"#),
        ])
        let error = await #expect(throws: RPCError.self) { try await transport.client(["a", "b"]).sendRawTransaction(raw) }
        guard case .unavailable(_, mayHaveBeenDelivered: true)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a node that answers with another hash has not understood`() async {
        let transport = ScriptedTransport([.reply(#""result":"\#(Bytes32.zero)""#)])
        await #expect(
            throws: RPCError.unavailable(reason: "the node answered with another hash", mayHaveBeenDelivered: true)
        ) { try await transport.client().sendRawTransaction(raw) }
    }

    @Test func `a cancelled call asks no endpoint`() async {
        let transport = ScriptedTransport([.fail(.noAnswer(reason: "cancelled")), .reply(#""result":7"#)])
        let client = transport.client(["a", "b"])
        await withTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask { _ = try? await client.call(RPCRequest("x")) }
        }
        #expect(transport.posts.isEmpty)
    }
}

private let raw: [UInt8] = [2, 1]
private let hash = Keccak256.hash(raw)
