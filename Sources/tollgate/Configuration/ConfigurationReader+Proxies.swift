// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollGateway
import TollHTTP
import TollPayments
import TollRuntime

/// How much is held of answers that wait for their payment.
extension ConfigurationReader {
    static let holdingKeys = ["held_bytes", "held_disk_bytes", "held_directory"]

    mutating func holding(_ mapping: ConfigurationMapping, _ limits: inout HoldingLimits) {
        // What the ledger keeps of an answer is in memory anyway.
        let memory = StoredAnswer.bodyByteCountMax...(1 << 30)
        limits.memoryByteCount = mapping["held_bytes"]?.byteCount(in: memory, &self.findings) ?? limits.memoryByteCount
        limits.diskByteCount = mapping["held_disk_bytes"]?.byteCount(in: 0...(1 << 44), &self.findings) ?? limits.diskByteCount
        limits.directory = mapping["held_directory"]?.text(example: SpillFile.directory, &self.findings)
    }
}

/// Who stands in front, and is believed when it says whose request it brings.
extension ConfigurationReader {
    private static let example = "10.0.0.0/8"
    private static let wordsRemedy = "write `X-Forwarded-For` or `Forwarded`"

    /// A list of addresses, or `{addresses, field}`.
    mutating func trustedProxies(_ value: ConfigurationValue?) -> TrustedProxies {
        guard let value else { return .none }
        guard case .mapping = value.node.content else { return self.trustedProxies(value, .xForwarded) }
        guard let mapping = value.mapping(keys: ["addresses", "field"], &self.findings),
            let addresses = mapping.required("addresses", example: Self.example, &self.findings)
        else { return .none }
        return self.trustedProxies(addresses, mapping["field"].flatMap { self.words($0) } ?? .xForwarded)
    }

    private mutating func words(_ value: ConfigurationValue) -> TrustedProxies.Words? {
        switch value.text(example: "X-Forwarded-For", &self.findings)?.lowercased() {
        case nil: return nil
        case "x-forwarded-for": return .xForwarded
        case "forwarded": return .forwarded
        case .some:
            value.refuse("is no field that is read for the client's address", remedy: Self.wordsRemedy, &self.findings)
            return nil
        }
    }

    private mutating func trustedProxies(_ list: ConfigurationValue, _ words: TrustedProxies.Words) -> TrustedProxies {
        var (ranges, takesUnixSockets) = ([AddressRange](), false)
        for item in list.listOrSingle(&self.findings) ?? [] {
            guard let text = item.text(example: Self.example, &self.findings) else { continue }
            switch text {
            case "loopback": ranges += AddressRange.loopback
            case "private": ranges += AddressRange.private
            case "unix": takesUnixSockets = true
            default:
                guard let range = AddressRange(text) else {
                    let remedy = "write for example `\(Self.example)`, all other bits zero, or `loopback`, `private`, `unix`"
                    item.refuse("`\(Finding.excerpt(text))` is no block of addresses", remedy: remedy, &self.findings)
                    continue
                }
                if range.isEverything {
                    let remedy = "name the addresses of your own proxies"
                    item.refuse("anybody could say to be anybody", remedy: remedy, &self.findings)
                }
                ranges.append(range)
            }
        }
        return TrustedProxies(ranges, takesUnixSockets: takesUnixSockets, words: words)
    }
}
