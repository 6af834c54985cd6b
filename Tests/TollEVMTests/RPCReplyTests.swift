// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollPrimitives

/// What one reply means.
struct RPCReplyTests {
    @Test(arguments: [
        (#""result":"0x1""#, JSON.string("0x1")), (#""result":null"#, .null), (#""result":[],"error":null"#, .array([])),
    ])
    func `a result is returned as it came`(member: String, result: JSON) async throws {
        let transport = ScriptedTransport([.reply(member)])
        #expect(try await transport.client().call(RPCRequest("eth_test", ["0x2"])) == result)
        #expect(transport.posts.map(\.body) == [#"{"jsonrpc":"2.0","id":1,"method":"eth_test","params":["0x2"]}"#])
    }

    @Test(arguments: garbage)
    func `garbage is unavailable, and the node may have acted`(status: Int, body: String) async {
        let error = await failure(.http(status, body))
        guard case .unavailable(_, mayHaveBeenDelivered: true)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: [400, 401, 403, 404, 405, 413, 415, 429])
    func `a refusal at the endpoint's door is unavailable, and nothing was delivered`(status: Int) async {
        let error = await failure(.http(status, "no"))
        #expect(error == .unavailable(reason: "HTTP status \(status)", mayHaveBeenDelivered: false))
    }

    @Test(arguments: [
        (RPCTransportError.notSent(reason: "no route"), RPCError.unavailable(reason: "no route", mayHaveBeenDelivered: false)),
        (.noAnswer(reason: "time is up"), .unavailable(reason: "time is up", mayHaveBeenDelivered: true)),
    ])
    func `a fault of the network is unavailable`(fault: RPCTransportError, error: RPCError) async {
        #expect(await failure(.fail(fault)) == error)
    }

    @Test func `an answer over the limit is unavailable`() async {
        var limits = RPCClient.Limits()
        limits.answerBytes = 20
        let error = await failure(.reply(#""result":"0x1""#), limits: limits)
        #expect(error == .unavailable(reason: "the answer is too long", mayHaveBeenDelivered: true))
    }

    @Test(arguments: reverts)
    func `a revert is the chain's answer, with its data and reason`(member: String, data: String, reason: String) async {
        let error = await failure(.reply(member))
        guard case .revert(let found, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(Hex.encodePrefixed(found) == data)
        #expect(error?.revertReason == reason)
    }

    @Test(arguments: rejections)
    func `what a node objects to is told by its message`(message: String, reason: RPCError.Rejection) async {
        let error = await failure(.reply(#""error":{"code":-32000,"message":"\#(message)"}"#))
        #expect(error == .rejected(code: -32000, message: message, reason: reason))
    }

    @Test func `a reply with status 400 is still a reply when it is an error`() async {
        let body = #"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid argument"}}"#
        #expect(await failure(.http(400, body)) == .rejected(code: -32602, message: "invalid argument", reason: .other))
    }

    @Test(arguments: [
        (-32603, "Internal error"), (-32005, "limit exceeded"), (-32002, "resource unavailable"), (429, "slow down"),
        (-32000, "header not found"), (-32000, "missing trie node d5648cc9aef48154159d53800f2f"),
        (-32000, "Your app has exceeded its rate limit"), (-32000, "execution aborted (timeout = 5s)"),
    ])
    func `a node that is behind or busy has told nothing`(code: Int, message: String) async {
        let error = await failure(.reply(#""error":{"code":\#(code),"message":"\#(message)"}"#))
        #expect(error?.isUnavailable == true)
    }

    @Test func `an unknown method is told apart`() async {
        let error = await failure(.reply(#""error":{"code":-32601,"message":"the method eth_x does not exist"}"#))
        #expect(error == .rejected(code: -32601, message: "the method eth_x does not exist", reason: .methodNotFound))
    }
}

private func failure(_ line: ScriptedTransport.Line, limits: RPCClient.Limits = .init()) async -> RPCError? {
    do throws(RPCError) {
        _ = try await ScriptedTransport([line]).client(limits: limits).call(RPCRequest("eth_test"))
        return nil
    } catch {
        return error
    }
}

private let garbage: [(Int, String)] = [
    (200, ""),
    (200, "<html>busy</html>"),
    (200, "[]"),
    (200, "{}"),
    (200, #"{"jsonrpc":"2.0","id":1}"#),
    (200, #"{"jsonrpc":"2.0","id":2,"result":"0x1"}"#),
    (200, #"{"jsonrpc":"2.0","id":"1","result":"0x1"}"#),
    (200, #"{"jsonrpc":"2.0","id":null,"result":"0x1"}"#),
    (200, #"{"id":1,"result":"0x1"}"#),
    (200, #"{"jsonrpc":"1.0","id":1,"result":"0x1"}"#),
    (200, #"{"jsonrpc":"2.0","id":1,"result":"0x1"} "# + "x"),
    (200, #"{"jsonrpc":"2.0","id":1,"result":"0x1","error":{"code":1,"message":""}}"#),
    (200, #"{"jsonrpc":"2.0","id":1,"error":"execution reverted"}"#),
    (200, #"{"jsonrpc":"2.0","id":1,"error":{"code":"3","message":"execution reverted"}}"#),
    (200, #"{"jsonrpc":"2.0","id":1,"error":{"message":"execution reverted"}}"#),
    (200, #"[{"jsonrpc":"2.0","id":1,"result":"0x1"}]"#),
    (204, ""),
    (302, ""),
    (500, #"{"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"execution reverted"}}"#),
    (502, "execution reverted"),
    (503, ""),
    (504, ""),
]

private let reverts: [(String, String, String)] = [
    (
        #""error":{"code":3,"message":"execution reverted: no","data":"0x08c379a0\#(noArgument)"}"#,
        "0x08c379a0" + noArgument, "no"
    ),
    (#""error":{"code":3,"message":"execution reverted","data":"0x2c5211c6"}"#, "0x2c5211c6", "execution reverted"),
    (#""error":{"code":3,"message":"execution reverted","data":"0x08c379a0ff"}"#, "0x08c379a0ff", "execution reverted"),
    (
        #""error":{"code":3,"message":"execution reverted","data":"0x4e487b71\#(seventeen)"}"#,
        "0x4e487b71" + seventeen, "panic 0x11"
    ),
    (#""error":{"code":-32000,"message":"execution reverted"}"#, "0x", "execution reverted"),
    (#""error":{"code":-32000,"message":"Execution Reverted: x"}"#, "0x", "Execution Reverted: x"),
    (
        #""error":{"code":-32603,"message":"VM Exception while processing transaction: reverted with reason","#
            + #""data":{"data":"0x01"}}"#,
        "0x01", "VM Exception while processing transaction: reverted with reason"
    ),
    (#""error":{"code":-32015,"message":"VM execution error."}"#, "0x", "VM execution error."),
    (#""error":{"code":-32000,"message":"invalid opcode: INVALID"}"#, "0x", "invalid opcode: INVALID"),
    (#""error":{"code":3,"message":"execution reverted: nonce too low"}"#, "0x", "execution reverted: nonce too low"),
]
/// The ABI of the string "no".
private let noArgument =
    "0000000000000000000000000000000000000000000000000000000000000020"
    + "0000000000000000000000000000000000000000000000000000000000000002"
    + "6e6f000000000000000000000000000000000000000000000000000000000000"
private let seventeen = "0000000000000000000000000000000000000000000000000000000000000011"

private let rejections: [(String, RPCError.Rejection)] = [
    ("nonce too low", .nonceTooLow),
    ("nonce too low: next nonce 5, tx nonce 4", .nonceTooLow),
    ("OldNonce", .nonceTooLow),
    ("nonce too high", .nonceTooHigh),
    ("already known", .alreadyKnown),
    ("ALREADY_EXISTS: already known", .alreadyKnown),
    ("AlreadyKnown", .alreadyKnown),
    ("Known transaction", .alreadyKnown),
    ("unknown transaction type", .other),
    ("insufficient funds for gas * price + value: balance 0, tx cost 1", .insufficientFunds),
    ("Upfront cost exceeds account balance", .insufficientFunds),
    ("replacement transaction underpriced", .replacementUnderpriced),
    ("transaction underpriced: tip needed 2, tip permitted 1", .underpriced),
    ("max fee per gas less than block base fee: address 0x0, maxFeePerGas: 1, baseFee: 2", .underpriced),
    ("intrinsic gas too low: have 21000, want 21064", .gasLimit),
    ("exceeds block gas limit", .gasLimit),
    ("query returned more than 10000 results. Try with this block range [0x1, 0x2].", .tooMuch),
    ("Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range", .tooMuch),
    ("eth_getLogs is limited to a 10,000 range", .tooMuch),
    ("block range is too wide", .tooMuch),
    ("exceed maximum block range: 5000", .tooMuch),
    ("query exceeds max results 20000, retry with the range 1-2", .tooMuch),
    ("Requested range exceeds maximum range limit", .tooMuch),
    ("invalid sender", .other),
]
