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
        // Besides the fields with their separators: the status line, Date, the framing, Connection.
        bytes.reserveCapacity(bytes.count + head.fields.byteCount + 4 * head.fields.count + 160)
        bytes.append(literal: "HTTP/1.1 ")
        bytes.append(decimal: UInt64(head.status))
        bytes.append(0x20)
        bytes.append(span: head.reason.utf8Span.span)
        bytes.append(literal: "\r\n")
        if let date, !head.fields.contains(.date) {
            bytes.append(literal: "Date: ")
            bytes.append(contentsOf: date)
            bytes.append(literal: "\r\n")
        }
        bytes.append(fields: head.fields)
        bytes.append(framing: framing)
        if close { bytes.append(literal: "Connection: close\r\n") }
        bytes.append(literal: "\r\n")
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
        // Besides the fields with their separators: the request line, Host, the framing.
        bytes.reserveCapacity(bytes.count + target.count + fields.byteCount + 4 * fields.count + 128)
        bytes.append(span: method.token.utf8Span.span)
        bytes.append(0x20)
        bytes.append(contentsOf: target)
        bytes.append(literal: " HTTP/1.1\r\n")
        if !fields.contains(.host) {
            bytes.append(literal: "Host: ")
            bytes.append(span: host.utf8Span.span)
            bytes.append(literal: "\r\n")
        }
        bytes.append(fields: fields)
        bytes.append(framing: framing)
        bytes.append(literal: "\r\n")
    }
}

extension [UInt8] {
    /// Appends `Name: value` lines.
    public mutating func append(fields: Fields) { fields.append(linesTo: &self) }

    /// Appends the field that announces a body, if any.
    public mutating func append(framing: BodyFraming) {
        switch framing {
        case .none: break
        case .chunked: self.append(literal: "Transfer-Encoding: chunked\r\n")
        case .length(let length):
            self.append(literal: "Content-Length: ")
            self.append(decimal: length)
            self.append(literal: "\r\n")
        }
    }

    /// Appends a number in decimal digits.
    public mutating func append(decimal number: UInt64) {
        var place: UInt64 = 1
        while number / place >= 10 { place *= 10 }
        while place > 0 {
            self.append(UInt8(0x30 + number / place % 10))
            place /= 10
        }
    }
}
