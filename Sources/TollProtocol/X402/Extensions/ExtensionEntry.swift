// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// An entry of `extensions`: `info`, and beside it whatever the extension has there.
/// Source: x402 specification v2, "Extensions".
struct ExtensionEntry {
    /// Members of the entry.
    let members: WireReader
    /// Members of `info`.
    let info: WireReader

    /// The entry `name`; nil when it is absent or null.
    init?(_ name: String, in extensions: JSONObject?) throws(WireError) {
        guard let extensions else { return nil }
        let path = "extensions.\(name)"
        guard let members = try WireReader(extensions, at: "extensions").optional(name, "an object", \.object) else { return nil }
        self.members = WireReader(members, at: path)
        self.info = WireReader(try self.members.required("info", "an object", \.object), at: path + ".info")
    }
}
