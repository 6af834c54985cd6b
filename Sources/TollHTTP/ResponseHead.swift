// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// The head of a response: a status and fields.
public struct ResponseHead: Sendable, Equatable {
    /// The status code, 100–999.
    public var status: Int
    /// The fields. To be sent by a ``Responder`` they carry no `Content-Length`, `Transfer-Encoding` or
    /// `Connection`: the engine writes those.
    public var fields: Fields

    /// A head of this status.
    public init(status: Int, fields: Fields = Fields()) {
        self.status = status
        self.fields = fields
    }

    /// The reason phrase registered for the status, empty when there is none.
    public var reason: String { Self.reason(of: self.status) }

    /// True when a response of this status never has a body (RFC 9110 §6.4.1).
    public var isBodyless: Bool { self.status < 200 || self.status == 204 || self.status == 304 }

    /// The reason phrase registered with IANA for `status`, empty when there is none.
    public static func reason(of status: Int) -> String {
        Self.reasons.indices.contains(status) ? Self.reasons[status] : ""
    }

    /// By status.
    private static let reasons = (0..<600).map { Self.registered[$0] ?? "" }

    private static let registered: [Int: String] = [
        100: "Continue", 101: "Switching Protocols", 103: "Early Hints",
        200: "OK", 201: "Created", 202: "Accepted", 203: "Non-Authoritative Information", 204: "No Content",
        205: "Reset Content", 206: "Partial Content", 207: "Multi-Status",
        300: "Multiple Choices", 301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified",
        307: "Temporary Redirect", 308: "Permanent Redirect",
        400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
        405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout",
        409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed", 413: "Content Too Large",
        414: "URI Too Long", 415: "Unsupported Media Type", 416: "Range Not Satisfiable", 417: "Expectation Failed",
        421: "Misdirected Request", 422: "Unprocessable Content", 423: "Locked", 425: "Too Early", 426: "Upgrade Required",
        428: "Precondition Required", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
        451: "Unavailable For Legal Reasons",
        500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
        504: "Gateway Timeout", 505: "HTTP Version Not Supported", 507: "Insufficient Storage",
        511: "Network Authentication Required",
    ]
}
