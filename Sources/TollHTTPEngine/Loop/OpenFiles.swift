// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CTollLinux

/// How many files, and so connections, the process may have open at once (`RLIMIT_NOFILE`).
public enum OpenFiles {
    /// Lets the process open as many as it may let itself. The soft limit is what programs get that wait by `select`; this one
    /// does not. Returns the limit of before and that of now.
    @discardableResult
    public static func raiseLimit() -> (before: UInt64, now: UInt64) {
        var (before, now) = (UInt64(0), UInt64(0))
        // A limit that cannot be raised holds as it is.
        _ = unsafe toll_raise_file_limit(&before, &now)
        return (before, now)
    }

    /// What ``raiseLimit()`` may reach; 0 when the system does not say.
    public static var limitMax: UInt64 { toll_file_limit_max() }

    /// Of a limit, what clients never get: see the listener.
    public static func kept(of limit: UInt64) -> UInt64 { min(limit / 8, 64) }
}
