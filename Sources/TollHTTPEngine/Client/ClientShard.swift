// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// A client's part on one loop: the connections it opened there, by origin.
final class ClientShard {
    private final class Pool {
        var idle: [ClientConnection] = []
        var openCount = 0
        var waiting: [ClientExchange] = []
    }

    let loop: EventLoop
    let limits: ClientLimits
    private let resolver: Resolver
    private let authorities: String?
    private var pools: [Origin: Pool] = [:]

    init(_ loop: EventLoop, limits: ClientLimits, resolver: Resolver, authorities: String?) {
        self.authorities = authorities
        self.loop = loop
        self.limits = limits
        self.resolver = resolver
    }

    var core: LoopCore { self.loop.core }

    /// Finds a connection for an exchange: one that waits, a new one, or a place in the queue.
    ///
    /// - Parameter fresh: Takes no connection that has carried another exchange.
    func dispatch(_ exchange: ClientExchange, fresh: Bool = false) {
        let origin = exchange.request.origin
        if !fresh, let connection = self.pools[origin]?.idle.popLast() {
            exchange.isOnUsedConnection = true
            return connection.carry(exchange)
        }
        let openMax = exchange.request.connectionMax ?? self.limits.connectionsPerOrigin
        guard (self.pools[origin]?.openCount ?? 0) < openMax else {
            return self.enqueue(exchange)
        }
        exchange.isOnUsedConnection = false
        self.pool(of: origin).openCount += 1
        let bound = LoopBound(current: exchange, of: self.loop)
        let shard = LoopBound(current: self, of: self.loop)
        self.resolver.resolve(origin.host, port: origin.port) { addresses in
            shard.execute { shard in bound.ifCurrent.map { shard.connect($0, to: addresses) } }
        }
    }

    /// The pool of an origin, which begins with its first connection.
    private func pool(of origin: Origin) -> Pool {
        if let pool = self.pools[origin] { return pool }
        let pool = Pool()
        self.pools[origin] = pool
        return pool
    }

    private func enqueue(_ exchange: ClientExchange) {
        let origin = exchange.request.origin
        self.pools[origin]?.waiting.removeAll { $0.isOver }
        guard (self.pools[origin]?.waiting.count ?? 0) < self.limits.waitingPerOrigin else { return exchange.isCrowdedOut() }
        self.pools[origin]?.waiting.append(exchange)
    }

    /// Connects to the first of the addresses; the others are kept for the case that it fails. The place in the pool
    /// is taken already.
    func connect(_ exchange: ClientExchange, to addresses: [SocketAddress], lastFault: String = "the name has no address") {
        guard !exchange.isOver, let address = addresses.first else {
            self.left(exchange.request.origin)
            return exchange.unreachable(lastFault)
        }
        exchange.otherAddresses = Array(addresses.dropFirst())
        let tls = self.session(for: exchange.request)
        guard tls != nil || exchange.request.origin.scheme == .http else {
            self.left(exchange.request.origin)
            return exchange.handshakeFailed("the authorities cannot be read")
        }
        do throws(SystemError) {
            let socket = try Socket.connecting(to: address)
            let connection = ClientConnection(socket, tls, origin: exchange.request.origin, shard: self, exchange: exchange)
            do throws(SystemError) {
                try connection.open()
                exchange.connecting(connection)
            } catch {
                socket.close()
                throw error
            }
        } catch {
            self.connect(exchange, to: exchange.otherAddresses, lastFault: "\(error)")
        }
    }

    private func session(for request: ClientRequest) -> TLSSession? {
        guard request.origin.scheme == .https else { return nil }
        return ClientTLS(authorities: request.security.authorities ?? self.authorities)?.session(to: request.origin.host)
    }

    /// Tries further addresses after a connection to the first has failed and left its place.
    func retryConnecting(_ exchange: ClientExchange, to addresses: [SocketAddress], lastFault: String) {
        self.pool(of: exchange.request.origin).openCount += 1
        self.connect(exchange, to: addresses, lastFault: lastFault)
    }

    /// The exchange is over and its connection could carry another one.
    func release(_ connection: ClientConnection) {
        let origin = connection.origin
        guard connection.rest() else { return connection.close() }
        if let next = self.nextWaiting(origin) {
            next.isOnUsedConnection = true
            connection.carry(next)
        } else if (self.pools[origin]?.idle.count ?? 0) < self.limits.idleConnectionsPerOrigin {
            self.pools[origin]?.idle.append(connection)
        } else {
            connection.close()
        }
    }

    func closed(_ connection: ClientConnection) {
        self.pools[connection.origin]?.idle.removeAll { $0 === connection }
        self.left(connection.origin)
    }

    /// A place in the pool is free again.
    private func left(_ origin: Origin) {
        self.pools[origin]?.openCount -= 1
        if let next = self.nextWaiting(origin) {
            self.dispatch(next)
        } else if let pool = self.pools[origin], pool.openCount == 0 {
            self.pools[origin] = nil
        }
    }

    private func nextWaiting(_ origin: Origin) -> ClientExchange? {
        while let next = self.pools[origin]?.waiting.first {
            self.pools[origin]?.waiting.removeFirst()
            if !next.isOver { return next }
        }
        return nil
    }
}
