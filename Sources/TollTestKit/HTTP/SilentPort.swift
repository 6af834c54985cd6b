// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import Glibc

/// A port of this machine at which nobody listens: taken, so that nobody begins to meanwhile, and given back in the end.
public final class SilentPort: Sendable {
    /// No socket could be had.
    public struct Failure: Error {}

    /// Its number.
    public let number: UInt16
    private let descriptor: Int32

    /// A free port.
    public init() throws(Failure) {
        (self.descriptor, self.number) = try Self.bound()
    }

    deinit { close(self.descriptor) }

    /// A socket bound to a free port of 127.0.0.1, for whoever begins to listen there.
    public static func bound() throws(Failure) -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(descriptor, pointer, length) + getsockname(descriptor, pointer, &length)
            }
        }
        guard status == 0 else { throw Failure() }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }
}
