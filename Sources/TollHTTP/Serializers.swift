// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Writes response heads. The framing is a parameter, never a field, so a head and its body cannot disagree.
public enum ResponseSerializer {
    /// Appends a response head with the empty line that ends it.
    ///
    /// - Parameters:
    ///   - framing: `.none` writes no framing field (204, 304, HTTP/1.0 until close).
    ///   - date: The value of `Date`; left out when nil or when the head has one.
    ///   - close: Writes `Connection: close`.
    public static func append(
        _ head: ResponseHead,
        framing: BodyFraming,
        date: [UInt8]?,
        close: Bool = false,
        to bytes: inout [UInt8]
    ) {
        let reason = head.reason
        let date = head.fields.contains(.date) ? nil : date
        // Besides what varies: the status line, Date, the framing, Connection.
        let room = reason.utf8.count + (date?.count ?? 0) + head.fields.storedByteCount + 128
        bytes.append(addingCapacity: room) { bytes in
            bytes.append(literal: "HTTP/1.1 ")
            bytes.append(decimal: UInt64(head.status))
            bytes.append(0x20)
            bytes.append(span: reason.utf8Span.span)
            bytes.append(literal: "\r\n")
            if let date {
                bytes.append(literal: "Date: ")
                bytes.append(span: date.span)
                bytes.append(literal: "\r\n")
            }
            head.fields.append(linesTo: &bytes)
            bytes.append(framing: framing)
            if close { bytes.append(literal: "Connection: close\r\n") }
            bytes.append(literal: "\r\n")
        }
    }

    /// A whole response of known body, without `Date`: for answers prepared once and kept.
    public static func bytes(_ head: ResponseHead, body: [UInt8], date: [UInt8]? = nil) -> [UInt8] {
        var bytes: [UInt8] = []
        Self.append(head, framing: head.isBodyless ? .none : .length(UInt64(body.count)), date: date, to: &bytes)
        if !head.isBodyless { bytes += body }
        return bytes
    }
}

/// Writes request heads.
public enum RequestSerializer {
    /// Appends a request head with the empty line that ends it. `host` is written first, unless the fields have one.
    public static func append(
        _ method: Method,
        target: [UInt8],
        host: String,
        fields: Fields,
        framing: BodyFraming,
        to bytes: inout [UInt8]
    ) {
        let token = method.token
        // Besides what varies: the request line, Host, the framing.
        let room = token.utf8.count + target.count + host.utf8.count + fields.storedByteCount + 64
        bytes.append(addingCapacity: room) { bytes in
            bytes.append(span: token.utf8Span.span)
            bytes.append(0x20)
            bytes.append(span: target.span)
            bytes.append(literal: " HTTP/1.1\r\n")
            if !fields.contains(.host) {
                bytes.append(literal: "Host: ")
                bytes.append(span: host.utf8Span.span)
                bytes.append(literal: "\r\n")
            }
            fields.append(linesTo: &bytes)
            bytes.append(framing: framing)
            bytes.append(literal: "\r\n")
        }
    }
}

extension [UInt8] {
    /// Appends `Name: value` lines.
    public mutating func append(fields: Fields) {
        self.append(addingCapacity: fields.storedByteCount) { fields.append(linesTo: &$0) }
    }
}

extension OutputSpan<UInt8> {
    /// Appends the field that announces a body, if any: 38 bytes at most.
    fileprivate mutating func append(framing: BodyFraming) {
        switch framing {
        case .none: break
        case .chunked: self.append(literal: "Transfer-Encoding: chunked\r\n")
        case .length(let length):
            self.append(literal: "Content-Length: ")
            self.append(decimal: length)
            self.append(literal: "\r\n")
        }
    }

    /// Appends a number in decimal digits, 20 at most.
    mutating func append(decimal number: UInt64) {
        var place: UInt64 = 1
        while number / place >= 10 { place *= 10 }
        while place > 0 {
            self.append(UInt8(0x30 + number / place % 10))
            place /= 10
        }
    }
}
