// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension X402V2 {
    /// Whether a client gave the server's extensions back as it got them. It may leave an extension out and add members to its
    /// `info`; what the server said there has to be there still. Source: x402 specification v2, "Extensions".
    public enum ExtensionEcho {
        /// Members of `info` that are of one challenge, and another challenge has others.
        private static let passing: Set<String> = ["nonce", "issuedAt", "expirationTime", "uri"]

        /// What only describes the resource: another path of a route has another, and so has a reloaded configuration. Nothing of
        /// a payment hangs on it.
        private static let descriptive: Set<String> = [Bazaar.name]

        /// What is lost or altered in `echoed` of what was `offered`: the first such member's path; nil when nothing is.
        public static func mismatch(_ echoed: JSONObject?, of offered: JSONObject?) -> String? {
            guard let echoed, let offered else { return nil }
            for (name, entry) in offered.members where !self.descriptive.contains(name) {
                guard let given = echoed[name], let info = entry.object?["info"]?.object else { continue }
                let back = given.object?["info"]?.object
                for (member, value) in info.members where !self.passing.contains(member) {
                    guard let found = back?[member], found == value else { return "extensions.\(name).info.\(member)" }
                }
            }
            return nil
        }
    }
}
