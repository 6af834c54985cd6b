// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollHTTP
internal import TollPayments

/// A client's body that remembers how it failed: to whoever sends it on, its failure and the receiver's look alike.
final class WatchedBody: BodySource {
    private let body: BodyStream
    private let state = Mutex<HTTPError?>(nil)

    init(_ body: BodyStream) {
        self.body = body
    }

    /// How it failed; nil while it has not.
    var failure: HTTPError? { self.state.withLock { $0 } }

    /// What the client did wrong, when that is why it failed.
    var fault: PaidRequest.RequestFault? {
        switch self.failure?.code {
        case HTTPError.Code.tooLarge?: .tooLarge
        case HTTPError.Code.malformed?: .malformed
        default: nil
        }
    }

    var trailers: Fields { self.body.trailers }

    func next() async throws(HTTPError) -> [UInt8]? {
        do throws(HTTPError) { return try await self.body.next() } catch {
            self.state.withLock { $0 = error }
            throw error
        }
    }
}
