// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollEVM
import TollGateway
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

/// What is read of the process whenever its metrics are asked for.
enum ProcessMetrics {
    /// Registers all of it.
    static func register(
        _ watch: ProcessWatch, _ networks: [ExactEVMNetwork], _ logWriter: LogWriter?, _ environment: Environment
    ) {
        let metrics = watch.metrics
        let started = environment.now()
        let (readiness, state, reloads) = (watch.readiness, watch.state, watch.reloads)
        metrics.gauge("tollgate_build_info", "Always 1; the version is a label.") { [MetricSample(1, ["version": Main.version])] }
        metrics.gauge("tollgate_start_time_seconds", "When the process started, since 1970.") { [MetricSample(started)] }
        metrics.gauge("tollgate_ready", "Whether requests can be paid for: 1, or 0.") {
            await [MetricSample(readiness.standing().problems.isEmpty && !state.isDraining ? 1 : 0)]
        }
        metrics.counter("tollgate_log_lines_dropped_total", "Lines of the log that nobody read in time.") {
            [MetricSample(logWriter?.droppedCount ?? 0)]
        }
        metrics.counter("tollgate_config_reloads_total", "How often the configuration was read again, by what came of it.") {
            let (succeeded, failed) = reloads.counts
            return [
                MetricSample(succeeded, ["result": "taken_up"]), MetricSample(failed, ["result": "refused"]),
            ]
        }
        metrics.gauge("tollgate_config_taken_up_timestamp_seconds", "When the configuration in force was read, since 1970.") {
            [MetricSample(reloads.takenUpAt)]
        }
        self.register(in: metrics, ledger: watch.gauges, limit: { reloads.exposureLimit })
        self.register(in: metrics, chains: networks, readiness)
    }

    /// Registers how the upstreams do.
    static func register(in metrics: MetricsRegistry, upstreams: UpstreamHealth) {
        metrics.gauge(
            "tollgate_upstream_up", "Whether an address of an upstream is in use: 1, or 0 while it rests after failures."
        ) {
            upstreams.standing.map {
                MetricSample($0.isInUse ? 1 : 0, ["upstream": $0.upstream, "address": $0.address.description])
            }
        }
    }

    private static func register(in metrics: MetricsRegistry, ledger: LedgerGauges, limit: @escaping @Sendable () -> Int64) {
        metrics.gauge("tollgate_payments_under_way", "Payments that have not come to an end, by how far they have come.") {
            guard let reading = await ledger.reading() else { return [] }
            return LedgerGauges.underWay.map { MetricSample(reading.counts[$0] ?? 0, ["phase": $0.rawValue]) }
        }
        metrics.gauge("tollgate_exposure_dollars", "What was served and is not paid yet.") {
            guard let reading = await ledger.reading() else { return [] }
            return [MetricSample(self.dollars(reading.exposure))]
        }
        metrics.gauge("tollgate_exposure_limit_dollars", "The most that may be served before it is paid.") {
            [MetricSample(self.dollars(limit()))]
        }
    }

    private static func register(in metrics: MetricsRegistry, chains: [ExactEVMNetwork], _ readiness: Readiness) {
        metrics.gauge("tollgate_signer_balance_ether", "What a signer has left for gas, in the chain's own coin.") {
            await readiness.standing().signers.map {
                MetricSample(
                    DecimalAmount(units: UInt256($0.balance), decimals: 9),
                    ["network": $0.network.description, "signer": $0.address.description])
            }
        }
        metrics.gauge(
            "tollgate_signer_gas_left_seconds",
            "How long a signer's balance lasts if it goes on spending as within the last day; 86400 is a day."
        ) {
            await readiness.standing().signers.compactMap { signer in
                let labels: KeyValuePairs = ["network": signer.network.description, "signer": signer.address.description]
                switch signer.lasting {
                case .unknown: return nil
                case .forever: return .infinite(labels)
                case .seconds(let seconds): return MetricSample(seconds, labels)
                }
            }
        }
        metrics.gauge("tollgate_rpc_node_failures", "Failures of a node in a row, by its place in the configuration.") {
            chains.flatMap { chain in
                chain.client.health.map { node in
                    MetricSample(node.failures, ["network": chain.chain.description, "node": "\(node.position)"])
                }
            }
        }
    }

    private static func dollars(_ millionths: Int64) -> DecimalAmount {
        DecimalAmount(units: UInt256(UInt64(max(0, millionths))), decimals: 6)
    }
}
