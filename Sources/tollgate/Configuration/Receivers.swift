// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPrimitives

/// What `pay_to` says: addresses by the namespace (`eip155`) or the whole id of a chain, the whole id first.
struct Receivers: Sendable {
    private var addresses: [String: String] = [:]
    /// Extended public keys from which addresses are made, beside the addresses.
    private var series: [String: String] = [:]
    /// Also the keys whose address turned out wrong: a route that counts on them is not at fault.
    private var declared: Set<String> = []

    mutating func declare(_ key: String, _ address: String?, series: String? = nil) {
        self.declared.insert(key)
        self.addresses[key] = address
        self.series[key] = series
    }

    /// These, with what `other` says in their place.
    func overridden(by other: Receivers) -> Receivers {
        var result = self
        // An override for a namespace also overrides what was said of its chains.
        for key in other.declared where !key.contains(":") { result.forget { $0.hasPrefix(key + ":") } }
        for key in other.declared { result.declare(key, other.addresses[key], series: other.series[key]) }
        return result
    }

    func address(on id: ChainID) -> String? {
        self.declared.contains(id.description) ? self.addresses[id.description] : self.addresses[id.namespace]
    }

    /// The extended public key from which addresses on a chain are made; nil where there is none.
    func series(on id: ChainID) -> String? {
        self.declared.contains(id.description) ? self.series[id.description] : self.series[id.namespace]
    }

    func isDeclared(on id: ChainID) -> Bool {
        self.declared.contains(id.description) || self.declared.contains(id.namespace)
    }

    private mutating func forget(_ isForgotten: (String) -> Bool) {
        self.declared = self.declared.filter { !isForgotten($0) }
        self.addresses = self.addresses.filter { !isForgotten($0.key) }
        self.series = self.series.filter { !isForgotten($0.key) }
    }
}
