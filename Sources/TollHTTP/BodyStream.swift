// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Where a body comes from. Asked for one piece at a time: not asking is the back-pressure.
public protocol BodySource: Sendable {
    /// The next piece, never empty; nil at the end, and ever after. Only one call may wait at a time.
    func next() async throws(HTTPError) -> [UInt8]?
    /// The trailers of a chunked body: known only after the end, kept apart from the header fields (RFC 9110 §6.5).
    var trailers: Fields { get }
}

/// A body, pulled piece by piece by one consumer. Dropping it unread is allowed: the engine then discards the rest or
/// closes the connection.
public struct BodyStream: Sendable {
    private let source: any BodySource
    /// The whole body, when all of it was here at the start: then it can be passed on in one piece with its head.
    /// Reading it does not consume the stream.
    public let whole: [UInt8]?

    /// A body from a source of its own.
    public init(_ source: some BodySource) {
        self.source = source
        self.whole = nil
    }

    /// A body that is already here.
    public init(_ bytes: [UInt8]) {
        self.source = bytes.isEmpty ? Self.nothing : FixedSource(bytes)
        self.whole = bytes
    }

    /// A body made on demand. The closure gives the next piece, nil at the end; it is not called again after that.
    public init(producing next: @escaping @Sendable () async throws(HTTPError) -> [UInt8]?) {
        self.init(ProducedSource(produce: next))
    }

    /// A body of no bytes.
    public static var empty: Self { Self([]) }

    /// The next piece, never empty; nil at the end.
    public func next() async throws(HTTPError) -> [UInt8]? { try await self.source.next() }

    /// The trailers of a chunked body, empty until the end has been read.
    public var trailers: Fields { self.source.trailers }

    /// The rest of the body as one array.
    ///
    /// - Throws: `tooLarge` when it has more than `limit` bytes; what was read is lost.
    public func collect(upTo limit: Int) async throws(HTTPError) -> [UInt8] {
        guard var all = try await self.next() else { return [] }
        while all.count <= limit, let piece = try await self.next() { all += piece }
        guard all.count <= limit else { throw HTTPError(.tooLarge, "the body has more than \(limit) bytes") }
        return all
    }

    private static let nothing = FixedSource([])
}

/// Bytes given once.
private final class FixedSource: BodySource {
    private let rest: Mutex<[UInt8]?>

    init(_ bytes: [UInt8]) { self.rest = Mutex(bytes.isEmpty ? nil : bytes) }

    func next() async throws(HTTPError) -> [UInt8]? {
        self.rest.withLock { rest in
            defer { rest = nil }
            return rest
        }
    }

    var trailers: Fields { Fields() }
}

/// Pieces from a closure.
private final class ProducedSource: BodySource {
    private let produce: @Sendable () async throws(HTTPError) -> [UInt8]?
    private let ended = Mutex(false)

    init(produce: @escaping @Sendable () async throws(HTTPError) -> [UInt8]?) { self.produce = produce }

    func next() async throws(HTTPError) -> [UInt8]? {
        while !self.ended.withLock({ $0 }) {
            guard let piece = try await self.produce() else {
                self.ended.withLock { $0 = true }
                return nil
            }
            if !piece.isEmpty { return piece }
        }
        return nil
    }

    var trailers: Fields { Fields() }
}
