// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// A method of a node and its arguments.
public struct RPCRequest: Hashable, Sendable {
    /// Such as `eth_call`.
    public let method: String
    /// In the method's order.
    public let params: [JSON]

    /// A request of `method`.
    public init(_ method: String, _ params: [JSON] = []) {
        self.method = method
        self.params = params
    }
}

/// JSON-RPC 2.0: requests to bytes and bytes to results, without I/O.
enum JSONRPC {
    /// What an HTTP answer to a batch is.
    enum BatchReply: Equatable {
        /// One result per request, in the requests' order.
        case results([Result<JSON, RPCError>])
        /// The endpoint does not take batches.
        case refused
        /// Nothing that can be understood.
        case garbage(String)
    }

    /// The body for one request.
    static func body(_ request: RPCRequest, id: UInt64) -> [UInt8] {
        object(request, id: id).utf8
    }

    /// The body for several, numbered from `firstID`.
    static func body(_ requests: [RPCRequest], firstID: UInt64) -> [UInt8] {
        JSON.array(requests.enumerated().map { object($0.element, id: firstID + UInt64($0.offset)) }).utf8
    }

    /// Reads the answer to one request.
    static func result(status: Int, body: [UInt8], id: UInt64) -> Result<JSON, RPCError> {
        guard mayHoldReply(status) else { return .failure(refusal(status)) }
        guard let reply = try? JSON(parsing: body) else {
            return .failure(status == 200 ? .uninformative("the answer is no JSON") : refusal(status))
        }
        guard let result = result(of: reply, expecting: id) else {
            return .failure(status == 200 ? .uninformative("the answer is no reply to what was asked") : refusal(status))
        }
        if status != 200, case .success = result { return .failure(refusal(status)) }
        return result
    }

    /// Reads the answer to several requests, in whatever order the replies come.
    static func results(status: Int, body: [UInt8], firstID: UInt64, count: Int) -> BatchReply {
        // A proxy that knows no batches answers with one of these; a 429 or 5xx says nothing about batches.
        if [400, 405, 413, 415, 422, 501].contains(status) { return .refused }
        guard status == 200 else { return .garbage("HTTP status \(status)") }
        guard let reply = try? JSON(parsing: body) else { return .garbage("the answer is no JSON") }
        guard let replies = reply.array else {
            return reply["error"]?.object != nil ? .refused : .garbage("the answer to a batch is no array")
        }
        if replies.count == 1, count > 1, replies[0]["error"]?["code"]?.integer == invalidRequest { return .refused }
        guard replies.count <= count else { return .garbage("more replies than requests") }
        var results = [Result<JSON, RPCError>?](repeating: nil, count: count)
        for reply in replies {
            guard let id = reply["id"]?.integer, id >= 0, UInt64(id) >= firstID, UInt64(id) - firstID < count else {
                return .garbage("a reply in the batch has an id that was not asked")
            }
            let index = Int(UInt64(id) - firstID)
            guard results[index] == nil else { return .garbage("two replies in the batch have the same id") }
            let malformed = RPCError.uninformative("a reply in the batch is malformed")
            results[index] = result(of: reply, expecting: UInt64(id)) ?? .failure(malformed)
        }
        return .results(results.map { $0 ?? .failure(.uninformative("a reply is missing from the batch")) })
    }

    /// What go-ethereum answers, once for all, to a batch that is too long for it.
    private static let invalidRequest: Int64 = -32600

    private static func object(_ request: RPCRequest, id: UInt64) -> JSON {
        ["jsonrpc": "2.0", "id": .integer(id), "method": .string(request.method), "params": .array(request.params)]
    }

    /// Nil when `reply` is no JSON-RPC reply with that id.
    private static func result(of reply: JSON, expecting id: UInt64) -> Result<JSON, RPCError>? {
        guard reply["jsonrpc"]?.string == "2.0", reply["id"]?.integer == Int64(exactly: id) else { return nil }
        switch (reply["result"], reply["error"]) {
        case (let result?, nil), (let result?, .some(.null)):
            return .success(result)
        case (nil, let error?), (.some(.null), let error?):
            guard let code = error["code"]?.integer, let message = error["message"]?.string else { return nil }
            return .failure(RPCError(code: code, message: message, data: error["data"]))
        default:
            return nil
        }
    }

    /// Some nodes answer 400 with a proper reply; every other failing status is the endpoint's own.
    private static func mayHoldReply(_ status: Int) -> Bool { status == 200 || status == 400 }

    /// An endpoint that refuses at the door (no key, too many requests, no such path) has not acted.
    private static func refusal(_ status: Int) -> RPCError {
        let untouched = [400, 401, 403, 404, 405, 413, 415, 429].contains(status)
        return .unavailable(reason: "HTTP status \(status)", mayHaveBeenDelivered: !untouched)
    }
}

extension RPCError {
    /// An answer that says nothing about the chain: it cannot be understood, or tells of the node's own trouble. The node may
    /// have acted.
    static func uninformative(_ reason: String) -> RPCError {
        .unavailable(reason: reason, mayHaveBeenDelivered: true)
    }
}
