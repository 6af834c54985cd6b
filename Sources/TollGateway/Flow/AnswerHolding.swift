// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization
internal import TollHTTP
internal import TollPayments
internal import TollRuntime

/// How much of the answers that wait for their payment is held, and where.
public struct HoldingLimits: Hashable, Sendable {
    /// The most of one answer that is held in memory, in bytes: what the ledger keeps at most is held there anyway.
    public var memoryByteCount = StoredAnswer.bodyByteCountMax
    /// The most that all answers together take on disk, in bytes: some downloads at once on the disk of a small machine.
    public var diskByteCount = 1 << 30
    /// Where on disk; nil for where the system has such files.
    public var directory: String?

    /// The defaults.
    public init() {}
}

/// Holds the bodies of answers until they are paid for: the small ones in memory, the rest of the others on disk.
final class AnswerHolding: Sendable {
    /// One read or write of the disk.
    fileprivate static let pieceByteCount = 256 << 10

    let limits: HoldingLimits
    private let onDisk = Mutex(0)

    init(_ limits: HoldingLimits) {
        self.limits = limits
    }

    /// What is held of a body.
    enum Held: Sendable {
        case inMemory([UInt8])
        case onDisk(BodyStream, byteCount: UInt64)
    }

    /// Reads a body to its end.
    ///
    /// - Throws: `tooLarge` when there is no room for it, `unavailable` when the disk fails, and what the body throws.
    func hold(_ body: BodyStream) async throws(HTTPError) -> Held {
        var pending: [UInt8] = []
        while pending.count <= self.limits.memoryByteCount {
            guard let piece = try await body.next() else { return .inMemory(pending) }
            if pending.isEmpty { pending = piece } else { pending += piece }
        }
        let spilled = try SpilledBody(of: body, in: self)
        while true {
            try await spilled.append(pending)
            pending = []
            while pending.count < Self.pieceByteCount, let piece = try await body.next() { pending += piece }
            if pending.isEmpty { return .onDisk(BodyStream(spilled), byteCount: UInt64(spilled.byteCount)) }
        }
    }

    fileprivate func take(_ byteCount: Int) -> Bool {
        self.onDisk.withLock { used in
            guard self.limits.diskByteCount - used >= byteCount else { return false }
            used += byteCount
            return true
        }
    }

    fileprivate func giveBack(_ byteCount: Int) { self.onDisk.withLock { $0 -= byteCount } }
}

/// A body on disk: written by one, then read by one.
private final class SpilledBody: BodySource {
    private struct State {
        var written = 0
        var read = 0
    }

    private let file: SpillFile
    private let original: BodyStream
    private let holding: AnswerHolding
    private let state = Mutex(State())

    init(of body: BodyStream, in holding: AnswerHolding) throws(HTTPError) {
        do throws(FileError) { self.file = try SpillFile(in: holding.limits.directory ?? SpillFile.directory) } catch {
            throw Self.failure(error)
        }
        self.original = body
        self.holding = holding
    }

    deinit { self.holding.giveBack(self.byteCount) }

    var byteCount: Int { self.state.withLock { $0.written } }

    var trailers: Fields { self.original.trailers }

    func append(_ bytes: [UInt8]) async throws(HTTPError) {
        guard self.holding.take(bytes.count) else {
            throw HTTPError(.tooLarge, "held answers have more than \(self.holding.limits.diskByteCount) bytes on disk")
        }
        self.state.withLock { $0.written += bytes.count }
        do throws(FileError) { try await self.file.append(bytes) } catch { throw Self.failure(error) }
    }

    func next() async throws(HTTPError) -> [UInt8]? {
        let place = self.state.withLock { $0 }
        let count = min(AnswerHolding.pieceByteCount, place.written - place.read)
        guard count > 0 else { return nil }
        let bytes: [UInt8]
        do throws(FileError) { bytes = try await self.file.read(at: place.read, upTo: count) } catch { throw Self.failure(error) }
        guard !bytes.isEmpty else { throw HTTPError(.unavailable, "a held answer is shorter on disk than it was") }
        self.state.withLock { $0.read += bytes.count }
        return bytes
    }

    private static func failure(_ error: FileError) -> HTTPError {
        HTTPError(.unavailable, "an answer cannot be held on disk: \(error.reason)")
    }
}
