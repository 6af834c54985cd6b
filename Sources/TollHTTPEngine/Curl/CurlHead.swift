// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// Puts a response's head together from the lines libcurl hands out, by the same grammar as our own client's. Interim
/// heads are passed over; what comes after the head are trailers.
struct CurlHead {
    private(set) var head = ResponseHead(status: 0)
    /// What `Content-Length` says.
    private(set) var length: UInt64?
    private(set) var trailers = Fields()
    private(set) var isComplete = false
    /// Why the last line was not taken.
    private(set) var fault: HTTPError?
    private var byteCount = 0

    /// Reads one line with its line end. False when the response must be given up.
    mutating func read(_ line: Span<UInt8>, limits: ClientLimits) -> Bool {
        do throws(HTTPError) {
            try self.take(line, limits)
            return true
        } catch {
            self.fault = error
            return false
        }
    }

    private mutating func take(_ line: Span<UInt8>, _ limits: ClientLimits) throws(HTTPError) {
        self.byteCount += line.count
        guard self.byteCount <= limits.headerBytes, self.head.fields.count + self.trailers.count <= limits.fieldCount else {
            throw HTTPError(.tooLarge, "the response's head is over the limit")
        }
        guard line.count >= 2, line[line.count - 2] == 0x0D, line[line.count - 1] == 0x0A else {
            throw HTTPError(.malformed, "a line of the response's head ends without CRLF")
        }
        let text = line.extracting(..<(line.count - 2))
        if text.isEmpty {
            self.endSection()
        } else if self.head.status == 0 {
            try self.takeStatus(text)
        } else {
            try self.takeField(text)
        }
    }

    private mutating func endSection() {
        if self.head.status >= 200 { self.isComplete = true } else { self.head = ResponseHead(status: 0) }
    }

    /// `HTTP/1.1 200 OK` or, for HTTP/2, `HTTP/2 200`.
    private mutating func takeStatus(_ line: Span<UInt8>) throws(HTTPError) {
        var space = 0
        while space < line.count, line[space] != 0x20 { space += 1 }
        guard line.count >= space + 4, line.extracting(..<5).isExactly("HTTP/"),
            let status = line.extracting((space + 1)..<(space + 4)).decimal, 100...599 ~= status, status != 101
        else { throw HTTPError(.malformed, "the response does not start with a status line") }
        self.head.status = Int(status)
    }

    private mutating func takeField(_ line: Span<UInt8>) throws(HTTPError) {
        guard let field = FieldLine(line) else { throw HTTPError(.malformed, "a line of the response's head is no field") }
        guard !self.isComplete else { return self.trailers.appendParsed(line: line, name: field.name, value: field.value) }
        if line.extracting(field.name).isName("content-length") {
            guard self.length == nil, let length = line.extracting(field.value).decimal else {
                throw HTTPError(.malformed, "Content-Length of the response is not one number")
            }
            self.length = length
        }
        self.head.fields.appendParsed(line: line, name: field.name, value: field.value)
    }
}
