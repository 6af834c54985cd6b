// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// A problem as HTTP APIs tell it (RFC 9457), with a stable `code` beside.
public struct Problem: Hashable, Sendable {
    /// The media type of a problem that stands alone.
    public static let mediaType = "application/problem+json"

    /// A URI of the kind of problem: `about:blank` when the status says all, else a URN.
    public var type: String
    /// The kind in few words, the same each time.
    public var title: String
    /// The HTTP status, again.
    public var status: Int
    /// This occurrence, and what to do about it. No secret, no internal address.
    public var detail: String?
    /// For programs: `already_used`, `invalid_token` …; never changes its meaning.
    public var code: String
    /// More members, after the standard ones, which they cannot replace.
    public var members: JSONObject

    /// Puts the parts together.
    public init(
        type: String = "about:blank",
        title: String,
        status: Int,
        detail: String? = nil,
        code: String,
        members: JSONObject = [:]
    ) {
        self.type = type
        self.title = title
        self.status = status
        self.detail = detail
        self.code = code
        self.members = members
    }

    /// The object.
    public var json: JSONObject {
        var json: JSONObject = ["type": .string(self.type), "title": .string(self.title), "status": .integer(self.status)]
        json["detail"] = self.detail.map(JSON.string)
        json["code"] = .string(self.code)
        for (name, value) in self.members.members where json[name] == nil { json[name] = value }
        return json
    }
}
