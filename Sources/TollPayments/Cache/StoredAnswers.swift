// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPrimitives

/// The answers that the ledger keeps, with copies of those that were asked for lately in a cache beside it.
///
/// Whether somebody may have an answer is the ledger's to say, and has been said; a copy only spares it the reading.
public struct StoredAnswers: Sendable {
    /// How long a copy is used, in seconds: while a client tries again, and not for as long as the ledger keeps the answer.
    private static let copySeconds: Int64 = 60

    private let store: any PaymentStore
    private let cache: (any SharedCache)?

    /// The answers in `store`.
    public init(_ store: any PaymentStore, copies cache: (any SharedCache)?) {
        self.store = store
        self.cache = cache
    }

    /// The answer of a payment as it stands in the ledger; nil when there is none, or it is not kept any more.
    public func answer(of record: PaymentRecord, at time: Int64) async throws(StoreError) -> StoredAnswer? {
        guard record.hasAnswer else { return nil }
        let kept = record.endedAt.map { $0 + StoredAnswer.keptSeconds - time } ?? Self.copySeconds
        guard let cache = self.cache, kept > 0 else { return try await self.store.answer(record.id) }
        // Another claim of the same authorization has another answer.
        let key = "answer/\(record.id)/\(record.attempts)/\(record.claimedAt)"
        if let copy = await cache.value(for: key), let answer = StoredAnswer(copy: copy) { return answer }
        guard let answer = try await self.store.answer(record.id) else { return nil }
        await cache.setValue(answer.copy, for: key, seconds: Int(min(kept, Self.copySeconds)))
        return answer
    }
}

extension StoredAnswer {
    /// The head in one line of JSON, then the body.
    fileprivate var copy: [UInt8] { Array(JSON.object(self.storedHead).text.utf8) + [UInt8(ascii: "\n")] + self.body }

    /// Reads what ``copy`` wrote; nil for anything else.
    fileprivate init?(copy: [UInt8]) {
        guard let end = copy.firstIndex(of: UInt8(ascii: "\n")),
            let head = String(validating: copy[..<end], as: UTF8.self),
            let answer = try? StoredAnswer(storedHead: head, body: Array(copy[(end + 1)...]))
        else { return nil }
        self = answer
    }
}
