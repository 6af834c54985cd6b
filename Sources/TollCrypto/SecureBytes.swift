// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import COpenSSLCrypto

/// Key material that does not outlive its owner: erased when the last reference goes, and never printed.
///
/// Immutable once made, so it may be shared freely between threads. Copies that a caller takes out are the caller's to erase.
@safe
public final class SecureBytes: Sendable, CustomStringConvertible, CustomReflectable {
    private nonisolated(unsafe) let storage: UnsafeMutableBufferPointer<UInt8>

    /// A buffer of `count` bytes that `fill` writes. What it leaves alone is zero.
    public init<Failure: Error>(count: Int, fill: (inout MutableSpan<UInt8>) throws(Failure) -> Void) throws(Failure) {
        let storage = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: count)
        unsafe storage.initialize(repeating: 0)
        unsafe self.storage = storage
        var span = unsafe MutableSpan(_unsafeElements: storage)
        try fill(&span)
    }

    /// A copy of `bytes`; the original is not erased.
    public convenience init(_ bytes: some Collection<UInt8>) {
        self.init(count: bytes.count) { span in
            for (index, byte) in bytes.enumerated() { span[index] = byte }
        }
    }

    deinit {
        unsafe OPENSSL_cleanse(self.storage.baseAddress, self.storage.count)
        unsafe self.storage.deallocate()
    }

    /// The number of bytes.
    public var count: Int { unsafe self.storage.count }

    /// Lends the bytes to `body`.
    public func withExposed<Result, Failure: Error>(_ body: (Span<UInt8>) throws(Failure) -> Result) throws(Failure) -> Result {
        try body(unsafe Span(_unsafeElements: UnsafeBufferPointer(self.storage)))
    }

    /// Never the bytes.
    public var description: String { "<redacted>" }
    /// No children, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
