// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollClient
import TollHTTP
import TollPrimitives
import TollRuntime

/// The options that say what to send, with curl's letters.
enum RequestOptions {
    static let method = Parameter.option("request", short: "X", "method", help: "The method. Default: GET, with a body POST")
    static let header = Parameter.repeatedOption("header", short: "H", "name: value", help: "A field of the request.")
    static let data = Parameter.option("data", short: "d", "body", help: "The body; @FILE reads a file, - standard input.")
    static let output = Parameter.option("output", short: "o", "file", help: "Write the body to this file.")
    static let parameters = [method, header, data, output]

    /// Bytes of a body to send: it is kept in memory, since it may have to be sent twice.
    private static let bodySizeMax = 64 << 20
    /// Fields that this program writes, or that would pay past every limit.
    private static let reserved: [FieldName] = [
        "payment-signature", "x-payment", "sign-in-with-x", "x-402-proof", "payment-proof", "content-length", "transfer-encoding", "host", "connection",
    ]

    static func request(_ arguments: Arguments, url text: String) throws -> PurchaseRequest {
        let url: URLParts
        do throws(URLError) { url = try URLParts(parsing: text) } catch { throw UsageError(error.description) }
        let body = try arguments.value(self.data).map(self.body)
        let token = arguments.value(self.method) ?? (body == nil ? "GET" : "POST")
        guard let method = Method(token) else { throw UsageError("'\(token)' is no method") }
        var fields = Fields()
        for line in arguments.values(self.header) { try self.add(line, to: &fields) }
        if !fields.contains(.userAgent) { fields.append("User-Agent", "toll/0.1.0") }
        if !fields.contains(.accept) { fields.append("Accept", "*/*") }
        if let body, !fields.contains(.contentType) {
            fields.append("Content-Type", (try? JSON(parsing: body)) == nil ? "application/octet-stream" : "application/json")
        }
        return PurchaseRequest(url, method: method, fields: fields, body: body)
    }

    private static func add(_ line: String, to fields: inout Fields) throws(UsageError) {
        guard let colon = line.firstIndex(of: ":") else { throw UsageError("-H takes 'name: value', not '\(line)'") }
        let name = String(line[..<colon])
        var value = line[line.index(after: colon)...]
        while value.first == " " { value.removeFirst() }
        while value.last == " " { value.removeLast() }
        guard let known = FieldName(name), !self.reserved.contains(known) else {
            throw UsageError("-H cannot set '\(name)'")
        }
        guard fields.append(name, String(value)) else { throw UsageError("the value of '\(name)' cannot be sent") }
    }

    private static func body(_ text: String) throws -> [UInt8] {
        if text == "-" { return try FileContents.read("/dev/stdin", byteCountMax: self.bodySizeMax) }
        if text.hasPrefix("@") { return try FileContents.read(String(text.dropFirst()), byteCountMax: self.bodySizeMax) }
        return Array(text.utf8)
    }
}
