// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

extension TransferProof {
    /// A link that wallets open as a token transfer: `ethereum:TOKEN@CHAIN/transfer?address=RECIPIENT&uint256=AMOUNT`.
    /// Source: ERC-681, of which this is the part for ERC-20 transfers with hexadecimal addresses.
    public struct PaymentLink: Hashable, Sendable, CustomStringConvertible {
        /// The token's contract: `0x` and 40 digits.
        public let asset: String
        /// The chain.
        public let chainID: UInt64
        /// Who is paid: `0x` and 40 digits.
        public let recipient: String
        /// In the token's smallest unit.
        public let amount: UInt256

        /// Nil unless both addresses are `0x` and 40 digits.
        public init?(asset: String, chainID: UInt64, recipient: String, amount: UInt256) {
            guard WireReader.isAddress(asset), WireReader.isAddress(recipient), TransferProofGrammar.chainID(chainID) != nil
            else {
                return nil
            }
            self.asset = asset
            self.chainID = chainID
            self.recipient = recipient
            self.amount = amount
        }

        /// Reads a link. Nil for what is no ERC-20 transfer, and where something is left to the wallet to guess: a name in the
        /// place of an address, no chain, no amount, a parameter that is repeated, unknown, or not where `transfer` has it.
        /// An amount may be written with a fraction and an exponent, as ERC-681 allows, when it is whole.
        public init?(parsing text: some StringProtocol) {
            guard text.utf8.count <= Self.sizeMax, text.utf8.starts(with: "ethereum:".utf8) else { return nil }
            var rest = String(text.dropFirst("ethereum:".count))[...]
            if rest.utf8.starts(with: "pay-".utf8) { rest = rest.dropFirst("pay-".count) }
            guard let at = rest.firstIndex(of: "@"), let end = rest.firstRange(of: "/transfer?address=") else { return nil }
            guard at < end.lowerBound else { return nil }
            let chain = String(rest[rest.index(after: at)..<end.lowerBound])
            guard let chainID = TransferProofGrammar.whole(chain) else { return nil }
            let parameters = rest[end.upperBound...]
            guard let next = parameters.firstRange(of: "&uint256="),
                let amount = Self.amount(parameters[next.upperBound...])
            else { return nil }
            self.init(
                asset: String(rest[..<at]), chainID: chainID, recipient: String(parameters[..<next.lowerBound]), amount: amount)
        }

        /// The link.
        public var description: String {
            "ethereum:\(self.asset)@\(self.chainID)/transfer?address=\(self.recipient)&uint256=\(self.amount)"
        }

        /// Whether both say the same, whatever the case of their addresses.
        public func agrees(with other: PaymentLink) -> Bool {
            TransferProofGrammar.isSame(self.asset, other.asset) && self.chainID == other.chainID
                && TransferProofGrammar.isSame(self.recipient, other.recipient) && self.amount == other.amount
        }

        /// Two addresses, two numbers and the words between stay below.
        private static let sizeMax = 512

        /// Digits, perhaps a fraction, perhaps an exponent, together a whole number.
        private static func amount(_ text: Substring) -> UInt256? {
            let parts = text.split(separator: "e", maxSplits: 1, omittingEmptySubsequences: false)
            let number = (parts.first ?? "").split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            let fraction = number.count == 2 ? number[1] : ""
            guard let whole = number.first, !whole.isEmpty, number.count == 1 || !fraction.isEmpty else { return nil }
            var exponent = 0
            if parts.count == 2 {
                // Beyond 77 nothing but 0 fits 256 bits.
                guard let written = TransferProofGrammar.whole(String(parts[1])), written <= 77 else { return nil }
                exponent = Int(written)
            }
            guard fraction.utf8.count <= exponent else { return nil }
            let digits = whole + fraction + String(repeating: "0", count: exponent - fraction.utf8.count)
            let significant = digits.drop { $0 == "0" }
            guard whole == "0" || whole.first != "0" else { return nil }
            return UInt256(decimal: significant.isEmpty && digits.utf8.allSatisfy { $0 == 0x30 } ? "0" : String(significant))
        }
    }
}
