// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives
public import TollRuntime

/// Takes up settlements that nobody is at work on: what a stopped process left, here or on another gateway of the same ledger.
///
/// Whoever writes a step of a settlement has it on lease for a while. What is handed out here has no lease, or one that is over;
/// being handed out renews it, also for what this process pursues already.
public struct SettlementRecovery: Service {
    /// Shorter than a lease, so that what is pursued here stays with us.
    private static let interval = Duration.seconds(20)
    /// Payments taken from the ledger in one step.
    private static let pageSize = 500

    public let name = "settlement recovery"
    private let settler: ExactEVMSettler

    init(_ settler: ExactEVMSettler) {
        self.settler = settler
    }

    /// Again and again until the group stops. A ledger that does not answer is asked again the next time.
    public func run() async throws {
        let recovery = self
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    await recovery.takeUp()
                    try await recovery.settler.environment.sleep(for: Self.interval)
                }
            }
        } catch is CancellationError {}
    }

    /// Takes up what there is, page by page, as far as there is room.
    func takeUp() async {
        let settler = self.settler
        for network in settler.networks.values where network.signers != nil {
            var count = 0
            do throws(StoreError) {
                while !settler.table.isFull {
                    let page = try await settler.store.takeWork(
                        in: [.signed, .broadcast, .unknown], on: network.chain, limit: Self.pageSize,
                        leaseSeconds: PaymentRecord.leaseSeconds, at: Int64(settler.environment.now()))
                    count += self.takeUp(page, network)
                    guard page.count == Self.pageSize else { break }
                }
            } catch {
                settler.log.error("settlement recovery: the ledger does not answer", ["reason": error.reason])
            }
            if count > 0 { settler.log.info("settlements taken up", ["network": network.chain, "count": count]) }
        }
    }

    /// Begins the pursuits of one page; says how many.
    private func takeUp(_ page: [PaymentRecord], _ network: ExactEVMNetwork) -> Int {
        let settler = self.settler
        var count = 0
        for (number, records) in Dictionary(grouping: page, by: \.pursuedNumber) {
            guard let number else {
                for record in records where record.isOurs {
                    count += 1
                    settler.background.start { await settler.takeUp(record.id) }
                }
                continue
            }
            // What belongs to one transaction may be on several pages.
            if settler.table.knows(number) {
                settler.table.join(records, to: number)
            } else if let pursuit = Pursuit(records, on: network) {
                count += 1
                settler.pursuer.pursueInBackground(pursuit)
            }
        }
        return count
    }
}
