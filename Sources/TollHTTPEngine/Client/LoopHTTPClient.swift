// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// A strict HTTP/1.1 client for `http://` origins on the loops of a group, with a pool of kept-alive connections per loop
/// and origin; and for `https://` ones where a connection is to leave HTTP. A request sent from a loop's task stays on that
/// loop; from elsewhere it goes to the first.
public final class LoopHTTPClient: HTTPClient {
    private let group: EventLoopGroup
    private let limits: ClientLimits
    private let shards: [LoopBound<ClientShard>]

    /// A client on these loops. Opens nothing yet.
    ///
    /// - Parameter authorities: A PEM file of the certificate authorities to trust instead of the system's.
    public init(group: EventLoopGroup, limits: ClientLimits = ClientLimits(), authorities: String? = nil) {
        let resolver = Resolver(lifetime: limits.resolutionTime)
        self.group = group
        self.limits = limits
        self.shards = group.loops.map {
            LoopBound(ClientShard($0, limits: limits, resolver: resolver, authorities: authorities), on: $0)
        }
    }

    /// Sends a request and returns when the head of its response is here, with the whole body when that is short.
    ///
    /// - Throws: See ``HTTPError``; `invalidMessage` for an `https` origin without a switch of protocols, framing fields, a
    ///   target that is no origin-form.
    public func send(_ request: consuming ClientRequest) async throws(HTTPError) -> ClientResponse {
        guard request.origin.scheme == .http || request.upgrade != nil else {
            throw HTTPError(.invalidMessage, "not a plain HTTP origin: \(request.origin)", isBeforeSend: true)
        }
        let shard = self.shard
        let caller = request.caller
        let exchange = LoopBound(ClientExchange(request, limits: self.limits), on: shard.loop)
        caller?.whenGone { exchange.execute { $0.cancel() } }
        return try await withTaskCancellationHandler {
            await withLoopContinuation { waiter in
                // The usual way takes no memory.
                if let shard = shard.ifCurrent, let exchange = exchange.ifCurrent { return exchange.start(in: shard, waiter) }
                shard.execute { shard in exchange.ifCurrent?.start(in: shard, waiter) }
            }
        } onCancel: {
            exchange.execute { $0.cancel() }
        }.get()
    }

    /// Its part on a loop of its group. Only on that loop's thread.
    func shard(on loop: EventLoop) -> ClientShard? {
        guard self.group.owns(loop) else { return nil }
        return self.shards[loop.index].ifCurrent
    }

    private var shard: LoopBound<ClientShard> {
        guard let loop = EventLoop.current, self.group.owns(loop) else { return self.shards[0] }
        return self.shards[loop.index]
    }
}
