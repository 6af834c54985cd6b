// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollMethods
import TollPayments

/// Runs what `tollgate ledger refund --all` does, beside the gateways, again and again, and is killed at times.
struct Refunder: Sendable {
    /// How long one refund is waited for.
    private static let patience = Duration.seconds(60)
    /// The last run begins so long before the end that it comes to its own.
    private static let lastRun = Duration.seconds(200)

    let world: World
    let number: Int

    func run() async {
        let (world, dice) = (self.world, self.world.dice("refunder \(self.number)"))
        while world.executor.now < world.scenario.end - Self.lastRun {
            let isTroubled = world.executor.now < Scenario.calmFrom
            try? await world.executor.sleep(dice.milliseconds(in: isTroubled ? 500...10_000 : 60_000...120_000))
            let process = world.process("refund command \(self.number)", hasGoodClock: true)
            if isTroubled, dice.happens(perMille: 200) {
                world.executor.schedule(after: dice.milliseconds(in: 1...4_000)) {
                    if process.isAlive { world.tally.note(.refundCrashed) }
                    process.kill()
                }
            }
            let done = Waiting<Void>()
            process.spawn {
                await self.payBack(process)
                done.resume(())
            }
            world.executor.spawn {
                _ = await process.death.value
                done.resume(())
            }
            _ = await done.value
            process.kill()
        }
    }

    /// What was left under way first: the wallet's numbers go in order.
    private func payBack(_ process: SimulatedProcess) async {
        guard let store = try? SimulatedStore(disk: self.world.disk, process: process) else { return }
        let wallet = EVMPayoutWallet(
            network: self.world.network(process, signers: [Market.payoutWallet]), store: store,
            key: Market.payoutWallet.key, environment: process.environment)
        var query = PaymentQuery(limit: 500)
        query.isOwed = true
        guard let owed = try? await store.records(query) else { return }
        let underWay = owed.filter { $0.debt?.refund?.transaction != nil && $0.debt?.refunded == nil }
            .sorted { ($0.debt?.refund?.transaction?.nonce ?? 0) < ($1.debt?.refund?.transaction?.nonce ?? 0) }
        for record in underWay + owed.filter({ $0.debt?.isOpen == true }) {
            guard await self.payBack(record, from: wallet) else { return }
        }
    }

    /// False when the command ends here.
    private func payBack(_ record: PaymentRecord, from wallet: EVMPayoutWallet) async -> Bool {
        do {
            let signed = record.debt?.refund == nil ? try await wallet.sign(record) : record
            switch try await wallet.pursue(signed, patience: Self.patience) {
            case .paid: self.world.tally.note(.refundPaid)
            case .dropped(let reason):
                self.world.trace.note("the refund of \(record.id.description.prefix(8)) is dropped: \(reason)")
            case .pending: return false
            }
            return true
        } catch let error as StoreError {
            if error.isDefect { self.world.tally.note(.refundLost) }
            return false
        } catch {
            self.world.trace.note("no refund of \(record.id.description.prefix(8)): \(error)")
            return error is RefundError
        }
    }
}
