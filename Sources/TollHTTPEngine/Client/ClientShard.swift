// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// A client's part on one loop: the connections it opened there, by origin.
final class ClientShard {
    /// What goes to one origin.
    final class Pool {
        let origin: Origin
        var idle: [ClientConnection] = []
        var openCount = 0
        var waiting: [ClientExchange] = []

        init(_ origin: Origin) { self.origin = origin }

        /// The exchange whose turn is next; it waits no more.
        func takeWaiting() -> ClientExchange? {
            while !self.waiting.isEmpty {
                let next = self.waiting.removeFirst()
                if !next.isOver { return next }
            }
            return nil
        }
    }

    let loop: EventLoop
    let limits: ClientLimits
    private let resolver: Resolver
    private let authorities: String?
    private var pools: [Origin: Pool] = [:]
    /// The pool that was asked for last: most requests go where the one before went.
    private var latest: Pool?
    /// What is used by one exchange after the other: nobody has it between two events.
    var scratch = ClientScratch()

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
        let pool = self.pool(of: origin)
        if !fresh, let connection = pool.idle.popLast() {
            exchange.isOnUsedConnection = true
            return connection.carry(exchange)
        }
        guard pool.openCount < exchange.request.connectionMax ?? self.limits.connectionsPerOrigin else {
            return self.enqueue(exchange, in: pool)
        }
        exchange.isOnUsedConnection = false
        pool.openCount += 1
        let bound = LoopBound(current: exchange, of: self.loop)
        let shard = LoopBound(current: self, of: self.loop)
        self.resolver.resolve(origin.host, port: origin.port) { addresses in
            shard.execute { shard in bound.ifCurrent.map { shard.connect($0, to: addresses) } }
        }
    }

    /// The pool of an origin, which begins with its first connection.
    private func pool(of origin: Origin) -> Pool {
        if let latest = self.latest, latest.origin == origin { return latest }
        let pool = self.pools[origin] ?? Pool(origin)
        self.pools[origin] = pool
        self.latest = pool
        return pool
    }

    private func enqueue(_ exchange: ClientExchange, in pool: Pool) {
        pool.waiting.removeAll { $0.isOver }
        guard pool.waiting.count < self.limits.waitingPerOrigin else { return exchange.isCrowdedOut() }
        pool.waiting.append(exchange)
    }

    /// Connects to the first of the addresses; the others are kept for the case that it fails. The place in the pool
    /// is taken already.
    func connect(_ exchange: ClientExchange, to addresses: [SocketAddress], lastFault: String = "the name has no address") {
        let pool = self.pool(of: exchange.request.origin)
        guard !exchange.isOver, let address = addresses.first else {
            self.left(pool)
            return exchange.unreachable(lastFault)
        }
        exchange.otherAddresses = Array(addresses.dropFirst())
        let tls = self.session(for: exchange.request)
        guard tls != nil || exchange.request.origin.scheme == .http else {
            self.left(pool)
            return exchange.handshakeFailed("the authorities cannot be read")
        }
        do throws(SystemError) {
            let socket = try Socket.connecting(to: address)
            let connection = ClientConnection(socket, tls, in: pool, of: self, for: exchange)
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
        guard connection.rest() else { return connection.close() }
        if let next = connection.pool.takeWaiting() {
            next.isOnUsedConnection = true
            connection.carry(next)
        } else if connection.pool.idle.count < self.limits.idleConnectionsPerOrigin {
            connection.pool.idle.append(connection)
        } else {
            connection.close()
        }
    }

    func closed(_ connection: ClientConnection) {
        connection.pool.idle.removeAll { $0 === connection }
        self.left(connection.pool)
    }

    /// A place in the pool is free again.
    private func left(_ pool: Pool) {
        pool.openCount -= 1
        if let next = pool.takeWaiting() {
            self.dispatch(next)
        } else if pool.openCount == 0 {
            self.pools[pool.origin] = nil
            self.latest = nil
        }
    }
}
