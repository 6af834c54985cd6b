// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// A client over libcurl, for TLS and HTTP/2, on the loops of a group. Certificates are verified, redirects are not
/// followed, no proxy is used whatever the environment says.
public final class CurlClient: HTTPClient {
    private let group: EventLoopGroup
    private let limits: ClientLimits
    private let authorities: String?
    private let shards: [LoopBound<CurlMulti>]

    /// A client on these loops.
    ///
    /// - Parameter authorities: A PEM file of the certificate authorities to trust instead of the system's.
    public init(group: EventLoopGroup, limits: ClientLimits = ClientLimits(), authorities: String? = nil) {
        self.group = group
        self.limits = limits
        self.authorities = authorities
        self.shards = group.loops.map { LoopBound(CurlMulti($0, limits: limits), on: $0) }
    }

    /// Sends a request and returns when the head of its response is here, with the whole body when that is short.
    public func send(_ request: ClientRequest) async throws(HTTPError) -> ClientResponse {
        let shard = self.shard
        let transfer = LoopBound(CurlTransfer(request, limits: self.limits, authorities: self.authorities), on: shard.loop)
        request.caller?.whenGone { transfer.execute { $0.cancel() } }
        return try await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                shard.execute { multi in transfer.ifCurrent?.start(on: multi, waiter) }
            }
        } onCancel: {
            transfer.execute { $0.cancel() }
        }.get()
    }

    private var shard: LoopBound<CurlMulti> {
        guard let loop = EventLoop.current, self.group.owns(loop) else { return self.shards[0] }
        return self.shards[loop.index]
    }
}

/// The engine's client: our own machines for `http`, libcurl for `https`; our own for both where a connection leaves HTTP.
public struct EngineHTTPClient: HTTPClient {
    /// Sends what needs no libcurl.
    public let plain: LoopHTTPClient
    private let secure: CurlClient

    /// A client on these loops.
    ///
    /// - Parameter authorities: A PEM file of the certificate authorities to trust instead of the system's.
    public init(group: EventLoopGroup, limits: ClientLimits = ClientLimits(), authorities: String? = nil) {
        self.plain = LoopHTTPClient(group: group, limits: limits, authorities: authorities)
        self.secure = CurlClient(group: group, limits: limits, authorities: authorities)
    }

    /// Sends a request by the client for its scheme.
    public func send(_ request: consuming ClientRequest) async throws(HTTPError) -> ClientResponse {
        switch request.origin.scheme {
        case .http: try await self.plain.send(consume request)
        case .https where request.upgrade != nil: try await self.plain.send(consume request)
        case .https: try await self.secure.send(request)
        }
    }
}
