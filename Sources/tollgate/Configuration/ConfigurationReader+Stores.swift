// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPrimitives
import TollRuntime
import TollStoreRedis

/// Where the ledger is, and what replicas share beside it.
extension ConfigurationReader {
    private static let storeRemedy = "write `store: sqlite:tollgate.db`, or `store: postgres://user@host/database`"
    private static let passwordRemedy = "leave it to PGPASSWORD or ~/.pgpass, or write `store: env:NAME` for the whole URL"

    mutating func store(_ root: ConfigurationMapping) -> Configuration.Store? {
        guard let value = root["store"] else { return .sqlite(path: "tollgate.db") }
        guard let text = value.text(example: "sqlite:tollgate.db", &self.findings) else { return nil }
        if text.hasPrefix("sqlite:"), text.utf8.count > 7 { return .sqlite(path: String(text.dropFirst(7))) }
        guard let (url, isReference) = self.url(value, text) else { return nil }
        guard url.withExposed({ Self.isPostgres($0) }) else {
            value.refuse("names no store", remedy: Self.storeRemedy, &self.findings)
            return nil
        }
        guard isReference || !url.withExposed({ Self.holdsPassword($0) }) else {
            value.refuse("holds a password", remedy: Self.passwordRemedy, &self.findings)
            return nil
        }
        return .postgres(url: url)
    }

    mutating func shared(_ value: ConfigurationValue) -> RedisAddress? {
        guard let text = value.text(example: "redis://host:6379", &self.findings), let (url, isReference) = self.url(value, text)
        else { return nil }
        do throws(RedisAddress.ParseError) {
            let address = try url.withExposed { url throws(RedisAddress.ParseError) in try RedisAddress(parsing: url) }
            guard isReference || !address.hasPassword else {
                value.refuse("holds a password", remedy: "write `shared: env:NAME` for the whole URL", &self.findings)
                return nil
            }
            return address
        } catch {
            value.refuse("is no address of a Redis server", remedy: error.description, &self.findings)
            return nil
        }
    }

    /// The URL that stands in the file, or that a reference leads to: one with a password is a secret.
    private mutating func url(_ value: ConfigurationValue, _ text: String) -> (url: Secret<String>, isReference: Bool)? {
        guard SecretReference(text) != nil else { return (Secret(text), false) }
        return value.secret(from: self.secrets, &self.findings).map { ($0.value, true) }
    }

    private static func isPostgres(_ url: String) -> Bool { url.hasPrefix("postgres://") || url.hasPrefix("postgresql://") }

    /// Whether a URL of libpq holds a password: before the host, or among the options.
    private static func holdsPassword(_ url: String) -> Bool {
        let rest = url.split(separator: "://", maxSplits: 1).last ?? ""
        let user = rest.contains("@") ? rest.prefix { $0 != "@" } : ""
        return user.contains(":") || rest.contains("password=")
    }
}
