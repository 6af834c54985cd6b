// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments

/// Why an option is not paid.
struct OptionRefusal: Error {
    /// In words.
    var reason: String
    /// Whether the limit for a call alone stands in the way.
    var isOverLimit = false
}

extension PurchasePolicy {
    /// Refuses what is not the network or the token asked for, and tokens of unknown worth that nobody named.
    func checkAsset(_ asset: Asset, isDollarPegged: Bool) throws(OptionRefusal) {
        if let network = self.network, network != asset.network {
            throw OptionRefusal(reason: "network \(asset.network) is not the \(network) asked for")
        }
        let isNamed = self.asset.map { text in
            text.lowercased() == asset.symbol.lowercased() || NetworkDirectory.isSame(text, asset.address, on: asset.network)
        }
        if isNamed == false {
            throw OptionRefusal(reason: "\(asset.symbol) on \(asset.network) is not the asset asked for")
        }
        guard isDollarPegged || (isNamed == true && self.limit != nil) else {
            throw OptionRefusal(reason: "\(asset.symbol) is not worth a dollar: name it with --asset and limit it with --max")
        }
    }

    /// What `option` costs the budget, when that is within the limit for a call.
    func cost(of option: PaymentOption) throws(OptionRefusal) -> Dollars {
        let limit = self.limit ?? PurchasePolicy.defaultLimit
        guard let cost = Dollars(units: option.amount, decimals: option.asset.decimals), cost <= limit else {
            throw OptionRefusal(
                reason: "\(option.display) on \(option.network) is over the limit of \(limit) a call", isOverLimit: true)
        }
        return cost
    }
}
