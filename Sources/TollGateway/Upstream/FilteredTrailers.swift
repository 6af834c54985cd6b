// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// A body as it comes, without the trailers whose names are not to pass.
struct FilteredTrailers: BodySource {
    private let body: BodyStream
    private let keeps: @Sendable (_ name: Span<UInt8>) -> Bool

    /// What frames, routes, authenticates or qualifies a request has no place behind it (RFC 9110 §6.5.1): a server that merges
    /// trailers would read another request than was decided on.
    private static let headOnly = FieldNameSet([
        .host, .contentLength, .authorization, .cookie, .expect, .cacheControl, "range", "content-type", "content-encoding",
        "content-range", "max-forwards", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range",
    ])

    init(_ body: BodyStream, keeps: @escaping @Sendable (_ name: Span<UInt8>) -> Bool) {
        self.body = body
        self.keeps = keeps
    }

    func next() async throws(HTTPError) -> [UInt8]? { try await self.body.next() }

    var trailers: Fields {
        var trailers = self.body.trailers
        trailers.removeHopByHop { Self.headOnly.contains($0) || !self.keeps($0) }
        return trailers
    }
}
