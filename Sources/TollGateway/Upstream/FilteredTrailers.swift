// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// A body as it comes, without the trailers whose names are not to pass.
struct FilteredTrailers: BodySource {
    private let body: BodyStream
    private let keeps: @Sendable (_ name: ArraySlice<UInt8>) -> Bool

    init(_ body: BodyStream, keeps: @escaping @Sendable (_ name: ArraySlice<UInt8>) -> Bool) {
        self.body = body
        self.keeps = keeps
    }

    func next() async throws(HTTPError) -> [UInt8]? { try await self.body.next() }

    var trailers: Fields {
        var trailers = self.body.trailers
        trailers.removeHopByHop()
        trailers.removeAll { !self.keeps($0) }
        return trailers
    }
}
