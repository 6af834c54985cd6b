// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollHTTP

/// A body that remembers how it failed: to whoever sends it on, its failure and the receiver's look alike.
final class WatchedBody: BodySource {
    private let body: BodyStream
    private let state = Mutex<HTTPError?>(nil)

    init(_ body: BodyStream) {
        self.body = body
    }

    var failure: HTTPError? { self.state.withLock { $0 } }

    var trailers: Fields { self.body.trailers }

    func next() async throws(HTTPError) -> [UInt8]? {
        do throws(HTTPError) { return try await self.body.next() } catch {
            self.state.withLock { $0 = error }
            throw error
        }
    }
}
