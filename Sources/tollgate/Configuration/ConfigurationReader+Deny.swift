// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollRuntime

/// Who may not buy, and who is asked about it.
extension ConfigurationReader {
    /// A list of some hundred thousand addresses.
    private static let listByteCountMax = 32 << 20

    mutating func deny(_ value: ConfigurationValue?) -> Configuration.Deny {
        var deny = Configuration.Deny()
        guard let mapping = value?.mapping(keys: ["payers", "screen"], &self.findings) else { return deny }
        for item in mapping["payers"]?.listOrSingle(&self.findings) ?? [] {
            if let text = item.scalarText, text.hasPrefix("file:") {
                deny.payers.formUnion(self.payers(in: String(text.dropFirst(5)), item))
            } else if let address = item.address(&self.findings) {
                deny.payers.insert(address)
            }
        }
        deny.screen = mapping["screen"].flatMap { self.screen($0) }
        return deny
    }

    /// A file with an address on each line; what is behind `#`, and empty lines, do not count.
    private mutating func payers(in path: String, _ value: ConfigurationValue) -> Set<String> {
        let bytes: [UInt8]
        do throws(FileError) { bytes = try FileContents.read(path, byteCountMax: Self.listByteCountMax) } catch {
            value.refuse("the file \(path) cannot be read: \(error.reason)", remedy: "name a text file", &self.findings)
            return []
        }
        var payers: Set<String> = []
        for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let text = String(decoding: line.prefix { $0 != UInt8(ascii: "#") }, as: UTF8.self)
            let word = text.filter { !$0.isWhitespace }
            guard !word.isEmpty else { continue }
            switch AddressText.read(word) {
            case .valid(let address), .unchecked(let address): payers.insert(address)
            case .wrongChecksum:
                self.refuse(line: index + 1, of: path, "the address does not fit its checksum", "copy it again from its source")
            case .malformed:
                self.refuse(
                    line: index + 1, of: path, "`\(Finding.excerpt(word))` is no address", "write one address on a line")
            }
        }
        return payers
    }

    private mutating func refuse(line: Int, of path: String, _ message: String, _ remedy: String) {
        self.findings.add(.error, file: path, line: line, message, remedy: remedy)
    }

    private mutating func screen(_ value: ConfigurationValue) -> Configuration.Deny.Screen? {
        let keys = ["url", "timeout", "on_failure", "remember"]
        guard let mapping = value.mapping(keys: keys, &self.findings) else { return nil }
        let url = mapping.required("url", example: "http://127.0.0.1:9100/screen", &self.findings)?.url(&self.findings)
        let timeout = self.duration(mapping["timeout"], in: .milliseconds(50) ... .seconds(30), default: .seconds(2))
        let remembered = self.duration(mapping["remember"], in: .seconds(0) ... .seconds(86_400), default: .seconds(300))
        let onFailure = mapping["on_failure"]?.choice(of: ["closed", "open"], &self.findings) ?? "closed"
        guard let url else { return nil }
        if !url.isSecure, !url.isLoopback {
            let message = "who pays would be sent over plain HTTP, and anybody on the way could allow it"
            value.report(.warning, message, remedy: "write an `https` URL", &self.findings)
        }
        return Configuration.Deny.Screen(
            url: url, timeout: timeout, failsClosed: onFailure == "closed", remembered: remembered)
    }
}
