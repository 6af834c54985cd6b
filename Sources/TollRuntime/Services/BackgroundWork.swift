// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

/// Work that outlives the request that began it, within the service tree: a settlement whose client went away.
///
/// Started work runs until it ends or the process stops; the ledger holds what is needed to take it up again.
public final class BackgroundWork: Service {
    /// One piece of work.
    public typealias Work = @Sendable () async -> Void

    public let name = "background work"
    private let works: AsyncStream<Work>
    private let continuation: AsyncStream<Work>.Continuation

    /// Takes work at once; runs it while ``run()`` does.
    public init() {
        (self.works, self.continuation) = AsyncStream.makeStream()
    }

    /// Begins a piece of work soon. It goes on in the name of the request that began it.
    public func start(_ work: @escaping Work) {
        let request = RequestContext.current
        self.continuation.yield { await RequestContext.$current.withValue(request) { await work() } }
    }

    /// Runs what was started, side by side. On graceful shutdown takes no more and lets what runs end.
    public func run() async throws {
        await withDiscardingTaskGroup { group in
            await withGracefulShutdownHandler {
                for await work in self.works { group.addTask { await work() } }
            } onGracefulShutdown: {
                self.continuation.finish()
            }
        }
    }
}
