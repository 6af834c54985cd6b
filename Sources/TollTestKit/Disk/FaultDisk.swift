// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CTollFaultVFS

/// A disk in memory for SQLite that fails as it is told, and that knows what would be left of it after a power cut.
///
/// SQLite finds it under ``name`` (a VFS, https://www.sqlite.org/vfs.html). What was written and not synced is in a page cache: a
/// power cut leaves of it what the seed chooses, torn between sectors; a killed process leaves all of it. The same seed and the
/// same calls give the same disk. It must live longer than every connection to it.
@safe
public final class FaultDisk: Sendable {
    /// What SQLite asks of a disk.
    public enum Call: CaseIterable, Sendable {
        case open, read, write, sync, truncate, delete

        fileprivate var code: toll_disk_call {
            switch self {
            case .open: TOLL_DISK_OPEN
            case .read: TOLL_DISK_READ
            case .write: TOLL_DISK_WRITE
            case .sync: TOLL_DISK_SYNC
            case .truncate: TOLL_DISK_TRUNCATE
            case .delete: TOLL_DISK_DELETE
            }
        }
    }

    /// What happens instead.
    public enum Fault: CaseIterable, Sendable {
        /// The call fails. A failed sync loses a part of what it was for, and no later sync brings it back.
        case error
        /// There is no room.
        case full
        /// A read gives less than there is.
        case shortRead
        /// The power goes in the middle of the call.
        case powerCut

        fileprivate var code: toll_disk_fault {
            switch self {
            case .error: TOLL_DISK_FAILS
            case .full: TOLL_DISK_IS_FULL
            case .shortRead: TOLL_DISK_READS_SHORT
            case .powerCut: TOLL_DISK_LOSES_POWER
            }
        }
    }

    /// The name of the disk's VFS; no other disk of this process has it.
    public let name: String
    /// Locks itself.
    private nonisolated(unsafe) let handle: OpaquePointer

    /// An empty disk; everything that is random about it follows from `seed`.
    public init(seed: UInt64) {
        guard let handle = unsafe toll_disk_create(seed) else { preconditionFailure("no memory for a disk") }
        let name = "toll-fault-\(UInt(bitPattern: handle))"
        let code = unsafe toll_disk_mount(handle, name)
        precondition(code == 0, "SQLite takes no VFS: \(code)")
        unsafe self.handle = handle
        self.name = name
    }

    deinit { unsafe toll_disk_destroy(self.handle) }

    /// After `count` more calls of this kind, the next `times` come to `fault`.
    public func plan(_ fault: Fault, at call: Call, after count: Int = 0, times: Int = .max) {
        unsafe toll_disk_plan(self.handle, call.code, UInt64(count), UInt64(times), fault.code)
    }

    /// From now on each call of this kind comes to `fault` so many times in a million.
    public func plan(_ fault: Fault, at call: Call, perMillion: Int) {
        unsafe toll_disk_rate(self.handle, call.code, UInt32(perMillion), fault.code)
    }

    /// From now on all files together may have at most so many bytes.
    public func limit(byteCount: Int) {
        unsafe toll_disk_limit(self.handle, UInt64(byteCount))
    }

    /// Takes every plan and limit back.
    public func heal() { unsafe toll_disk_heal(self.handle) }

    /// Cuts the power. Whatever is open is dead, and every call fails until ``restorePower()``.
    public func cutPower() { unsafe toll_disk_cut_power(self.handle) }

    /// Gives the power back, after ``cutPower()`` or a planned cut.
    public func restorePower() { unsafe toll_disk_restore_power(self.handle) }

    /// Whether there is power.
    public var hasPower: Bool { unsafe toll_disk_has_power(self.handle) }

    /// Ends the process that has files open, as `kill -9` does: every open file is dead, the page cache stays.
    public func killProcess() { unsafe toll_disk_kill(self.handle) }

    /// Calls of this kind so far.
    public func callCount(_ call: Call) -> Int { unsafe Int(toll_disk_call_count(self.handle, call.code)) }

    /// A file as the page cache has it; nil when there is none.
    public subscript(path: String) -> [UInt8]? {
        let count = unsafe toll_disk_size(self.handle, path)
        guard count >= 0 else { return nil }
        return unsafe [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, initializedCount in
            initializedCount = unsafe toll_disk_read(self.handle, path, buffer.baseAddress, Int(count))
        }
    }

    /// Replaces a file, or makes it, durably. Whoever has it open sees the new bytes.
    public func replace(_ path: String, with bytes: [UInt8]) {
        unsafe toll_disk_replace(self.handle, path, bytes, bytes.count)
    }
}
