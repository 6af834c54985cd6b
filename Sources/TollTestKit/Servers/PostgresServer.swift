// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Dispatch
internal import Synchronization
internal import TollRuntime

/// A real PostgreSQL server: its own cluster in a temporary directory, reached through a Unix socket there and nowhere else.
///
/// Durable as it comes (`fsync` is on), because tests kill it. Needs the server's programs: Debian's package `postgresql`.
public final class PostgresServer: Sendable {
    /// The account that made the cluster and may do everything in it.
    private static let owner = "tollgate"
    /// Where Debian puts the programs, each version in a directory of its own.
    private static let versions = "/usr/lib/postgresql"

    /// Starts, stops, kills and holds the server.
    public let process: SupervisedServer
    private let directory: TemporaryDirectory
    private let programs: String
    private let databaseCount = Atomic<Int>(0)
    private let thread = DispatchQueue(label: "tollgate.test.postgres")

    /// A cluster of its own, running.
    public static func start() async throws -> PostgresServer {
        let server = try await PostgresServer()
        try await server.process.start()
        return server
    }

    /// The server that all tests of this process share. Not to be stopped: others are using it.
    public static func shared() async throws -> PostgresServer { try await self.sharedServer.value }

    private static let sharedServer = SharedValue { try await PostgresServer.start() }

    private init() async throws {
        guard let version = PrivateFiles.list(Self.versions).compactMap({ Int($0) }).max() else {
            throw SupervisedServer.Failure(description: "no PostgreSQL in \(Self.versions); Scripts/install installs it")
        }
        self.programs = "\(Self.versions)/\(version)/bin"
        self.directory = try TemporaryDirectory(prefix: "tollgate-postgres")
        let path = self.directory.path
        // The socket stands in a directory that only its owner enters, so whoever reaches it is let in.
        self.process = try SupervisedServer(
            directory: path, user: "postgres",
            probe: #""\#(self.programs)/pg_isready" -q -h "$directory" -d postgres -U \#(Self.owner)"#,
            command: [
                "\(self.programs)/postgres", "-D", "\(path)/data", "-k", path, "-c", "listen_addresses=",
                "-c", "shared_buffers=16MB", "-c", "max_connections=300",
            ])
        try await self.run(
            """
            [ "$(id -u)" = 0 ] && { chown postgres "$1" && exec setpriv --reuid=postgres --regid=postgres --init-groups -- \
            "$2/initdb" -D "$1/data" -U \(Self.owner) -A trust --no-sync -E UTF8 --locale=C; }
            exec "$2/initdb" -D "$1/data" -U \(Self.owner) -A trust --no-sync -E UTF8 --locale=C
            """)
    }

    /// Makes an empty database and gives its URL.
    public func makeDatabase() async throws -> String {
        let name = "ledger\(self.databaseCount.add(1, ordering: .relaxed).newValue)"
        try await self.execute("CREATE DATABASE \(name)")
        return self.url(database: name)
    }

    /// The URL of a database for one of the server's users; `options` are libpq's, such as `application_name=test`.
    public func url(database: String, user: String = "tollgate", options: String = "") -> String {
        let socket = self.directory.path.split(separator: "/").map { "%2F" + $0 }.joined()
        return "postgres://\(user)@\(socket)/\(database)\(options.isEmpty ? "" : "?\(options)")"
    }

    /// The database in a URL of ``url(database:user:options:)``.
    public static func database(in url: String) -> String {
        String((url.split(separator: "/").last ?? "").prefix { $0 != "?" })
    }

    /// Runs SQL as the server's owner and gives what `psql` prints of the rows: columns separated by `|`.
    @discardableResult
    public func execute(_ sql: String, database: String = "postgres") async throws -> String {
        try await self.run(
            #"exec "$2/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$1" -U "$3" -d "$4" -c "$5""#, [Self.owner, database, sql])
    }

    /// Runs a shell's script with the directory, the programs' directory and `arguments`; gives what it prints.
    @discardableResult
    private func run(_ script: String, _ arguments: [String] = []) async throws -> String {
        let words = ["-c", "exec 2>&1; " + script, "sh", self.directory.path, self.programs] + arguments
        let result = await withCheckedContinuation { continuation in
            self.thread.async {
                continuation.resume(
                    returning: Result { () throws(ChildProcess.Failure) in
                        var child = try ChildProcess("/bin/sh", words)
                        return child.finish()
                    })
            }
        }
        let (status, output) = try result.get()
        let text = String(decoding: output, as: UTF8.self)
        guard status == 0 else { throw SupervisedServer.Failure(description: "\(arguments.last ?? "initdb"): \(text)") }
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
}
