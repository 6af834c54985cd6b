// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollRuntime

/// Sentences in lines of a terminal's width. An address or a hash is never broken.
enum WrappedText {
    /// Columns of a line: what terminals have, and what pastes into an issue.
    static let width = 98

    /// `text` with lines after the first set in by `indent` spaces. Controls are shown, not sent.
    static func lines(_ text: String, indent: Int = 0) -> String {
        let margin = String(repeating: " ", count: indent)
        var lines: [String] = []
        for word in EscapedText.singleLine(text).split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= self.width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(lines.isEmpty ? String(word) : margin + word)
            }
        }
        return lines.joined(separator: "\n")
    }
}
