// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Why the server did not do what it was asked.
struct PostgresError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure, as far as a caller must tell.
    enum Kind: Hashable, Sendable {
        /// There is no connection, or there is none any more. Whether what was sent happened is not known.
        case lost
        /// No answer in time. The connection is given up; whether what was sent happened is not known.
        case timedOut
        /// The server refused the statement with this SQLSTATE: it did not happen.
        case refused(sqlState: String)
    }

    let kind: Kind
    /// The server's or libpq's own words. Without passwords.
    let message: String

    var description: String {
        switch self.kind {
        case .refused(let sqlState): "\(self.message) (SQLSTATE \(sqlState))"
        case .lost, .timedOut: self.message
        }
    }

    /// Whether the transaction met another's and may simply be tried again: serialization_failure, deadlock_detected (PostgreSQL,
    /// appendix A).
    var isConflict: Bool { self.kind == .refused(sqlState: "40001") || self.kind == .refused(sqlState: "40P01") }
}
