// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// Asks the nodes of one EVM chain in types.
///
/// A result that is not of the form it must have is reported as unavailable: a node that talks nonsense has told nothing about
/// the chain.
public struct EVMClient: Sendable {
    private let rpc: RPCClient

    /// A client over `rpc`.
    public init(_ rpc: RPCClient) {
        self.rpc = rpc
    }

    /// How the nodes do, the preferred first.
    public var health: [RPCClient.Health] { self.rpc.health }

    /// Asks one question: `try await client.ask(.code(of: account))`.
    public func ask<Value>(_ query: EVMQuery<Value>) async throws(RPCError) -> Value {
        try query.value(of: try await self.rpc.call(query.request))
    }

    /// Asks many questions of one kind in one HTTP request; one answer per question, in order.
    public func ask<Value>(all queries: [EVMQuery<Value>]) async -> [Result<Value, RPCError>] {
        let results = await self.rpc.batch(queries.map(\.request))
        return zip(queries, results).map { query, result in query.read(result) }
    }

    /// Asks questions of different kinds in one HTTP request, all of the same node, so that the answers belong together:
    /// `let (code, balance) = await client.ask(.code(of: account), .balance(of: account))`.
    public func ask<each Value>(_ queries: repeat EVMQuery<each Value>) async -> (repeat Result<each Value, RPCError>) {
        var requests: [RPCRequest] = []
        repeat requests.append((each queries).request)
        var results = await self.rpc.batch(requests, ofOneNode: true)[...]
        return (repeat (each queries).read(results.removeFirst()))
    }

    /// Hands a signed transaction to the chain; already having it counts as success. See
    /// ``RPCClient/sendRawTransaction(_:)`` for what an error means.
    /// - Returns: The transaction's hash.
    @discardableResult
    public func send(_ raw: [UInt8]) async throws(RPCError) -> Bytes32 {
        try await self.rpc.sendRawTransaction(raw)
    }
}

extension EVMQuery {
    fileprivate func read(_ result: Result<JSON, RPCError>) -> Result<Value, RPCError> {
        do throws(RPCError) { return .success(try self.value(of: try result.get())) } catch { return .failure(error) }
    }
}
