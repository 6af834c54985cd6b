// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// How a route sells to clients that send the money by themselves and then show that they did.
public struct ReferenceTerms: Hashable, Sendable {
    /// How money is known to be for a reference: see ``ReferenceBinding``.
    public enum Binding: String, Hashable, Sendable, CaseIterable {
        /// Its sender signs for it.
        case signature
        /// By an amount of its own.
        case amount
        /// By an address of its own.
        case address
    }

    /// How money is known to be for a reference.
    public let binding: Binding
    /// How long a reference can be paid, in seconds.
    public let lifetimeSeconds: Int64
    /// Where a reference's own addresses come from, by the namespace of the chains: an extended public key (BIP-32) for `eip155`.
    public let series: [String: String]

    /// Terms by all their fields.
    public init(binding: Binding = .signature, lifetimeSeconds: Int64 = 900, series: [String: String] = [:]) {
        self.binding = binding
        self.lifetimeSeconds = lifetimeSeconds
        self.series = series
    }
}
