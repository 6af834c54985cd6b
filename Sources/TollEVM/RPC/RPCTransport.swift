// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Carries a JSON-RPC body to a node and its answer back. Implemented over an HTTP client; by a script in tests.
public protocol RPCTransport: Sendable {
    /// Sends one POST with `Content-Type: application/json` and returns the whole answer, whatever its status.
    ///
    /// - Parameters:
    ///   - url: The node's address. It often holds an API key: never log it.
    ///   - deadline: How long from now it may take in all.
    func post(url: String, body: [UInt8], deadline: Duration) async throws(RPCTransportError) -> (status: Int, body: [UInt8])
}

/// Why there was no HTTP answer.
public enum RPCTransportError: Error, Hashable, Sendable {
    /// The request never left: no address, no connection, no TLS. The reason holds no URL.
    case notSent(reason: String)
    /// It may have arrived: the connection broke, or time was up. The reason holds no URL.
    case noAnswer(reason: String)
}
