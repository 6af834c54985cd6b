// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

/// Who goes on with what a process left.
extension PaymentStoreConformance {
    private static let (first, second) = (SamplePayment.worker(1), SamplePayment.worker(2))

    static func workIsTakenOverFromTheDead(_ store: any PaymentStore) async throws {
        try await store.renew(self.first, for: 3_600, at: 100)
        try await store.renew(self.second, for: 3_600, at: 100)
        let claim = SamplePayment.claim(1, worker: self.first)
        let claimed = try await self.claimFirst(store, claim)
        try self.expect(claimed.worker, is: self.first, "the worker of a claim")
        try self.expect(try await store.takeOver(claim.id, by: self.second, at: 101), is: claimed, "what somebody works on")
        try self.expect(try await store.takeOver(claim.id, by: self.first, at: 101), is: claimed, "what one has oneself")
        try self.expect(try await store.events(claim.id).count, is: 1, "events so far")

        try await store.renew(self.first, for: 0, at: 102)
        let taken = try await store.takeOver(claim.id, by: self.second, at: 102)
        try self.expect(taken?.worker, is: self.second, "who has what a worker left")
        try self.expect(try await store.record(claim.id), is: taken, "the payment that was taken over")
        try self.expect(
            try await store.events(claim.id).last, is: TimedEvent(time: 102, event: .takenOver(by: self.second)), "its event")

        let nobodys = SamplePayment.claim(2)
        _ = try await self.claimFirst(store, nobodys)
        try self.expect(
            try await store.takeOver(nobodys.id, by: self.first, at: 103)?.worker, is: self.first, "who has what nobody worked on"
        )
        try await store.append([.failed(PaymentRefusal("expired"))], to: nobodys.id, at: 104)
        try self.expect(
            try await store.takeOver(nobodys.id, by: self.second, at: 105)?.worker, is: self.first, "who has what is over")
        try self.expect(try await store.takeOver(SamplePayment.claim(3).id, by: self.first, at: 106), is: nil, "what never was")
    }

    static func raceToTakeOverHasOneWinner(_ store: any PaymentStore) async throws {
        let claim = SamplePayment.claim(1, worker: self.first)
        _ = try await self.claimFirst(store, claim)
        let workers = (10..<30).map(SamplePayment.worker)
        for worker in workers { try await store.renew(worker, for: 3_600, at: 100) }
        let holders = try await withThrowingTaskGroup(of: WorkerID?.self) { group in
            for worker in workers { group.addTask { try await store.takeOver(claim.id, by: worker, at: 101)?.worker } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try self.expect(Set(holders).count, is: 1, "workers who have the payment, as twenty see it")
        try self.expect(try await store.events(claim.id).count, is: 2, "its events")
    }
}
