// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// The request that a proxy asks about, as far as it says: method, host, target and fields. There is no body.
struct OriginalRequest {
    /// Why it is not known what the proxy asks about. Whoever configured it has to know; no client can help it.
    struct Problem: Error, Equatable {
        let reason: String
    }

    /// What the gateway decides about.
    let request: Request

    private static let path = Array("/auth".utf8)
    /// What a proxy says about a request is not part of it. Who the client is, in `X-Forwarded-For`, is read by the gateway.
    private static let saidFields: [FieldName] = [
        "x-original-method", "x-original-host", "x-original-uri", "x-forwarded-method", "x-forwarded-host", "x-forwarded-uri",
        "x-forwarded-proto", .host, .expect,
    ]

    /// Reads what `asked`, a trusted proxy's request, asks about.
    init(_ asked: RequestHead, peer: PeerAddress, _ proxies: ForwardAuthConfiguration) throws(Problem) {
        let method: ArraySlice<UInt8>
        let host: ArraySlice<UInt8>
        let target: ArraySlice<UInt8>
        switch proxies.mode {
        case .nginx:
            method = try Self.only("x-original-method", asked)
            host = try Self.only("x-original-host", asked)
            target = try Self.only("x-original-uri", asked)
        case .caddy, .traefik:
            method = try Self.only("x-forwarded-method", asked)
            host = try Self.only("x-forwarded-host", asked)
            target = try Self.only("x-forwarded-uri", asked)
        case .envoy:
            method = Array(asked.method.token.utf8)[...]
            host = asked.authority ?? []
            target = asked.target[Self.path.count...]
        }
        guard let token = Method(String(decoding: method, as: UTF8.self)), token != .connect else {
            throw Problem(reason: "the method is none")
        }
        guard Authority.isValid(host) else { throw Problem(reason: "the host is none") }
        guard target.first == UInt8(ascii: "/"), target.allSatisfy(ByteGrammar.isTarget) else {
            throw Problem(reason: "the target is no path")
        }
        let head = RequestHead(method: token, target: Array(target), fields: Self.fields(asked.fields, host: host))
        self.request = Request(head: head, peer: peer)
    }

    /// Whether a request's target is where proxies ask; in Envoy's case, the target that it asks about follows.
    static func isAsked(by head: RequestHead, _ mode: ForwardAuthConfiguration.Mode) -> Bool {
        guard mode == .envoy else { return head.path.elementsEqual(self.path) }
        return head.target.starts(with: self.path) && head.target.dropFirst(self.path.count).first == UInt8(ascii: "/")
    }

    /// The value of a field that stands there once. Of two, one would be somebody else's.
    private static func only(_ name: FieldName, _ head: RequestHead) throws(Problem) -> ArraySlice<UInt8> {
        let values = head.fields.values(of: name)
        guard values.count == 1 else { throw Problem(reason: "\(name) stands there \(values.count) times") }
        return values[0]
    }

    private static func fields(_ asked: Fields, host: ArraySlice<UInt8>) -> Fields {
        var fields = asked
        fields.removeHopByHop()
        for name in self.saidFields { fields.remove(name) }
        fields.append(.host, host)
        return fields
    }
}
