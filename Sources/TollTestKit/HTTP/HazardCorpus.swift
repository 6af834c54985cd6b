// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// One way to write a request, and its one fate. The cases are those by which HTTP/1.1 implementations are known to
/// differ from each other (RFC 9112 §11).
public struct Hazard: Sendable, CustomStringConvertible {
    /// What becomes of a head.
    public enum Fate: Equatable, Sendable {
        /// It is a request for this target, with this body behind it.
        case accepted(target: String, framing: BodyFraming)
        /// It is answered with this status, for this reason, and the connection ends.
        case refused(Int, String)
        /// The head is not whole.
        case incomplete
    }

    /// What is odd about it.
    public let name: String
    /// As it is sent.
    public let bytes: [UInt8]
    /// What must become of it.
    public let fate: Fate

    /// The name.
    public var description: String { self.name }

    /// A head as text.
    public init(_ name: String, _ text: String, _ fate: Fate) {
        self.name = name
        self.bytes = Array(text.utf8)
        self.fate = fate
    }

    /// A head as bytes.
    public init(_ name: String, bytes: [UInt8], _ fate: Fate) {
        self.name = name
        self.bytes = bytes
        self.fate = fate
    }

    /// A request with one more field line.
    public static func field(_ name: String, _ line: String, _ fate: Fate) -> Hazard {
        Hazard(name, "POST / HTTP/1.1\r\nHost: h\r\n\(line)\r\n\r\n", fate)
    }

    /// A request for this target.
    public static func target(_ target: String, _ fate: Fate, method: String = "GET") -> Hazard {
        Hazard("target \(target)", "\(method) \(target) HTTP/1.1\r\nHost: h\r\n\r\n", fate)
    }

    /// All of them.
    public static let corpus =
        Self.targets + Self.requestLines + Self.lineEnds + Self.hosts + Self.lengths + Self.codings + Self.others

    /// Accepted.
    public static func ok(_ target: String = "/", _ framing: BodyFraming = .none) -> Fate {
        .accepted(target: target, framing: framing)
    }

    static let targets: [Hazard] = [
        .target("/a/%2e%2e/%2F//b?x=%41&%zz", ok("/a/%2e%2e/%2F//b?x=%41&%zz")),
        .target("/?", ok("/?")),
        .target("http://h/p?q", ok("/p?q")),
        .target("HTTP://other:8080/p", ok("/p")),
        .target("https://h", ok("/")),
        .target("http://h?q", ok("/?q")),
        .target("http://h", ok("*"), method: "OPTIONS"),
        .target("*", ok("*"), method: "OPTIONS"),
        .target("*", .refused(400, "bad_target")),
        .target("http://", .refused(400, "bad_target")),
        .target("http://u:p@h/", .refused(400, "bad_authority")),
        .target("http:///p", .refused(400, "bad_authority")),
        .target("http://[::1/", .refused(400, "bad_authority")),
        .target("ftp://h/p", .refused(400, "bad_target")),
        .target("h:443", .refused(501, "connect_not_supported"), method: "CONNECT"),
        .target("/", .refused(501, "trace_not_supported"), method: "TRACE"),
        .target("a/b", .refused(400, "bad_target")),
        .target("/a#f", .refused(400, "bad_target")),
        .target("/ä", .refused(400, "bad_target")),
        .target("/a b", .refused(400, "bad_version")),
        .target("/a\u{0}b", .refused(400, "bad_target")),
        .target("/a\u{7F}", .refused(400, "bad_target")),
        .target("/a\tb", .refused(400, "bad_target")),
        .target("/a\rb", .refused(400, "bad_target")),
        .target("", .refused(400, "bad_target")),
    ]

    static let requestLines: [Hazard] = [
        Hazard("a method that is no token", "G(ET / HTTP/1.1\r\nHost: h\r\n\r\n", .refused(400, "bad_method")),
        Hazard("NUL in the method", "GET\u{0}X / HTTP/1.1\r\nHost: h\r\n\r\n", .refused(400, "bad_method")),
        Hazard("a method of its own", "get / HTTP/1.1\r\nHost: h\r\n\r\n", ok()),
        Hazard("two spaces after the method", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", .refused(400, "bad_target")),
        Hazard("two spaces before the version", "GET /  HTTP/1.1\r\nHost: h\r\n\r\n", .refused(400, "bad_version")),
        Hazard("a tab for a space", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", .refused(400, "bad_method")),
        Hazard("a space before the method", " GET / HTTP/1.1\r\nHost: h\r\n\r\n", .refused(400, "bad_method")),
        Hazard("a space after the version", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", .refused(400, "bad_version")),
        Hazard("one leading empty line", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", ok()),
        Hazard("two leading empty lines", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", .refused(400, "bad_method")),
        Hazard("HTTP/0.9", "GET /\r\n\r\n", .refused(400, "bad_target")),
        Hazard("version 0.9", "GET / HTTP/0.9\r\n\r\n", .refused(505, "version_not_supported")),
        Hazard("version 2.0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", .refused(505, "version_not_supported")),
        Hazard("version 1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", .refused(505, "version_not_supported")),
        Hazard("version in lower case", "GET / http/1.1\r\nHost: h\r\n\r\n", .refused(400, "bad_version")),
        Hazard("version 01.1", "GET / HTTP/01.1\r\nHost: h\r\n\r\n", .refused(400, "bad_version")),
        Hazard("version 1.10", "GET / HTTP/1.10\r\nHost: h\r\n\r\n", .refused(400, "bad_version")),
        Hazard("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .refused(505, "version_not_supported")),
        Hazard("a TLS handshake", bytes: [0x16, 0x03, 0x01, 0x02, 0x00, 0x0A], .refused(400, "bare_line_feed")),
        Hazard("half a head", "GET / HTTP/1.1\r\nHost: h\r\n", .incomplete),
    ]

    static let lineEnds: [Hazard] = [
        Hazard("bare LF after the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n", .refused(400, "bare_line_feed")),
        Hazard("bare LF after a field", "GET / HTTP/1.1\r\nHost: h\nX: 1\r\n\r\n", .refused(400, "bare_line_feed")),
        Hazard("bare LF at the end", "GET / HTTP/1.1\r\nHost: h\r\n\n", .refused(400, "bare_line_feed")),
        Hazard("LF before anything", "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", .refused(400, "bare_line_feed")),
        .field("bare CR in a value", "X: a\rb", .refused(400, "bad_field")),
        .field("CR before CRLF", "X: a\r", .refused(400, "bad_field")),
        .field("bare CR as a line end", "X: a\rContent-Length: 5", .refused(400, "bad_field")),
        Hazard("CR CR LF at the end", "GET / HTTP/1.1\r\nHost: h\r\n\r\r\n", .refused(400, "bad_field")),
        .field("obs-fold", "X-A: 1\r\n 2", .refused(400, "folded_field")),
        .field("obs-fold by tab", "X-A: 1\r\n\t2", .refused(400, "folded_field")),
        .field("obs-fold that makes a length", "Content-: 5\r\n Length", .refused(400, "folded_field")),
        Hazard("a folded first field", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", .refused(400, "folded_field")),
        .field("NUL in a value", "X: a\u{0}b", .refused(400, "bad_field")),
        .field("DEL in a value", "X: a\u{7F}", .refused(400, "bad_field")),
        .field("a tab in a value", "X: a\tb", ok()),
        .field("obs-text in a value", "X: é", ok()),
        .field("an empty value", "X:", ok()),
        .field("space before the colon", "X : 1", .refused(400, "bad_field")),
        .field("a length with a space before the colon", "Content-Length : 5", .refused(400, "bad_field")),
        .field("a tab before the colon", "X\t: 1", .refused(400, "bad_field")),
        .field("an empty name", ": 1", .refused(400, "bad_field")),
        .field("no colon", "X", .refused(400, "bad_field")),
        .field("a name with a slash", "X/Y: 1", .refused(400, "bad_field")),
        .field("a name with obs-text", "Xé: 1", .refused(400, "bad_field")),
        .field("NUL in a name", "X\u{0}: 1", .refused(400, "bad_field")),
    ]

    static let hosts: [Hazard] = [
        Hazard("no Host", "GET / HTTP/1.1\r\n\r\n", .refused(400, "no_host")),
        Hazard("no Host with an absolute target", "GET http://h/ HTTP/1.1\r\n\r\n", .refused(400, "no_host")),
        Hazard("no Host in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", ok()),
        .field("two Hosts", "Host: h", .refused(400, "two_hosts")),
        .field("two Hosts in two cases", "hOST: other", .refused(400, "two_hosts")),
        Hazard("an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", .refused(400, "bad_host")),
        Hazard("two names in Host", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", .refused(400, "bad_host")),
        Hazard("a user in Host", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", .refused(400, "bad_host")),
        Hazard("a path in Host", "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n", .refused(400, "bad_host")),
        Hazard("a port that is none", "GET / HTTP/1.1\r\nHost: h:x\r\n\r\n", .refused(400, "bad_host")),
        Hazard("an empty port", "GET / HTTP/1.1\r\nHost: h:\r\n\r\n", .refused(400, "bad_host")),
        Hazard("Host with a port", "GET / HTTP/1.1\r\nHost: api.example:8080\r\n\r\n", ok()),
        Hazard("Host in IPv6", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", ok()),
    ]

    static let lengths: [Hazard] = [
        .field("a length", "Content-Length: 5", ok("/", .length(5))),
        .field("a length of zero", "Content-Length: 0", ok()),
        .field("leading zeros", "Content-Length: 005", ok("/", .length(5))),
        .field("two equal lengths", "Content-Length: 5\r\nContent-Length: 5", .refused(400, "two_content_lengths")),
        .field("two differing lengths", "Content-Length: 5\r\ncontent-length: 6", .refused(400, "two_content_lengths")),
        .field("a zero and a length", "Content-Length: 0\r\nContent-Length: 6", .refused(400, "two_content_lengths")),
        .field("a list", "Content-Length: 5, 5", .refused(400, "bad_content_length")),
        .field("plus", "Content-Length: +5", .refused(400, "bad_content_length")),
        .field("minus", "Content-Length: -5", .refused(400, "bad_content_length")),
        .field("hexadecimal", "Content-Length: 0x5", .refused(400, "bad_content_length")),
        .field("a space inside", "Content-Length: 5 5", .refused(400, "bad_content_length")),
        .field("spaces around", "Content-Length:  5\t ", ok("/", .length(5))),
        .field("empty", "Content-Length:", .refused(400, "bad_content_length")),
        .field("2^64", "Content-Length: 18446744073709551616", .refused(400, "bad_content_length")),
        .field("2^64 - 1", "Content-Length: 18446744073709551615", .refused(413, "body_too_large")),
        .field("at the limit", "Content-Length: 67108864", ok("/", .length(67_108_864))),
        .field("one over the limit", "Content-Length: 67108865", .refused(413, "body_too_large")),
    ]

    static let codings: [Hazard] = [
        .field("chunked", "Transfer-Encoding: chunked", ok("/", .chunked)),
        .field("both", "Content-Length: 5\r\nTransfer-Encoding: chunked", .refused(400, "length_and_transfer_encoding")),
        .field("both, turned", "Transfer-Encoding: chunked\r\nContent-Length: 0", .refused(400, "length_and_transfer_encoding")),
        Hazard(
            "chunked in HTTP/1.0",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            .refused(400, "transfer_encoding_in_http10")
        ),
        .field("xchunked", "Transfer-Encoding: xchunked", .refused(501, "unknown_transfer_encoding")),
        .field("gzip, chunked", "Transfer-Encoding: gzip, chunked", .refused(501, "unknown_transfer_encoding")),
        .field("chunked, chunked", "Transfer-Encoding: chunked, chunked", .refused(501, "unknown_transfer_encoding")),
        .field("identity", "Transfer-Encoding: identity", .refused(501, "unknown_transfer_encoding")),
        .field("quoted", "Transfer-Encoding: \"chunked\"", .refused(501, "unknown_transfer_encoding")),
        .field("other case", "Transfer-Encoding: Chunked", .refused(501, "unknown_transfer_encoding")),
        .field("vertical tab", "Transfer-Encoding: \u{0B}chunked", .refused(400, "bad_field")),
        .field("space before its colon", "Transfer-Encoding : chunked", .refused(400, "bad_field")),
        .field(
            "chunked twice",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            .refused(400, "two_transfer_encodings")
        ),
        .field(
            "chunked, then identity",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            .refused(400, "two_transfer_encodings")
        ),
        .field(
            "identity, then chunked",
            "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
            .refused(501, "unknown_transfer_encoding")
        ),
    ]

    static let others: [Hazard] = [
        .field("100-continue", "Expect: 100-Continue\r\nContent-Length: 5", ok("/", .length(5))),
        .field("another expectation", "Expect: 200-ok", .refused(417, "unknown_expectation")),
        Hazard("a body on GET", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", ok("/", .length(3))),
    ]
}
