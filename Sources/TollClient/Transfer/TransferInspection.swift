// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

extension TransferOffer {
    /// The instructions that a buyer follows: those of the first place that has any, when they can be read.
    static func first(
        of readings: [(place: Place, reading: Result<TransferProof.Instructions, WireError>)]
    ) -> TransferOffer? {
        guard let (place, reading) = readings.first, let instructions = try? reading.get() else { return nil }
        return TransferOffer(instructions, place: place)
    }

    /// What cannot be read, and where two places of one answer ask for different transfers.
    static func problems(
        _ readings: [(place: Place, reading: Result<TransferProof.Instructions, WireError>)]
    ) -> [String] {
        var problems: [String] = []
        for (place, reading) in readings {
            guard case .failure(let error) = reading else { continue }
            problems.append("\(self.dialect): the instructions in \(place.rawValue) cannot be read: \(error)")
        }
        guard let first = self.first(of: readings) else { return problems }
        for (place, reading) in readings.dropFirst() {
            guard let other = try? reading.get(), !Self.agree(first.instructions, other) else { continue }
            problems.append("\(self.dialect): \(place.rawValue) asks for another transfer than \(first.place.rawValue)")
        }
        return problems
    }

    private static func agree(_ left: TransferProof.Instructions, _ right: TransferProof.Instructions) -> Bool {
        left.reference == right.reference && left.amount == right.amount && left.network == right.network
            && left.expires == right.expires && left.bind == right.bind
            && NetworkDirectory.isSame(left.recipient, right.recipient, on: left.network)
            && NetworkDirectory.isSame(left.asset, right.asset, on: left.network)
    }
}

extension OfferInspection.Transfer {
    /// What is wrong with it from a buyer's side.
    var problems: [String] {
        var problems = self.review.problems
        let instructions = self.review.offer.instructions
        if let known = self.review.option?.asset.symbol, known != instructions.currency {
            problems.append("currency is \(instructions.currency), but the token is \(known)")
        }
        switch self.trust {
        case .vouched: break
        case .needsList(let signer): problems.append("\(signer) has signed the instructions, and the origin was not asked for it")
        case .doubtful(let reason), .refused(let reason): problems.append(reason)
        }
        return problems.map { "\(TransferOffer.dialect), \(instructions.network): \($0)" }
    }
}
