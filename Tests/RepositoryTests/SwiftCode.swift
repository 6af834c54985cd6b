// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Swift source with everything blanked that is no code: comments, the text of string literals, names in backticks. Lines and
/// columns stay where they are, and code inside an interpolation stays code.
///
/// Knows what this repository writes: nested comments, raw and multi-line strings. Regular expression literals are not known.
struct SwiftCode {
    private let source: [UInt8]
    private var masked: [UInt8]
    private var position = 0

    private init(_ source: [UInt8]) {
        self.source = source
        self.masked = source
    }

    /// The code of `source`.
    static func masking(_ source: [UInt8]) -> [UInt8] {
        var code = SwiftCode(source)
        code.scan(untilParenthesis: false)
        return code.masked
    }

    /// The code of `source`, by lines.
    static func lines(of source: [UInt8]) -> [Substring] {
        String(decoding: self.masking(source), as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// Reads code up to the end, or up to the parenthesis that closes an interpolation.
    private mutating func scan(untilParenthesis isInterpolation: Bool) {
        var depth = 1
        while self.position < self.source.count {
            if self.isAt("//") {
                self.blank { !$0.isAt("\n") }
            } else if self.isAt("/*") {
                self.blankComment()
            } else if self.isAt("`") {
                self.blank(1)
                self.blank { !$0.isAt("`") }
                self.blank(1)
            } else if let pounds = self.poundsBeforeQuote {
                self.blankString(pounds: pounds)
            } else {
                if isInterpolation, self.isAt("(") { depth += 1 }
                if isInterpolation, self.isAt(")") { depth -= 1 }
                self.position += 1
                if depth == 0 { return }
            }
        }
    }

    /// How many `#` stand before a quote that opens a string here; nil when none does.
    private var poundsBeforeQuote: Int? {
        var pounds = 0
        while self.byte(pounds) == UInt8(ascii: "#") { pounds += 1 }
        return self.byte(pounds) == UInt8(ascii: "\"") ? pounds : nil
    }

    private mutating func blankString(pounds: Int) {
        let marks = String(repeating: "#", count: pounds)
        self.blank(pounds)
        let quote = self.isAt("\"\"\"") ? "\"\"\"" : "\""
        self.blank(quote.utf8.count)
        while self.position < self.source.count {
            if self.isAt(quote + marks) {
                self.blank(quote.utf8.count + pounds)
                return
            }
            if self.isAt("\\" + marks + "(") {
                self.blank(2 + pounds)
                self.scan(untilParenthesis: true)
                self.masked[self.position - 1] = UInt8(ascii: " ")
            } else if self.isAt("\\" + marks) {
                self.blank(2 + pounds)
            } else {
                self.blank(1)
            }
        }
    }

    private mutating func blankComment() {
        var depth = 0
        repeat {
            let (opens, closes) = (self.isAt("/*"), self.isAt("*/"))
            depth += opens ? 1 : closes ? -1 : 0
            self.blank(opens || closes ? 2 : 1)
        } while depth > 0 && self.position < self.source.count
    }

    private mutating func blank(while condition: (SwiftCode) -> Bool) {
        while self.position < self.source.count, condition(self) { self.blank(1) }
    }

    private mutating func blank(_ count: Int) {
        for _ in 0..<count where self.position < self.source.count {
            if !self.isAt("\n") { self.masked[self.position] = UInt8(ascii: " ") }
            self.position += 1
        }
    }

    private func byte(_ offset: Int) -> UInt8? {
        self.position + offset < self.source.count ? self.source[self.position + offset] : nil
    }

    private func isAt(_ text: String) -> Bool {
        var offset = 0
        for byte in text.utf8 {
            guard self.byte(offset) == byte else { return false }
            offset += 1
        }
        return true
    }
}
