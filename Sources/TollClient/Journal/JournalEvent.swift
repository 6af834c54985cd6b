// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollProtocol

/// One line of the journal: what happened to one payment.
struct JournalEvent: Hashable, Sendable {
    /// What happened.
    enum Kind: Hashable, Sendable {
        /// Room in the budget was taken. Nothing is signed yet.
        case reserved(JournaledPayment.Terms)
        /// A transfer is signed and about to be sent; with the instructions it is the first one, without one in its place.
        case signed(TransferProof.Instructions?, SignedTransfer)
        /// The signed payment is about to be sent, in this field.
        case sent(field: String, value: String)
        /// The server took it, or may be taken to have: what it answered, and the transaction as far as it named one.
        case paid(status: Int, transaction: String)
        /// The server says it did not take it. That is its word: the authorization stays counted.
        case refused(status: Int, reason: String)
        /// The server says that it owes what was paid, under this name.
        case owed(debt: String)
        /// It is proven that no money moved, nor can move.
        case released(reason: String)
    }

    /// The payment: the authorization's nonce, or a digest of the transfer's reference.
    let id: Bytes32
    /// Seconds since 1970.
    let time: UInt64
    /// What happened.
    let kind: Kind
}

extension JournalEvent {
    /// As a line, with its line break.
    var line: [UInt8] {
        var object: JSONObject = ["event": .string(self.name), "time": .integer(self.time), "id": .string(self.id.description)]
        switch self.kind {
        case .reserved(let terms): terms.write(to: &object)
        case .signed(let instructions, let transfer):
            object["instructions"] = instructions.map { .object($0.json) }
            object["transaction"] = .string(transfer.hash.description)
            object["number"] = .integer(transfer.number)
            object["raw"] = .string(Hex.encodePrefixed(transfer.raw))
            object["void"] = transfer.isVoid ? .bool(true) : nil
        case .sent(let field, let value):
            object["field"] = .string(field)
            object["value"] = .string(value)
        case .paid(let status, let transaction):
            object["status"] = .integer(status)
            object["transaction"] = .string(transaction)
        case .refused(let status, let reason):
            object["status"] = .integer(status)
            object["reason"] = .string(reason)
        case .owed(let debt): object["debt"] = .string(debt)
        case .released(let reason): object["reason"] = .string(reason)
        }
        return JSON.object(object).utf8 + [0x0A]
    }

    private var name: String {
        switch self.kind {
        case .reserved: "reserved"
        case .signed: "signed"
        case .sent: "sent"
        case .paid: "paid"
        case .refused: "refused"
        case .owed: "owed"
        case .released: "released"
        }
    }

    /// Reads a line without its line break; nil when it is no event.
    init?(line: some Collection<UInt8>) {
        guard let json = try? JSON(parsing: line), let name = json["event"]?.string,
            let time = json["time"]?.integer.flatMap(UInt64.init(exactly:)),
            let id = json["id"]?.string.flatMap({ Bytes32(hex: $0) }), let kind = Kind(name, json)
        else { return nil }
        self.init(id: id, time: time, kind: kind)
    }
}

extension JournalEvent.Kind {
    fileprivate init?(_ name: String, _ json: JSON) {
        let status = json["status"]?.integer.flatMap(Int.init(exactly:))
        switch name {
        case "reserved":
            guard let terms = JournaledPayment.Terms(json) else { return nil }
            self = .reserved(terms)
        case "signed":
            var instructions: TransferProof.Instructions?
            if let member = json["instructions"] {
                guard let read = member.object.flatMap({ try? TransferProof.Instructions($0) }) else { return nil }
                instructions = read
            }
            guard let hash = json["transaction"]?.string.flatMap({ Bytes32(hex: $0) }), let raw = json["raw"]?.string,
                let bytes = Hex.decode(raw), let number = json["number"]?.integer.flatMap(UInt64.init(exactly:))
            else { return nil }
            let isVoid = json["void"] == .bool(true)
            self = .signed(instructions, SignedTransfer(hash: hash, raw: bytes, number: number, isVoid: isVoid))
        case "sent":
            guard let field = json["field"]?.string, let value = json["value"]?.string else { return nil }
            self = .sent(field: field, value: value)
        case "paid":
            guard let status, let transaction = json["transaction"]?.string else { return nil }
            self = .paid(status: status, transaction: transaction)
        case "refused":
            guard let status, let reason = json["reason"]?.string else { return nil }
            self = .refused(status: status, reason: reason)
        case "owed":
            guard let debt = json["debt"]?.string else { return nil }
            self = .owed(debt: debt)
        case "released":
            guard let reason = json["reason"]?.string else { return nil }
            self = .released(reason: reason)
        default: return nil
        }
    }
}

extension JournaledPayment.Terms {
    fileprivate func write(to object: inout JSONObject) {
        object["request"] = .string(self.request.description)
        object["method"] = .string(self.method)
        object["url"] = .string(self.url.description)
        object["dialect"] = .string(self.dialect)
        object["scheme"] = .string(self.option.scheme)
        object["from"] = .string(self.account)
        object["payTo"] = .string(self.option.payTo)
        object["network"] = .string(self.option.network.description)
        object["asset"] = .string(self.option.asset.address)
        object["symbol"] = .string(self.option.asset.symbol)
        object["decimals"] = .integer(self.option.asset.decimals)
        object["name"] = .string(self.option.asset.domainName)
        object["version"] = .string(self.option.asset.domainVersion)
        object["amount"] = .string(self.option.amount.description)
        object["maxTimeoutSeconds"] = .integer(self.option.maxTimeoutSeconds)
        object["cost"] = .integer(self.cost.micros)
        object["validBefore"] = .integer(self.validBefore)
        object["key"] = self.key.map { .string($0.description) }
    }

    fileprivate init?(_ json: JSON) {
        func text(_ name: String) -> String? { json[name]?.string }
        func number<Value: FixedWidthInteger>(_ name: String) -> Value? {
            guard case .number(let digits) = json[name] else { return nil }
            return Value(digits)
        }
        guard let request = text("request").flatMap({ Bytes32(hex: $0) }), let method = text("method"),
            let url = text("url").flatMap({ try? URLParts(parsing: $0) }), let dialect = text("dialect"),
            let scheme = text("scheme"), let account = text("from"), let payTo = text("payTo"),
            let network = text("network").flatMap({ ChainID($0) }), let address = text("asset"), let symbol = text("symbol"),
            let decimals: Int = number("decimals"), let name = text("name"), let version = text("version"),
            let amount = text("amount").flatMap({ UInt256(decimal: $0) }), let timeout: Int = number("maxTimeoutSeconds"),
            let cost: UInt64 = number("cost"), let validBefore: UInt64 = number("validBefore")
        else { return nil }
        let asset = Asset(
            network: network,
            address: address,
            symbol: symbol,
            decimals: decimals,
            domainName: name,
            domainVersion: version
        )
        self.init(
            request: request,
            method: method,
            url: url,
            dialect: dialect,
            account: account,
            option: PaymentOption(scheme: scheme, asset: asset, amount: amount, payTo: payTo, maxTimeoutSeconds: timeout),
            cost: Dollars(micros: cost),
            validBefore: validBefore,
            key: text("key").flatMap { Bytes32(hex: $0) }
        )
    }
}
