// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// Where a facilitator is, and what it wants to see of us.
public struct FacilitatorEndpoint: Sendable {
    /// The base: `/verify`, `/settle` and `/supported` are appended to its path. Without a query.
    public let url: URLParts
    /// Fields of every request: `Authorization` …
    public let headers: Fields

    /// An endpoint.
    public init(url: URLParts, headers: Fields = [:]) {
        self.url = url
        self.headers = headers
    }

    /// The request of `call`, as `/settle`.
    func request(_ method: Method, _ call: String, fields: Fields = [:], body: ClientBody = .none, deadline: Duration)
        -> ClientRequest
    {
        var base = self.url.target[...]
        while base.last == UInt8(ascii: "/") { base.removeLast() }
        var all: Fields = ["Accept": "application/json"]
        all.append(contentsOf: fields)
        all.append(contentsOf: self.headers)
        return ClientRequest(
            method,
            self.url.origin,
            target: Array(base) + Array(call.utf8),
            fields: all,
            body: body,
            deadline: deadline,
            bodyIdle: deadline
        )
    }
}
