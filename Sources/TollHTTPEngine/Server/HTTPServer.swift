// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// A strict HTTP/1.1 server on every loop of a group: the kernel spreads connections over them, and a connection stays on
/// its loop. It listens on any number of endpoints, each plain or over TLS.
public final class HTTPServer: Sendable {
    /// The addresses listened on, in the endpoints' order, with the ports really used where 0 was asked for.
    public let addresses: [PeerAddress]
    /// Held: the server runs only as long as its loops.
    private let group: EventLoopGroup
    private let shards: [LoopBound<ServerShard>]
    private let files: [BoundFile]

    /// Starts to listen. The server stops with ``drain(within:)``.
    ///
    /// - Parameters:
    ///   - endpoints: At least one.
    ///   - handler: Who answers where an endpoint has no handler of its own.
    ///   - client: Sends, on the loops of the same group, what handlers say is to be passed on; without it they are asked to
    ///     handle everything. Its connections are to be those that the handlers' own calls use.
    /// - Throws: `invalidMessage` when a host is no address, `unavailable` when an address is taken or not ours.
    public init(
        group: EventLoopGroup,
        endpoints: [ServerEndpoint],
        handler: any RequestHandler,
        passingBy client: LoopHTTPClient? = nil,
        limits: ServerLimits = ServerLimits()
    ) async throws(HTTPError) {
        precondition(!endpoints.isEmpty, "A server listens somewhere.")
        let bound = try Self.bind(endpoints, count: group.loops.count)
        self.group = group
        self.addresses = bound.map(\.address)
        self.files = bound.compactMap(\.file)
        let connectionMax = Self.connectionMax(limits, group)
        let networks = NetworkCounts()
        var shards: [LoopBound<ServerShard>] = []
        for (index, loop) in group.loops.enumerated() {
            let sockets = zip(bound, endpoints).map { ($0.sockets[index], $1) }
            let started = await withCheckedContinuation { (done: CheckedContinuation<LoopBound<ServerShard>?, Never>) in
                loop.execute { _ in
                    let shard = ServerShard(
                        loop, handler: handler, client: client?.shard(on: loop), limits: limits,
                        connectionMax: connectionMax, networks: networks)
                    do throws(SystemError) {
                        try shard.listen(on: sockets)
                        done.resume(returning: LoopBound(current: shard, of: loop))
                    } catch {
                        done.resume(returning: nil)
                    }
                }
            }
            guard let started else { throw HTTPError(.unavailable, "a listening socket cannot be watched") }
            shards.append(started)
        }
        self.shards = shards
    }

    /// The same on one address, plain.
    ///
    /// - Parameters:
    ///   - host: An IP address: `127.0.0.1`, `0.0.0.0`, `::`.
    ///   - port: 0 for a free one.
    public convenience init(
        group: EventLoopGroup,
        host: String,
        port: UInt16,
        handler: any RequestHandler,
        passingBy client: LoopHTTPClient? = nil,
        limits: ServerLimits = ServerLimits()
    ) async throws(HTTPError) {
        let endpoint = ServerEndpoint(.tcp(host: host, port: port))
        try await self.init(group: group, endpoints: [endpoint], handler: handler, passingBy: client, limits: limits)
    }

    /// The first address listened on.
    public var address: PeerAddress { self.addresses[0] }

    /// The port of the first address.
    public var port: UInt16 { self.address.port }

    /// Serves by `handler` and within `limits` the requests that come from now on, on the same addresses and over the same
    /// connections. What is under way ends as it began: nothing is lost. Returns when every loop has changed over.
    ///
    /// - Parameter handler: Nil for the one there is.
    public func replace(handler: (any RequestHandler)?, limits: ServerLimits) async {
        let connectionMax = Self.connectionMax(limits, self.group)
        for shard in self.shards {
            await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
                shard.execute { shard in
                    shard.replace(handler: handler, limits: limits, connectionMax: connectionMax)
                    done.resume()
                }
            }
        }
    }

    private static func connectionMax(_ limits: ServerLimits, _ group: EventLoopGroup) -> Int {
        max(1, limits.connections / group.loops.count)
    }

    /// Accepts nobody any more, closes idle connections, lets active requests finish and closes after their answers.
    /// What is left after `time` is cut. Returns when no connection is left.
    public func drain(within time: Duration) async {
        for file in self.files { file.remove() }
        await withTaskGroup(of: Void.self) { group in
            for shard in self.shards {
                group.addTask {
                    await withCheckedContinuation { done in shard.execute { $0.drain(within: time, done) } }
                }
            }
        }
    }

    private static func bind(_ endpoints: [ServerEndpoint], count: Int) throws(HTTPError) -> [BoundEndpoint] {
        var bound: [BoundEndpoint] = []
        do throws(HTTPError) {
            for endpoint in endpoints { bound.append(try BoundEndpoint(endpoint.location, count: count)) }
            return bound
        } catch {
            for endpoint in bound { endpoint.close() }
            throw error
        }
    }
}
