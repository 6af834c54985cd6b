// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// A strict HTTP/1.1 server on every loop of a group, all on one port (`SO_REUSEPORT`): the kernel spreads connections
/// over them, and a connection stays on its loop.
public final class HTTPServer: Sendable {
    /// The address listened on, with the port really used when 0 was asked for.
    public let address: PeerAddress
    /// Held: the server runs only as long as its loops.
    private let group: EventLoopGroup
    private let shards: [LoopBound<ServerShard>]

    /// Starts to listen. The server stops with ``drain(within:)``.
    ///
    /// - Parameters:
    ///   - host: An IP address: `127.0.0.1`, `0.0.0.0`, `::`.
    ///   - port: 0 for a free one.
    /// - Throws: `invalidMessage` when `host` is no address, `unavailable` when the address is taken or not ours.
    public init(
        group: EventLoopGroup,
        host: String,
        port: UInt16,
        handler: any RequestHandler,
        limits: ServerLimits = ServerLimits()
    ) async throws(HTTPError) {
        let sockets = try Self.bind(host, port, count: group.loops.count)
        self.group = group
        self.address = PeerAddress(ip: host, port: sockets[0].localPort)
        let connectionMax = Self.connectionMax(limits, group)
        var shards: [LoopBound<ServerShard>] = []
        for (loop, socket) in zip(group.loops, sockets) {
            let started = await withCheckedContinuation { (done: CheckedContinuation<LoopBound<ServerShard>?, Never>) in
                loop.execute { _ in
                    let shard = ServerShard(loop, handler: handler, limits: limits, connectionMax: connectionMax)
                    do throws(SystemError) {
                        try shard.listen(on: socket)
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

    /// The port listened on.
    public var port: UInt16 { self.address.port }

    /// Serves by `handler` and within `limits` the requests that come from now on, on the same addresses and over the same
    /// connections. What is under way ends as it began: nothing is lost. Returns when every loop has changed over.
    public func replace(handler: any RequestHandler, limits: ServerLimits) async {
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
        await withTaskGroup(of: Void.self) { group in
            for shard in self.shards {
                group.addTask {
                    await withCheckedContinuation { done in shard.execute { $0.drain(within: time, done) } }
                }
            }
        }
    }

    private static func bind(_ host: String, _ port: UInt16, count: Int) throws(HTTPError) -> [Socket] {
        guard let address = SocketAddress(ip: host, port: port) else {
            throw HTTPError(.invalidMessage, "not an IP address to listen on: \(host)")
        }
        var sockets: [Socket] = []
        do throws(SystemError) {
            sockets.append(try Socket.listening(on: address))
            let shared = SocketAddress(ip: host, port: sockets[0].localPort) ?? address
            while sockets.count < count { sockets.append(try Socket.listening(on: shared)) }
            return sockets
        } catch {
            for socket in sockets { socket.close() }
            throw HTTPError(.unavailable, "cannot listen on \(host), port \(port): \(error)")
        }
    }
}
