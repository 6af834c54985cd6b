// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// The body of a response under way. When nobody holds it any more the transfer is given up.
final class CurlBodySource: BodySource {
    private let transfer: LoopBound<CurlTransfer>
    private let trailerBox: TrailerBox

    init(_ transfer: LoopBound<CurlTransfer>, _ trailers: TrailerBox) {
        self.transfer = transfer
        self.trailerBox = trailers
    }

    deinit { self.transfer.execute { $0.abandon() } }

    func next() async throws(HTTPError) -> [UInt8]? {
        try await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                self.transfer.execute { $0.awaitBody(waiter) }
            }
        } onCancel: {
            self.transfer.execute { $0.cancel() }
        }.get()
    }

    var trailers: Fields { self.trailerBox.fields }
}

/// Carries a request's body from its stream to libcurl, no faster than it takes it.
struct CurlUpload: Sendable {
    private let transfer: LoopBound<CurlTransfer>
    private let length: UInt64?

    init(_ transfer: LoopBound<CurlTransfer>, length: UInt64?) {
        self.transfer = transfer
        self.length = length
    }

    func run(_ stream: BodyStream) async {
        var left = self.length
        do throws(HTTPError) {
            while let piece = try await stream.next() {
                left = try Self.rest(of: left, after: piece.count)
                let result = await withCheckedContinuation { waiter in
                    self.transfer.execute { $0.send(piece, waiter) }
                }
                guard case .success = result else { return }
            }
            guard (left ?? 0) == 0 else { throw HTTPError(.invalidMessage, "the body is shorter than announced") }
            self.transfer.execute { $0.endUpload() }
        } catch {
            self.transfer.execute { $0.uploadFailed(error) }
        }
    }

    private static func rest(of left: UInt64?, after count: Int) throws(HTTPError) -> UInt64? {
        guard let left else { return nil }
        guard left >= UInt64(count) else { throw HTTPError(.invalidMessage, "the body is longer than announced") }
        return left - UInt64(count)
    }
}
