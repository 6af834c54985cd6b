// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives
internal import TollRuntime

/// Where clients ask how far a payment is: `GET /payments/{name}`.
enum PaymentStatusPath {
    static let prefix = "/payments/"
    /// Names are references and payment ids; a longer one is none.
    private static let nameByteCountMax = 64

    private static let prefixBytes = Array(prefix.utf8)

    /// The payment that a request asks for; nil when it asks for something else.
    static func name(in head: RequestHead) -> String? {
        guard head.method == .get || head.method == .head, head.path.starts(with: self.prefixBytes) else { return nil }
        let name = head.path.dropFirst(self.prefixBytes.count)
        guard (1...self.nameByteCountMax).contains(name.count),
            name.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        return String(decoding: name, as: UTF8.self)
    }
}

extension Gateway {
    /// The answer to a question for a payment that is known; nil where none is asked for or known. A seller's own resources at
    /// such a path stay what they are, since nobody has a reference of ours by chance.
    func paymentStatus(
        for head: RequestHead, decision: Router.Decision
    ) async -> (head: ResponseHead, body: [UInt8])? {
        guard let statuses = self.parts.statuses, let name = PaymentStatusPath.name(in: head) else { return nil }
        switch decision {
        case .notFound, .methodNotAllowed, .route: break
        case .malformed, .ambiguous: return nil
        }
        do throws(StoreError) {
            guard let status = try await statuses.status(of: name) else { return nil }
            let fields: Fields = ["Content-Type": "application/json", "Cache-Control": "no-store"]
            return (ResponseHead(status: 200, fields: fields), JSON.object(status).utf8)
        } catch {
            self.log.error("the ledger does not answer", ["reason": error.reason])
            return (GatewayProblem.unavailable.head, GatewayProblem.unavailable.body)
        }
    }
}
