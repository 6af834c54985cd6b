// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// Where a redirect leads (RFC 9110 §15.4, RFC 3986 §5.2).
enum Redirection {
    /// Whether a response of this status is a redirect to follow.
    static func isRedirect(_ status: Int) -> Bool {
        [301, 302, 303, 307, 308].contains(status)
    }

    /// The URL that `location` means at `base`; nil when it is none.
    static func resolve(_ location: String, at base: URLParts) -> URLParts? {
        let reference = location.prefix { $0 != "#" }
        if let absolute = try? URLParts(parsing: String(reference)) { return absolute }
        let origin = base.origin
        if reference.hasPrefix("//") { return try? URLParts(parsing: "\(origin.scheme.rawValue):\(reference)") }
        let path = String(decoding: base.target.prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self)
        if reference.isEmpty { return base }
        if reference.hasPrefix("?") { return try? URLParts(parsing: "\(origin)\(path)\(reference)") }
        // "scheme:…" of a scheme that is not HTTP.
        if reference.prefix(while: { $0 != "/" && $0 != "?" }).contains(":") { return nil }
        let folder = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
        let merged = reference.hasPrefix("/") ? String(reference) : String(folder) + reference
        return try? URLParts(parsing: origin.description + Self.removingDotSegments(merged))
    }

    private static func removingDotSegments(_ target: String) -> String {
        let path = target.prefix { $0 != "?" }
        var segments: [Substring] = []
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if part == ".." { _ = segments.popLast() } else if part != "." { segments.append(part) }
            if index == parts.count - 1, part == "." || part == ".." { segments.append("") }
        }
        return "/" + segments.joined(separator: "/") + target[path.endIndex...]
    }
}

extension Origin {
    /// Whether the host is this machine, where nobody can stand in between.
    var isLoopback: Bool {
        self.host == "localhost" || self.host.hasSuffix(".localhost") || self.host == "::1" || Self.isLoopbackIPv4(self.host)
    }

    private static func isLoopbackIPv4(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
