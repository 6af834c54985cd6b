// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollRuntime

/// A real Redis server in a temporary directory, reached through a Unix socket there; keeps nothing on disk.
public final class RedisServer: Sendable {
    /// Starts, stops, kills and holds the server.
    public let process: SupervisedServer
    /// How it is reached: `unix://…`.
    public let url: String
    private let directory: TemporaryDirectory

    /// A server of its own, running. `settings` are further words of its command line, such as `--requirepass`.
    public static func start(_ settings: [String] = []) async throws -> RedisServer {
        let server = try RedisServer(settings)
        try await server.process.start()
        return server
    }

    private init(_ settings: [String]) throws {
        self.directory = try TemporaryDirectory(prefix: "tollgate-redis")
        let socket = "\(self.directory.path)/redis.sock"
        self.url = "unix://\(socket)"
        // Nothing is written, so that the server can be anybody's, root's too.
        self.process = try SupervisedServer(
            directory: self.directory.path, user: "root", probe: #"redis-cli -s "$directory/redis.sock" PING"#,
            command: [
                "/usr/bin/redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir",
                self.directory.path,
            ] + settings)
    }
}
