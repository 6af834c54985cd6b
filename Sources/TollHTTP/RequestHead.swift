// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// How many bytes of body follow a head, and how their end is known (RFC 9112 §6).
public enum BodyFraming: Hashable, Sendable {
    /// No body.
    case none
    /// Exactly this many bytes.
    case length(UInt64)
    /// Chunks until the last one (RFC 9112 §7.1).
    case chunked
}

/// The head of a request, as the strict parser accepted it.
public struct RequestHead: Sendable {
    /// The method.
    public var method: Method
    /// The target in origin-form, exactly as received: no unescaping, no normalising. For an absolute-form request
    /// this is the part after the authority; for `OPTIONS *` it is `*`.
    public var target: [UInt8] {
        didSet { self.queryStart = self.target.firstIndex(of: 0x3F) ?? self.target.count }
    }
    /// The minor version: 0 or 1.
    public var minorVersion: UInt8
    /// The fields in the order received.
    public var fields: Fields
    /// How the body is framed.
    public var framing: BodyFraming
    /// Whether the connection may carry another request after this one (RFC 9112 §9.3). Always false in HTTP/1.0.
    public var keepAlive: Bool
    /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    public var expectsContinue: Bool
    /// The authority of an absolute-form target, which wins over `Host` (RFC 9112 §3.2.2).
    public var targetAuthority: [UInt8]?

    private var queryStart: Int

    /// A head put together by hand, for tests and in-memory engines. Sends nothing and checks nothing.
    public init(method: Method, target: [UInt8], fields: Fields = Fields(), framing: BodyFraming = .none) {
        self.method = method
        self.target = target
        self.queryStart = target.firstIndex(of: 0x3F) ?? target.count
        self.minorVersion = 1
        self.fields = fields
        self.framing = framing
        self.keepAlive = true
        self.expectsContinue = false
        self.targetAuthority = nil
    }

    /// The same from text.
    public init(method: Method, target: String, fields: Fields = Fields(), framing: BodyFraming = .none) {
        self.init(method: method, target: Array(target.utf8), fields: fields, framing: framing)
    }

    /// The target before its first `?`.
    public var path: ArraySlice<UInt8> { self.target[..<self.queryStart] }

    /// The target after its first `?`; nil when there is none.
    public var query: ArraySlice<UInt8>? {
        self.queryStart == self.target.count ? nil : self.target[(self.queryStart + 1)...]
    }

    /// Whom the client means to talk to: the authority of an absolute-form target, else `Host`. Nil only in HTTP/1.0.
    public var authority: ArraySlice<UInt8>? { self.targetAuthority?[...] ?? self.fields.first(.host) }

    /// Sets the target from bytes of a line just read, into the memory the head already has.
    public mutating func setTarget(_ bytes: Span<UInt8>) {
        self.target.removeAll(keepingCapacity: true)
        self.target.append(span: bytes)
    }

    /// Empties the head for the next request and keeps its buffers.
    public mutating func reset() {
        self.method = .get
        self.target.removeAll(keepingCapacity: true)
        self.minorVersion = 1
        self.fields.removeAll(keepingCapacity: true)
        self.framing = .none
        self.keepAlive = true
        self.expectsContinue = false
        self.targetAuthority = nil
    }
}
