// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

/// Access for a while: `access` of a route, and `passes` at the top.
extension ConfigurationReader {
    /// A pass cannot be taken back: what is to last longer is a subscription, and wants an account.
    private static let accessRange: ClosedRange<Duration> = .seconds(1) ... .seconds(30 * 86_400)
    /// The newest signs; behind it those whose passes are not over yet.
    private static let passKeyCountMax = 8

    /// How long a payment opens the route, in seconds.
    mutating func access(_ mapping: ConfigurationMapping, isFree: Bool) -> Int64? {
        guard !isFree, let value = mapping["access"], let access = value.duration(in: Self.accessRange, &self.findings) else {
            return nil
        }
        guard access.components.attoseconds == 0 else {
            value.refuse("is no whole number of seconds", remedy: "write for example `60s`", &self.findings)
            return nil
        }
        return access.components.seconds
    }

    /// Says where a payment buys any number of requests.
    mutating func reviewAccess(_ routes: [Configuration.Route], _ common: RateLimits) {
        for route in routes {
            guard let seconds = route.accessSeconds, (route.rateLimits.pass ?? common.pass ?? []).isEmpty else { continue }
            self.findings.add(
                .notice, file: self.file, line: route.place.line, path: route.place.path,
                "one payment opens this for \(seconds) s, to any number of requests",
                remedy: "say how many with `rate_limits: {pass: 10/s}`")
        }
    }

    /// `{keys: [env:NAME, …]}`; none where the ledger's own is used.
    mutating func passKeys(_ value: ConfigurationValue?) -> [Secret<[UInt8]>] {
        guard let mapping = value?.mapping(keys: ["keys"], &self.findings),
            let list = mapping.required("keys", example: "[env:TOLLGATE_PASS_KEY]", &self.findings)
        else { return [] }
        let items = list.listOrSingle(&self.findings) ?? []
        guard (1...Self.passKeyCountMax).contains(items.count) else {
            let remedy = "write 1 to \(Self.passKeyCountMax), or leave `passes` out: then the ledger makes one"
            list.refuse("has \(items.count) keys", remedy: remedy, &self.findings)
            return []
        }
        var known: Set<[UInt8]> = []
        return items.compactMap { item in
            guard let secret = item.secret(from: self.secrets, &self.findings) else { return nil }
            guard let key = secret.value.withExposed({ Hex.decode($0) }), key.count == PassKeys.keyByteCount else {
                let message = "what `\(secret.reference)` holds is not \(PassKeys.keyByteCount) bytes as hexadecimal digits"
                item.refuse(message, remedy: "make one: `openssl rand -hex \(PassKeys.keyByteCount)`", &self.findings)
                return nil
            }
            guard known.insert(key).inserted else {
                item.refuse("the same key stands twice", remedy: "write each once", &self.findings)
                return nil
            }
            return Secret(key)
        }
    }
}
