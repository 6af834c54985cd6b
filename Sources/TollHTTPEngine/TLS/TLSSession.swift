// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import COpenSSLTLS

/// One side of a TLS connection. It never sees the socket: what the other side sent is fed, what is inside is read, and what
/// is to be sent is taken.
///
/// Only on its loop. One exchange of bytes at a time: ``feed(_:)``, then ``read(into:)`` until there is no more.
@safe
final class TLSSession {
    /// What a read came to.
    enum Reading {
        case count(Int)
        /// More has to be fed first.
        case again
        /// The other side has said that nothing more comes.
        case closed
        /// What came is no TLS, or not what the handshake allows. What there is to take tells the other side.
        case failed
    }

    /// Bytes fed or sealed at once. OpenSSL's buffers of a connection grow to as much and stay so: a record has 16 KiB.
    static let pieceMax = 16 * 1024

    private let pointer: OpaquePointer
    /// Held: its certificates are used in the handshake.
    private let context: AnyObject
    private var hasFailed = false
    /// Whether nothing has been fed yet.
    private(set) var isFresh = true

    init(_ pointer: OpaquePointer, of context: AnyObject) {
        unsafe self.pointer = pointer
        self.context = context
    }

    deinit { unsafe SSL_free(self.pointer) }

    /// Whether hands have been shaken: a server has proved its name.
    var isReady: Bool { unsafe toll_tls_is_ready(self.pointer) == 1 }

    /// Why a server is not taken for what it says it is; nil when its certificate is not why.
    var fault: String? { unsafe toll_tls_fault(self.pointer).map { unsafe String(cString: $0) } }

    /// Takes at most ``pieceMax`` bytes as the other side sent them.
    func feed(_ bytes: Span<UInt8>) {
        self.isFresh = false
        let isTaken = unsafe bytes.withUnsafeBytes { bytes in
            unsafe toll_tls_feed(self.pointer, bytes.baseAddress, Int32(bytes.count)) == 1
        }
        if !isTaken { self.hasFailed = true }
    }

    /// Shakes hands as far as what was fed allows, then reads what is inside.
    func read(into buffer: ReceiveBuffer) -> Reading {
        guard !self.hasFailed else { return .failed }
        let count = unsafe buffer.fill { unsafe toll_tls_read(self.pointer, $0.baseAddress, Int32(clamping: $0.count)) }
        switch Int(count) {
        case toll_tls_closed: return .closed
        case toll_tls_again: return .again
        case let count where count > 0: return .count(count)
        default:
            self.hasFailed = true
            return .failed
        }
    }

    /// Both pieces encrypted, after whatever else is to be sent; nil when the session is broken.
    func seal(_ first: [UInt8], _ second: [UInt8]) -> [UInt8]? {
        var sealed: [UInt8] = []
        // A small answer is one record.
        let pieces = first.count + second.count <= Self.pieceMax ? [first + second] : [first, second]
        for piece in pieces {
            var place = 0
            while place < piece.count {
                let count = min(Self.pieceMax, piece.count - place)
                let isSealed = unsafe piece.withUnsafeBytes { bytes in
                    let bytes = unsafe UnsafeRawBufferPointer(rebasing: bytes[place..<(place + count)])
                    return unsafe toll_tls_write(self.pointer, bytes.baseAddress, Int32(count)) == 1
                }
                guard isSealed else {
                    self.hasFailed = true
                    return nil
                }
                self.take(into: &sealed)
                place += count
            }
        }
        return sealed
    }

    /// What the handshake has to say: answers, tickets, alerts.
    func takeOutput() -> [UInt8] {
        var output: [UInt8] = []
        self.take(into: &output)
        return output
    }

    /// The same with the word that nothing more comes (`close_notify`, RFC 8446 §6.1), which tells the other side that
    /// nothing was cut off.
    func takeEnd() -> [UInt8] {
        if !self.hasFailed { unsafe toll_tls_close(self.pointer) }
        return self.takeOutput()
    }

    private func take(into output: inout [UInt8]) {
        let count = unsafe Int(toll_tls_pending(self.pointer))
        guard count > 0 else { return }
        let start = output.count
        output.append(contentsOf: repeatElement(0, count: count))
        let taken = unsafe output.withUnsafeMutableBytes { bytes in
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[start...])
            return unsafe toll_tls_take(self.pointer, room.baseAddress, Int32(clamping: count))
        }
        if Int(taken) < count { output.removeLast(count - max(0, Int(taken))) }
    }
}
