// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// `application/x-www-form-urlencoded` (WHATWG URL Standard §5): `name=value&name=value`.
public enum FormText {
    /// The media type.
    public static let mediaType = "application/x-www-form-urlencoded"

    /// One line of visible ASCII. A space becomes `%20`, which every reader understands; only some understand `+`.
    public static func encode(_ members: [(name: String, value: String)]) -> String {
        members.map { PercentText.encode($0.name) + "=" + PercentText.encode($0.value) }.joined(separator: "&")
    }

    /// Names and values in their order, names that stand twice included: whether that is an error is the caller's to say.
    /// Nil when an escape is broken, or the text is no UTF-8 behind its escapes.
    public static func decode(_ text: some StringProtocol) -> [(name: String, value: String)]? {
        var members: [(name: String, value: String)] = []
        for pair in text.utf8.split(separator: UInt8(ascii: "&")) {
            let spaced = pair.map { $0 == UInt8(ascii: "+") ? 0x20 : $0 }
            let end = spaced.firstIndex(of: UInt8(ascii: "=")) ?? spaced.endIndex
            guard let name = PercentText.decode(utf8: spaced[..<end]),
                let value = PercentText.decode(utf8: spaced[end...].dropFirst())
            else { return nil }
            members.append((name, value))
        }
        return members
    }
}
