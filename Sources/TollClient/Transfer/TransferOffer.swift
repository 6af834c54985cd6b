// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPrimitives
public import TollProtocol

/// Instructions for a transfer of one's own (docs/transfer-proof.md), as a 402 has them. Their members agree with each other;
/// nothing else in them is checked.
public struct TransferOffer: Hashable, Sendable {
    /// Where in the 402 they stood.
    public enum Place: String, Hashable, Sendable {
        /// In the x402 v2 object of `PAYMENT-REQUIRED`.
        case object = "PAYMENT-REQUIRED"
        /// In the body.
        case body = "the body"
        /// In `X-402-Required`.
        case field = "X-402-Required"
    }

    /// The name of the dialect, as the journal and reports have it.
    public static let dialect = TransferProof.name
    /// The name of the method: the payer moves the money itself.
    public static let scheme = "transfer"

    /// What is to be transferred.
    public let instructions: TransferProof.Instructions
    /// Where they stood.
    public let place: Place

    /// Instructions that stood at `place`.
    public init(_ instructions: TransferProof.Instructions, place: Place) {
        self.instructions = instructions
        self.place = place
    }

    /// The instructions of a 402 to a request of `url`; nil when there are none. The first place that has any counts, and what
    /// cannot be read there is no reason to believe the next.
    init?(_ head: ResponseHead, body: [UInt8], from url: URLParts) throws(PurchaseFailure) {
        guard let (place, reading) = Self.readings(head, body: body, from: url).first else { return nil }
        do throws(WireError) { self.init(try reading.get(), place: place) } catch {
            throw PurchaseFailure(
                .noAcceptableOffer, "the instructions for a transfer in \(place.rawValue) cannot be read: \(error)")
        }
    }

    /// What every place of a 402 says that has instructions.
    static func readings(
        _ head: ResponseHead, body: [UInt8], from url: URLParts
    ) -> [(place: Place, reading: Result<TransferProof.Instructions, WireError>)] {
        let places: [(Place, TransferProof.Instructions?, WireError?)] = [
            Self.attempt(.object) { () throws(WireError) in try Self.inObject(head) },
            Self.attempt(.body) { () throws(WireError) in try Self.inBody(head, body) },
            Self.attempt(.field) { () throws(WireError) in try Self.inField(head, url) },
        ]
        return places.compactMap { place, instructions, error in
            if let error { return (place, .failure(error)) }
            return instructions.map { (place, .success($0)) }
        }
    }

    private static func attempt(
        _ place: Place, _ read: () throws(WireError) -> TransferProof.Instructions?
    ) -> (Place, TransferProof.Instructions?, WireError?) {
        do throws(WireError) { return (place, try read(), nil) } catch { return (place, nil, error) }
    }

    /// Where several such fields stand, or one that cannot be read, ``ReceivedOffer`` says so.
    private static func inObject(_ head: ResponseHead) throws(WireError) -> TransferProof.Instructions? {
        guard head.fields.count(of: "payment-required") == 1, let value = head.fields.firstText("payment-required"),
            let required = try? X402V2.PaymentRequired(headerValue: value)
        else { return nil }
        return try TransferProof.Instructions(extensions: required.extensions)
    }

    private static func inBody(_ head: ResponseHead, _ body: [UInt8]) throws(WireError) -> TransferProof.Instructions? {
        let type = head.fields.firstText(.contentType)?.prefix { $0 != ";" && $0 != " " }.lowercased()
        switch type {
        case TransferProof.Format.paymentRequest.rawValue:
            return try TransferProof.Instructions(body: body, as: .paymentRequest)
        case TransferProof.Format.form.rawValue: return try TransferProof.Instructions(body: body, as: .form)
        default:
            guard let json = try? JSON(parsing: body) else { return nil }
            return try TransferProof.Instructions(extensions: json["extensions"]?.object)
        }
    }

    private static func inField(_ head: ResponseHead, _ url: URLParts) throws(WireError) -> TransferProof.Instructions? {
        guard let name = FieldName(TransferProof.requiredField), let value = head.fields.firstText(name) else { return nil }
        let link = FieldName(TransferProof.linkField).flatMap { head.fields.firstText($0) }
        // The field leaves out the resource, which is the URL without its query.
        let resource = url.origin.description + String(decoding: url.target.prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self)
        return try TransferProof.Instructions(fieldValue: value, resource: resource, paymentURI: link)
    }
}
