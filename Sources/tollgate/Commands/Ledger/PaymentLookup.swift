// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments
import TollPrimitives
import TollRuntime

/// Finds the payments that a person means: by a whole name, the beginning of one, or a transaction.
struct PaymentLookup {
    /// Fewer digits would soon mean several payments.
    static let prefixLengthMin = 6

    let ledger: any PaymentReader

    /// Every payment that `text` may mean, oldest first; none when there is none.
    ///
    /// - Throws: `UsageError` when it can be no payment's name.
    func find(_ text: String, progress: (Int) -> Void = { _ in }) async throws -> [PaymentRecord] {
        let text = text.lowercased()
        if let id = PaymentID(text), let record = try await self.ledger.record(id) { return [record] }
        let isHash = text.hasPrefix("0x") && Bytes32(hex: text) != nil
        let isName = (Self.prefixLengthMin...64).contains(text.utf8.count) && text.utf8.allSatisfy(Self.isDigit)
        guard isHash || isName else {
            throw UsageError(
                "\"\(text)\" is no payment; write \(Self.prefixLengthMin) to 64 hexadecimal digits of its name, or a "
                    + "transaction's hash with 0x")
        }
        let hash = isHash ? text : "0x" + text
        var (found, count): ([PaymentRecord], Int) = ([], 0)
        try await self.ledger.forEach(PaymentQuery(limit: PaymentQuery.pageSize)) { record in
            if record.id.description.hasPrefix(text) || Self.has(hash, record) { found.append(record) }
            count += 1
            progress(count)
        }
        return found
    }

    /// The one payment that `text` means.
    ///
    /// - Throws: ``LedgerSession/Failure`` when there is none, or several.
    func one(_ text: String) async throws -> PaymentRecord {
        let found = try await self.find(text)
        guard let record = found.first else { throw LedgerSession.Failure(description: "no payment \(text)") }
        guard found.count == 1 else {
            let names = found.prefix(5).map { $0.id.description.prefix(16) }.joined(separator: ", ")
            throw LedgerSession.Failure(
                description: "\(found.count) payments are meant by \(text), \(names); write more digits")
        }
        return record
    }

    private static func has(_ hash: String, _ record: PaymentRecord) -> Bool {
        record.settlement?.transaction.lowercased() == hash || record.transactions.contains { $0.hash.lowercased() == hash }
            || record.debt?.refund?.transaction?.hash.lowercased() == hash
            || record.debt?.refunded?.transaction.lowercased() == hash
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
}
