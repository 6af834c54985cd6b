// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// How far payments have come, for whoever knows the name of one: what `GET /payments/{name}` answers.
public protocol PaymentStatuses: Sendable {
    /// What is told of the payment that the client knows by `name`; nil when there is none.
    func status(of name: String) async throws(StoreError) -> JSONObject?
}
