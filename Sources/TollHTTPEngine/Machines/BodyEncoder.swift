// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollHTTP

/// Puts the framing on a body and holds it to the length announced.
public struct BodyEncoder: Sendable {
    private enum State {
        case length(UInt64)
        case chunked
        case untilClose
    }
    private var state: State

    private init(_ state: State) { self.state = state }

    /// A body of exactly this many bytes.
    public static func length(_ length: UInt64) -> Self { Self(.length(length)) }
    /// A body in chunks.
    public static let chunked = Self(.chunked)
    /// A body that ends with the connection.
    public static let untilClose = Self(.untilClose)

    /// True when the connection has to be closed to end the body.
    public var endsWithClose: Bool {
        if case .untilClose = self.state { true } else { false }
    }

    /// Appends one piece of body.
    public mutating func append(_ piece: [UInt8], to output: inout [UInt8]) throws(HTTPError) {
        guard !piece.isEmpty else { return }
        switch self.state {
        case .untilClose:
            output += piece
        case .chunked:
            output.append(contentsOf: String(piece.count, radix: 16).utf8)
            output.append(contentsOf: [0x0D, 0x0A])
            output += piece
            output.append(contentsOf: [0x0D, 0x0A])
        case .length(let rest):
            guard UInt64(piece.count) <= rest else {
                throw HTTPError(.invalidMessage, "more body was written than Content-Length announced")
            }
            self.state = .length(rest - UInt64(piece.count))
            output += piece
        }
    }

    /// Appends what ends the body. Trailers go into a chunked body only.
    public mutating func finish(trailers: Fields, to output: inout [UInt8]) throws(HTTPError) {
        switch self.state {
        case .untilClose, .length(0): break
        case .length(let rest):
            throw HTTPError(.invalidMessage, "the body ended \(rest) bytes short of its Content-Length")
        case .chunked:
            output.append(contentsOf: "0\r\n".utf8)
            output.append(fields: trailers)
            output.append(contentsOf: [0x0D, 0x0A])
        }
    }
}
