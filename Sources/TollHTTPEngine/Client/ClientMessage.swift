// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// A client request as bytes, and what would make it none.
enum ClientMessage {
    /// Why a request cannot be sent; nil when it can.
    static func fault(in request: ClientRequest) -> String? {
        guard let first = request.target.first, first == UInt8(ascii: "/") || request.target == [UInt8(ascii: "*")] else {
            return "a target starts with a slash"
        }
        guard request.target.allSatisfy(ByteGrammar.isTarget) else { return "a byte of the target must be percent-escaped" }
        guard request.method != .connect else { return "CONNECT is not supported" }
        if let upgrade = request.upgrade {
            guard FieldName(upgrade) != nil, case .none = request.body else {
                return "a switch of protocols has a name and no body"
            }
        }
        return self.fault(in: request.fields)
    }

    /// Why fields cannot be sent: two framings are how one request becomes two.
    static func fault(in fields: Fields) -> String? {
        guard fields.contains(anyOf: self.owned) else { return nil }
        return "Content-Length, Transfer-Encoding and Connection are written by the client"
    }

    private static let owned = FieldNameSet([.contentLength, .transferEncoding, .connection])

    static func head(of request: ClientRequest) -> [UInt8] {
        var bytes: [UInt8] = []
        var fields = request.fields
        if let upgrade = request.upgrade {
            fields.append("Connection", "Upgrade")
            fields.append("Upgrade", upgrade)
        }
        RequestSerializer.append(
            request.method,
            target: request.target,
            host: request.origin.authority,
            fields: fields,
            framing: self.framing(of: request),
            to: &bytes
        )
        return bytes
    }

    private static let expectingBody: [Method] = [.post, .put, .patch]

    static func framing(of request: ClientRequest) -> BodyFraming {
        switch request.body {
        case .bytes(let bytes): .length(UInt64(bytes.count))
        case .stream(_, let length): length.map { .length($0) } ?? .chunked
        // Where a body is expected its absence is said: RFC 9110 §8.6.
        case .none: self.expectingBody.contains(request.method) ? .length(0) : .none
        }
    }
}
