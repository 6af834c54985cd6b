// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP
internal import TollPayments
internal import TollPrimitives

/// What a request brings in the way of a pass.
enum PassReading {
    /// Nothing, or nothing that need be looked at.
    case none
    /// A pass that opens the route.
    case valid(Pass)
    /// One that did.
    case expired
    /// Something that claims to be one, with the reason for the log.
    case invalid(String)

    var isValid: Bool { if case .valid = self { true } else { false } }
    var isExpired: Bool { if case .expired = self { true } else { false } }
}

/// The passes of one route: gives them to those who have paid, and knows them again.
///
/// A route whose `access` was taken away gives none, and lets in whoever has one until it ends: it was paid for.
final class RoutePasses: Sendable {
    /// More cookies of one name than this, which no browser of ours sends, are not looked at.
    private static let cookieCountMax = 4

    /// How long a payment opens the route, in seconds; nil where it buys one answer and no more.
    let accessSeconds: Int64?
    private let keys: PassKeys
    private let route: UInt64
    /// Its own for each route: those under one path would take each other's place.
    private let cookieName: [UInt8]
    /// Behind the token.
    private let cookieEnd: String

    init(_ keys: PassKeys, _ pattern: RoutePattern, accessSeconds: Int64?, publicURL: Origin) {
        self.keys = keys
        self.accessSeconds = accessSeconds
        self.route = Pass.tag(ofRoute: pattern.description)
        let tag = Hex.encode((0..<8).map { [route] in UInt8(truncatingIfNeeded: route >> (56 - 8 * $0)) })
        self.cookieName = PassField.cookiePrefix + tag.utf8
        let secure = publicURL.scheme == .https ? "; Secure" : ""
        self.cookieEnd = "; Path=\(pattern.literalPrefix); HttpOnly; SameSite=Lax\(secure)"
    }

    /// Whether a request brings anything that may be a pass for this route. Cheap: whoever brings none is to be told at once.
    func isPresented(by head: RequestHead) -> Bool {
        if head.fields.contains(PassField.name) { return true }
        if let value = head.fields.first(.authorization) {
            guard head.fields.count(of: .authorization) == 1, PassField.bearer(value) == nil else { return true }
        }
        guard let cookies = head.fields.first(.cookie) else { return false }
        return head.fields.count(of: .cookie) > 1 || self.hasCookie(cookies)
    }

    /// What a request brings. A cookie that is no pass is nothing: a browser cannot help what it was once given.
    func reading(of head: RequestHead, at time: Int64) -> PassReading {
        var found = PassReading.none
        let stated = head.fields.values(of: PassField.name)
        let bearers = head.fields.values(of: .authorization).compactMap(PassField.bearer)
        if stated.count + bearers.count > 1 {
            found = .invalid("stands there \(stated.count + bearers.count) times")
        } else if let token = stated.first ?? bearers.first {
            found = self.reading(of: token, at: time)
            if found.isValid { return found }
        }
        for token in self.cookies(of: head) {
            switch (self.reading(of: token, at: time), found) {
            case (.valid(let pass), _): return .valid(pass)
            case (.expired, .none): found = .expired
            default: break
            }
        }
        return found
    }

    private func reading(of token: ArraySlice<UInt8>, at time: Int64) -> PassReading {
        guard let pass = self.keys.pass(of: token) else {
            return .invalid("was not made here, or by a key that is not known any more")
        }
        guard pass.route == self.route else { return .invalid("opens another route") }
        return time < pass.expires ? .valid(pass) : .expired
    }

    private func cookies(of head: RequestHead) -> [ArraySlice<UInt8>] {
        guard head.fields.contains(.cookie) else { return [] }
        var tokens: [ArraySlice<UInt8>] = []
        for value in head.fields.values(of: .cookie) {
            PassField.eachCookie(in: value) { name, token in
                if name.elementsEqual(self.cookieName) { tokens.append(token) }
                return tokens.count < Self.cookieCountMax
            }
        }
        return tokens
    }

    private func hasCookie(_ value: ArraySlice<UInt8>) -> Bool {
        var hasOne = false
        PassField.eachCookie(in: value) { name, _ in
            hasOne = name.elementsEqual(self.cookieName)
            return !hasOne
        }
        return hasOne
    }

    /// What the answer to a payment says: the pass, until when, and for a browser the cookie. Nothing when its time is over.
    ///
    /// It ends when `access` is over since the payment, however often its answer is given: by settlement where that comes first,
    /// and by claim where it comes later.
    func fields(for record: PaymentRecord, isBrowser: Bool, at time: Int64) -> [(name: String, value: String)] {
        guard let accessSeconds else { return [] }
        let start = record.claim.policy == .deferred ? record.claimedAt : record.endedAt ?? record.claimedAt
        let (expires, isOver) = start.addingReportingOverflow(accessSeconds)
        guard !isOver, expires > time,
            let pass = Pass(
                route: self.route, expires: expires, payment: record.id, network: record.claim.option.network,
                payer: record.claim.payer)
        else { return [] }
        let token = self.keys.token(for: pass)
        var fields = [("Tollgate-Pass", token)] + pass.fields
        if isBrowser {
            let name = String(decoding: self.cookieName, as: UTF8.self)
            fields.append(("Set-Cookie", "\(name)=\(token)\(self.cookieEnd); Max-Age=\(expires - time)"))
        }
        return fields
    }
}

extension RoutePattern {
    /// The path up to its first wildcard, in whole segments: as a cookie's path it takes in all that matches (RFC 6265 §5.1.4).
    var literalPrefix: String {
        var prefix = ""
        for segment in self.segments {
            guard case .literal(let text) = segment else { return prefix.isEmpty ? "/" : prefix }
            prefix += "/" + text
        }
        return prefix
    }
}
