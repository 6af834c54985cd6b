// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

/// Looks after the accounts that pay for settlements, and has it told, once a day, of one that is running out of gas.
struct GasWatch: Service {
    /// An account is looked at so often. Gas runs out in hours or days.
    private static let interval: Duration = .seconds(600)
    /// It is low when it cannot pay for so many settlements …
    private static let settlementsMin: UInt64 = 100
    /// … of this much gas each, at twice the newest base fee, which is what a settlement offers.
    private static let gasPerSettlement: UInt64 = 100_000

    let name = "gas watch"
    let networks: [ExactEVMNetwork]
    let outbox: any NoticeOutbox
    let environment: Environment
    let log: Logger

    func run() async throws {
        let watch = self
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    for network in watch.networks { await watch.look(at: network) }
                    try await watch.environment.sleep(for: Self.interval)
                }
            }
        } catch is CancellationError {}
    }

    /// A node that does not answer is passed over: readiness and settlements say so.
    func look(at network: ExactEVMNetwork) async {
        guard let block = try? await network.client.ask(.block(.latest)), let fee = block.baseFeePerGas?.uint64,
            let cost = UInt256(fee).multiplied(by: 2 * Self.gasPerSettlement)?.uint64, cost > 0
        else { return }
        for signer in network.signers?.addresses ?? [] {
            guard let balance = try? await network.client.ask(.balance(of: signer)) else { continue }
            let left = balance.quotientAndRemainder(dividingBy: cost).quotient
            if left < UInt256(Self.settlementsMin) { await self.tell(signer, network.chain, balance: balance, left: left) }
        }
    }

    private func tell(_ signer: Address, _ chain: ChainID, balance: UInt256, left: UInt256) async {
        let now = Int64(self.environment.now())
        let detail: JSONObject = [
            "network": .string("\(chain)"), "signer": .string("\(signer)"), "balance": .string("\(balance)"),
            "settlementsLeft": .number("\(left)"),
        ]
        self.log.warning("signer low on gas", ["network": chain, "signer": signer, "settlements_left": left])
        do throws(StoreError) {
            try await self.outbox.post(
                name: "low_gas_\(chain)_\(signer)_\(CalendarTime.day(seconds: now))", kind: "low_gas",
                detail: JSON.object(detail).text, at: now)
        } catch { self.log.error("webhooks: the ledger does not answer", ["reason": error.reason]) }
    }
}
