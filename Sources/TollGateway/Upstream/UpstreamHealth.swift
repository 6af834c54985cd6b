// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
public import TollHTTP
public import TollRuntime

/// One address of an upstream, and how it does.
public struct UpstreamStanding: Hashable, Sendable {
    /// The upstream's name.
    public let upstream: String
    /// Where it listens.
    public let address: Origin
    /// Whether requests go there: it does not rest after failures.
    public let isInUse: Bool
}

/// Asks upstreams whether they are well, each as often as its settings say: those of the gateway that is in force.
public final class UpstreamHealth: Service {
    /// How often it is looked which are due: settings are in seconds.
    private static let interval = Duration.seconds(1)

    public let name = "upstream health"
    private let gateway: Mutex<Gateway>
    private let environment: Environment

    /// The health of the upstreams of `gateway`.
    public init(of gateway: Gateway, environment: Environment) {
        self.gateway = Mutex(gateway)
        self.environment = environment
    }

    /// Another gateway is in force.
    public func follow(_ gateway: Gateway) { self.gateway.withLock { $0 = gateway } }

    /// The addresses of all upstreams, and whether each is in use.
    public var standing: [UpstreamStanding] { self.gateway.withLock { $0.table.pools }.flatMap(\.standing) }

    /// Until the group stops.
    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    let pools = self.gateway.withLock { $0.table.pools }
                    await withTaskGroup(of: Void.self) { group in
                        for pool in pools { group.addTask { await pool.askIfDue() } }
                    }
                    try await self.environment.sleep(for: Self.interval)
                }
            }
        } catch is CancellationError {}
    }
}
