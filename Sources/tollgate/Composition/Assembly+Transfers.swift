// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollCrypto
import TollEVM
import TollGateway
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

extension Assembly {
    /// Payment by transfers that clients send by themselves; nil where there is no chain to ask.
    func transferRail() async throws -> TransferProofRail? {
        guard self.mode == .live else {
            return .mock(
                chains: Set(self.configuration.networks.map(\.id)), references: self.references, store: self.store,
                signer: try await self.instructionsKey(), environment: self.environment, log: self.log)
        }
        let networks = self.networks.compactMap { exact -> TransferProofNetwork? in
            guard let configured = self.configuration.networks.first(where: { $0.id == exact.chain }), !configured.rpc.isEmpty
            else { return nil }
            return TransferProofNetwork(
                exact, nodes: configured.rpc.map { self.node($0, of: configured) },
                assets: configured.assets.map { Self.asset($0.token, on: exact.chain) })
        }
        guard !networks.isEmpty else { return nil }
        return TransferProofRail(
            networks: networks, references: self.references, store: self.store, signer: try await self.instructionsKey(),
            environment: self.environment, log: self.log)
    }

    /// One node by itself.
    private func node(_ url: WebURL, of network: Configuration.Network) -> EVMClient {
        var limits = RPCClient.Limits()
        limits.attempt = network.timeouts.call
        limits.total = network.timeouts.call
        return EVMClient(
            RPCClient(
                endpoints: [url.text], transport: RPCOverHTTP(self.client), limits: limits, now: self.environment.monotonic,
                jitter: { Int.random(in: 0...25) }))
    }

    /// The key that signs instructions: the ledger's own, the same for all who serve from it. It moves no money.
    private func instructionsKey() async throws -> PrivateKey {
        do throws(StoreError) {
            // Not every number of 32 bytes is a key; all but one in 2^127 are.
            let fresh = Secret(self.environment.randomBytes(32))
            let secret = try await self.secrets.secret(TransferProofRail.signerSecret, orElse: fresh)
            guard let key = secret.withExposed({ PrivateKey(bytes: $0) }) else {
                throw StoreError.defect("the ledger's \(TransferProofRail.signerSecret) is no key")
            }
            return key
        } catch {
            throw Failure(description: "store: \(error.reason)")
        }
    }
}
