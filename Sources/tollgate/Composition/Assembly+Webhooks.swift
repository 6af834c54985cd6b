// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollCrypto
import TollGateway
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

extension Assembly {
    /// What tells others what happens; empty when nobody is to be told. From its making on, events are noted for them.
    func webhooks() async throws -> [any Service] {
        guard !self.configuration.webhooks.isEmpty, let outbox = self.outbox else { return [] }
        let delivery = WebhookDelivery(
            try self.configuration.webhooks.map(Self.webhook), outbox: outbox, payments: self.store, client: self.client,
            environment: self.environment, jitter: { Int64.random(in: 0...100) }, metrics: self.metrics,
            log: self.log)
        do throws(StoreError) { try await delivery.subscribe() } catch {
            throw Failure(description: "webhooks: \(error.reason)")
        }
        let watched = self.networks.filter { $0.signers != nil }
        return [delivery, GasWatch(networks: watched, outbox: outbox, environment: self.environment, log: self.log)]
    }

    private static func webhook(_ webhook: Configuration.Webhook) throws -> WebhookEndpoint {
        let keys = webhook.keys
        return WebhookEndpoint(
            name: Hex.encode(SHA256.hash(Array(webhook.url.text.utf8)).bytes.prefix(8)),
            url: try URLParts(parsing: webhook.url.text),
            events: webhook.events,
            authenticate: { message in
                keys.map { key in key.withExposed { HMACSHA256.authenticate(message, key: copy $0).bytes } }
            })
    }
}
