// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollHTTP

/// A listening socket on one loop. Level-triggered: whoever is not accepted now is told of again.
final class ServerListener: Watcher {
    /// Who answers here, if not the server's own handler.
    let handler: (any RequestHandler)?
    private let tls: ServerTLS?
    private let isUnix: Bool
    private let socket: Socket
    private unowned let shard: ServerShard
    private var isPaused = false
    private var lacksFiles = false

    /// Connections accepted per event, so that a flood of them does not starve those that are open.
    private static let batch = 64
    /// Without file descriptors, try again this often.
    private static let pause: Duration = .milliseconds(100)

    init(_ socket: Socket, _ endpoint: ServerEndpoint, shard: ServerShard) {
        self.socket = socket
        self.handler = endpoint.handler
        self.tls = endpoint.tls
        self.isUnix = if case .unix = endpoint.location { true } else { false }
        self.shard = shard
    }

    func open() throws(SystemError) { try self.shard.core.register(self, self.socket.descriptor, .readable) }

    override func ready(_ readiness: Readiness) {
        for _ in 0..<Self.batch {
            guard !self.shard.isFull else { return self.suspend() }
            do throws(SystemError) {
                guard let (socket, address) = try self.socket.accept() else { return }
                self.accepted(socket, address)
                if socket.isAmongTheLast { return self.waitForFiles() }
            } catch {
                // The peer may have gone while it waited (ECONNABORTED): the next one is none the worse.
                guard error.isOutOfFiles else { continue }
                return self.waitForFiles()
            }
        }
    }

    private func accepted(_ socket: Socket, _ address: SocketAddress) {
        let network = self.isUnix ? 0 : address.network
        guard self.shard.networks.enter(network, limit: self.shard.limits.connectionsPerAddress) else { return socket.close() }
        let session = self.tls?.session()
        guard self.tls == nil || session != nil else {
            self.shard.networks.leave(network)
            return socket.close()
        }
        let peer = self.isUnix ? PeerAddress.unix : address.peer
        let connection = ServerConnection(
            ServerWire(socket, session), peer: peer, network: network, listener: self, shard: self.shard)
        self.shard.open(connection)
    }

    override func deadlinePassed() {
        guard Socket.isAnyLeft else { return self.shard.core.setDeadline(self, after: Self.pause) }
        self.lacksFiles = false
        self.resume()
    }

    override func loopEnds() { self.close() }

    private func waitForFiles() {
        self.lacksFiles = true
        self.suspend()
        self.shard.core.setDeadline(self, after: Self.pause)
    }

    private func suspend() {
        self.isPaused = true
        self.shard.core.change(self, self.socket.descriptor, [])
    }

    func resume() {
        guard self.isPaused, !self.lacksFiles, !self.shard.isFull else { return }
        self.isPaused = false
        self.shard.core.change(self, self.socket.descriptor, .readable)
    }

    func close() {
        // Of a Unix socket other loops hold duplicates, so that closing alone would not take it out of epoll.
        if self.isUnix { self.shard.core.unwatch(self.socket.descriptor) }
        self.shard.core.forget(self)
        self.socket.close()
    }
}

/// How many connections each address has, over all loops of a server.
final class NetworkCounts: Sendable {
    private let counts = Mutex<[UInt64: Int]>([:])

    /// Counts one more connection of a network; false when it has as many as it may. 0 stands for those not counted.
    func enter(_ network: UInt64, limit: Int) -> Bool {
        guard network != 0 else { return true }
        return self.counts.withLock { counts in
            let count = counts[network, default: 0]
            guard count < limit else { return false }
            counts[network] = count + 1
            return true
        }
    }

    /// One of them has ended.
    func leave(_ network: UInt64) {
        guard network != 0 else { return }
        self.counts.withLock { counts in
            guard let count = counts[network] else { return }
            counts[network] = count > 1 ? count - 1 : nil
        }
    }
}
