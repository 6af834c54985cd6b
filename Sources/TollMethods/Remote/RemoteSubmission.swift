// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Whom a settlement was asked of: the reason of the ledger's `unknown` while a facilitator has it, so that a restart asks there.
///
/// The ledger's events are about transactions of our own, of which there is none here: from the request to the verdict the
/// payment is `unknown`, and this says in words, for people too, what it takes to find out.
struct RemoteSubmission: Hashable, Sendable {
    /// The reason of an `unknown` that nobody has: every facilitator that was asked is known not to have taken it.
    static let nobody = "no facilitator took it"
    private static let prefix = "asked "
    private static let separator = ", transaction "

    /// The facilitator's URL.
    let facilitator: String
    /// The transaction that it named; empty before.
    var transaction: String

    init(facilitator: String, transaction: String = "") {
        self.facilitator = facilitator
        self.transaction = transaction
    }

    /// `asked https://facilitator.example/`, and perhaps `, transaction 0x…`.
    var reason: String {
        Self.prefix + self.facilitator + (self.transaction.isEmpty ? "" : Self.separator + self.transaction)
    }

    /// Reads a reason; nil when it was not written here.
    init?(reason: String) {
        guard reason.hasPrefix(Self.prefix) else { return nil }
        let rest = reason.dropFirst(Self.prefix.count)
        // A URL has no space, so the first one ends it.
        guard let end = rest.firstIndex(of: " ") else {
            self.init(facilitator: String(rest))
            return
        }
        let parts = (String(rest[..<end].dropLast()), rest[end...].split(separator: " "))
        guard parts.1.count == 2, rest[..<end].hasSuffix(","), parts.1[0] == "transaction" else { return nil }
        self.init(facilitator: parts.0, transaction: String(parts.1[1]))
    }
}
