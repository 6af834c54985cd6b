// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CPostgres
private import Glibc

/// One connection to a PostgreSQL server with its prepared statements. Owns the handle: opened in `init`, closed in `deinit`.
///
/// Calls block their thread, each at most until its deadline: whoever holds the connection keeps it on a thread of its own.
@safe
final class PostgresConnection {
    /// How long connecting may take for each address of the host, in seconds, unless the URL says otherwise.
    static let connectSeconds = 5
    /// How long a statement may take, unless somebody says otherwise. Every statement of the ledger takes milliseconds; a server
    /// that needs longer is down.
    static let statementTime = Duration.seconds(5)

    /// How long a statement may take here.
    let statementTime: Duration

    private let handle: OpaquePointer
    private var statements: [String: String] = [:]
    /// Whether the connection can be used no more: it is gone, or an answer did not come in time and may come later.
    private(set) var isLost = false

    /// Connects to what a `postgres://` URL says. What it leaves out comes from libpq's environment and files (PGPASSWORD …).
    init(url: String, statementTime: Duration = PostgresConnection.statementTime) throws(PostgresError) {
        self.statementTime = statementTime
        // libpq quotes what it cannot read, and that may be a part of a password.
        guard Self.isReadable(url) else {
            throw PostgresError(kind: .lost, message: "the URL cannot be read; percent-encode user and password")
        }
        guard let handle = unsafe cpostgres_connect(url, String(Self.connectSeconds)) else {
            throw PostgresError(kind: .lost, message: "no memory for a connection")
        }
        unsafe self.handle = handle
        guard unsafe PQstatus(handle) == CONNECTION_OK else { throw self.failure(.lost) }
        unsafe cpostgres_ignore_notices(handle)
        guard unsafe PQsetnonblocking(handle, 1) == 0 else { throw self.failure(.lost) }
    }

    deinit { unsafe PQfinish(self.handle) }

    /// Whether libpq can read `url`, and nothing that may be a password stands where a host, a port or a database does.
    private static func isReadable(_ url: String) -> Bool {
        guard let scheme = url.firstRange(of: "://") else { return false }
        let rest = url[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let places = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        guard authority.count(where: { $0 == "@" }) <= 1, !rest.dropFirst(authority.count).contains("@"),
            places.split(separator: ",").allSatisfy({ self.hasPort($0) }), let options = unsafe PQconninfoParse(url, nil)
        else { return false }
        unsafe PQconninfoFree(options)
        return true
    }

    /// Whether what follows the last colon of `host:port`, `host` or `[address]` is digits.
    private static func hasPort(_ place: Substring) -> Bool {
        guard !place.hasSuffix("]"), let colon = place.lastIndex(of: ":") else { return true }
        return place[place.index(after: colon)...].utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Where it leads, for people: server, port, database and user.
    var place: String {
        let parts = unsafe [PQhost(self.handle), PQport(self.handle), PQdb(self.handle), PQuser(self.handle)].map { part in
            unsafe part.map { unsafe String(cString: $0) } ?? ""
        }
        return "database \(parts[2]) on \(parts[0]):\(parts[1]) as \(parts[3])"
    }

    /// The server's version as a number: 150020 is 15.20.
    var serverVersion: Int { unsafe Int(PQserverVersion(self.handle)) }

    /// Whether a transaction is open, whole or failed.
    var isInTransaction: Bool {
        let status = unsafe PQtransactionStatus(self.handle)
        return status == PQTRANS_INTRANS || status == PQTRANS_INERROR
    }

    /// Runs one statement; prepares it when it is new.
    @discardableResult
    func run(
        _ sql: String, _ values: [PostgresParameter] = [], within time: Duration? = nil
    ) throws(PostgresError) -> PostgresResult {
        let deadline = ContinuousClock.now + (time ?? self.statementTime)
        let name = try self.statement(sql, deadline)
        return try self.check(sent: self.send(name, values), deadline)
    }

    /// Runs several statements without values: a migration.
    func script(_ sql: String, within time: Duration) throws(PostgresError) {
        try self.check(sent: unsafe PQsendQuery(self.handle, sql) == 1, ContinuousClock.now + time)
    }

    /// Statements are prepared once and kept: there are some thirty of them.
    private func statement(_ sql: String, _ deadline: ContinuousClock.Instant) throws(PostgresError) -> String {
        if let name = self.statements[sql] { return name }
        let name = "s\(self.statements.count)"
        try self.check(sent: unsafe PQsendPrepare(self.handle, name, sql, 0, nil) == 1, deadline)
        self.statements[sql] = name
        return name
    }

    /// Sends a prepared statement's values in the binary format, and asks for its rows in it.
    private func send(_ name: String, _ values: [PostgresParameter]) -> Bool {
        var bytes: [UInt8] = []
        var places: [(start: Int, count: Int)?] = []
        for value in values {
            let binary = value.binary
            places.append(binary.map { (bytes.count, $0.count) })
            bytes += binary ?? []
        }
        bytes.append(0)  // An empty value at the end must have an address, too: no address is NULL.
        let lengths = places.map { Int32($0?.count ?? 0) }
        let formats = places.map { _ in Int32(1) }
        return unsafe bytes.withUnsafeBytes { buffer in
            let base = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let pointers = unsafe places.map { place in
                unsafe place.flatMap { place in unsafe base.map { unsafe $0 + place.start } }
            }
            return unsafe PQsendQueryPrepared(self.handle, name, Int32(values.count), pointers, lengths, formats, 1) == 1
        }
    }

    /// Waits for the answer to what was sent: all of its results, of which the first error or else the last counts.
    @discardableResult
    private func check(sent: Bool, _ deadline: ContinuousClock.Instant) throws(PostgresError) -> PostgresResult {
        guard sent else { throw self.failure(.lost) }
        try self.flush(deadline)
        var answer: PostgresResult?
        while true {
            while unsafe PQisBusy(self.handle) == 1 { try self.wait(for: POLLIN, deadline) }
            guard let result = unsafe PQgetResult(self.handle) else { break }
            let next = unsafe PostgresResult(owning: result)
            if answer?.failure == nil { answer = next }
        }
        guard unsafe PQstatus(self.handle) == CONNECTION_OK else { throw self.failure(.lost, answer?.failure?.message) }
        guard let answer else { throw self.failure(.lost) }
        if let failure = answer.failure { throw failure }
        return answer
    }

    /// Hands everything to the system. Reads meanwhile: a server that cannot answer does not read either.
    private func flush(_ deadline: ContinuousClock.Instant) throws(PostgresError) {
        while true {
            switch unsafe PQflush(self.handle) {
            case 0: return
            case 1: try self.wait(for: POLLIN | POLLOUT, deadline)
            default: throw self.failure(.lost)
            }
        }
    }

    /// Waits until the socket is ready, and reads what there is.
    private func wait(for events: Int32, _ deadline: ContinuousClock.Instant) throws(PostgresError) {
        var socket = pollfd(fd: unsafe PQsocket(self.handle), events: Int16(events), revents: 0)
        let rest = deadline - ContinuousClock.now
        let milliseconds = rest.components.seconds * 1_000 + rest.components.attoseconds / 1_000_000_000_000_000 + 1
        guard rest > .zero else {
            self.isLost = true
            throw PostgresError(kind: .timedOut, message: "the server did not answer in time")
        }
        _ = unsafe poll(&socket, 1, Int32(clamping: milliseconds))
        guard Int32(socket.revents) & ~POLLOUT != 0 else { return }
        guard unsafe PQconsumeInput(self.handle) == 1 else { throw self.failure(.lost) }
    }

    /// The connection's failure in libpq's words, or in the server's last ones.
    private func failure(_ kind: PostgresError.Kind, _ words: String? = nil) -> PostgresError {
        self.isLost = true
        let text = unsafe words ?? String(cString: PQerrorMessage(self.handle))
        let line = text.split(whereSeparator: \.isNewline).joined(separator: "; ")
        return PostgresError(kind: kind, message: line.isEmpty ? "the connection is gone" : line)
    }
}
