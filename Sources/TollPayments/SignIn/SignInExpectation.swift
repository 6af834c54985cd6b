// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP
internal import TollPrimitives
public import TollProtocol

/// What the text of a sign-in must say to be one to us and of now. Source: x402 specs/extensions/sign-in-with-x.md.
public struct SignInExpectation: Sendable {
    /// How old a sign-in may be, in seconds: time to show it to a person, and no longer than needed for whoever copies it.
    public static let ageSecondsMax: Int64 = 300
    /// By how much another gateway's clock may be ahead of ours, in seconds.
    public static let skewSeconds: Int64 = 30

    private let origin: Origin

    /// The sign-ins to `origin`: the public one, never the `Host` of a request, which is the client's to choose.
    public init(_ origin: Origin) {
        self.origin = origin
    }

    /// Why `proof` is none at `time`, in seconds since 1970; nil when it is one.
    public func objection(to proof: X402V2.SignIn.Proof, at time: Int64) -> SignInRefusal? {
        let info = proof.info
        guard info.domain == self.origin.authority else {
            return SignInRefusal(.domain, "domain is \(info.domain), this is \(self.origin.authority)")
        }
        guard let uri = try? URLParts(parsing: info.uri), uri.origin == self.origin else {
            return SignInRefusal(.uri, "uri is not of the origin \(self.origin)")
        }
        let now = Duration.seconds(time)
        let issued = CalendarTime.parse(rfc3339: info.issuedAt) ?? .zero  // The grammar was kept, or there were no proof.
        guard issued <= now + .seconds(Self.skewSeconds) else {
            return SignInRefusal(.inFuture, "issuedAt \(info.issuedAt) is after now, \(CalendarTime.rfc3339(now))")
        }
        guard now - issued <= .seconds(Self.ageSecondsMax) else {
            let detail = "issuedAt \(info.issuedAt) is over \(Self.ageSecondsMax) s before now, \(CalendarTime.rfc3339(now))"
            return SignInRefusal(.tooOld, detail)
        }
        if let end = info.expirationTime, CalendarTime.parse(rfc3339: end).map({ $0 < now }) ?? true {
            return SignInRefusal(.expired, "expirationTime \(end) is over")
        }
        if let start = info.notBefore, CalendarTime.parse(rfc3339: start).map({ $0 > now }) ?? true {
            return SignInRefusal(.notYetValid, "notBefore \(start) is after now, \(CalendarTime.rfc3339(now))")
        }
        return nil
    }
}
