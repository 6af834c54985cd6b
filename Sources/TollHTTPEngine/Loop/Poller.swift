// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

private import CTollLinux

/// What a descriptor is watched for, or what happened to it.
struct Readiness: OptionSet {
    let rawValue: UInt32

    static let readable = Self(rawValue: UInt32(toll_readable))
    static let writable = Self(rawValue: UInt32(toll_writable))
    /// The peer has closed its sending side.
    static let hangup = Self(rawValue: UInt32(toll_hangup))
    /// The connection is broken.
    static let failed = Self(rawValue: UInt32(toll_failed))
    /// Tell only changes. A connection is then registered once and never changed.
    static let edge = Self(rawValue: UInt32(toll_edge))

    static let stream: Self = [.readable, .writable, .edge]
}

/// An epoll instance with the bell that wakes it from other threads.
final class Poller {
    /// The tag that the bell's events carry.
    static let bellTag: UInt64 = 0

    let bell: Bell
    private let descriptor: Int32
    private var events = Array(repeating: toll_event(), count: 256)

    init() throws(SystemError) {
        self.bell = try Bell()
        self.descriptor = try SystemError.check(toll_poller())
        try self.add(self.bell.descriptor, [.readable, .edge], tag: Self.bellTag)
    }

    deinit { toll_close(self.descriptor) }

    func add(_ descriptor: Int32, _ interest: Readiness, tag: UInt64) throws(SystemError) {
        _ = try SystemError.check(toll_poller_add(self.descriptor, descriptor, interest.rawValue, tag))
    }

    func change(_ descriptor: Int32, _ interest: Readiness, tag: UInt64) {
        _ = toll_poller_change(self.descriptor, descriptor, interest.rawValue, tag)
    }

    func remove(_ descriptor: Int32) { _ = toll_poller_remove(self.descriptor, descriptor) }

    /// Waits and returns how many events there are; each is then asked for by ``event(_:)``.
    func wait(milliseconds: Int32) -> Int {
        Int(max(0, unsafe toll_poller_wait(self.descriptor, &self.events, Int32(self.events.count), milliseconds)))
    }

    func event(_ index: Int) -> (tag: UInt64, readiness: Readiness) {
        (self.events[index].tag, Readiness(rawValue: self.events[index].mask))
    }
}

/// Wakes a poller. Ringing is safe from every thread.
final class Bell: Sendable {
    let descriptor: Int32

    init() throws(SystemError) { self.descriptor = try SystemError.check(toll_bell()) }

    deinit { toll_close(self.descriptor) }

    func ring() { toll_bell_ring(self.descriptor) }
}

/// Clocks, randomness and threads of the system.
enum System {
    /// Nanoseconds since some fixed point; never goes back.
    static var monotonic: UInt64 { toll_monotonic_nanoseconds() }

    /// Whole seconds since 1970.
    static var wallSeconds: Int64 { toll_wall_seconds() }

    /// Overwrites every word with random bits. The kernel's generator does not fail on any Linux that has `getrandom`.
    static func fillRandom(_ words: inout [UInt64]) {
        let status = unsafe words.withUnsafeMutableBytes { unsafe toll_random($0.baseAddress, $0.count) }
        precondition(status == 0, "getrandom failed; nothing may go on without randomness")
    }

    /// Runs `body` on a new thread.
    static func startThread(named name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        let context = unsafe Unmanaged.passRetained(ThreadBody(body))
        let status = unsafe toll_thread_start(threadMain, context.toOpaque(), name)
        guard status == 0 else {
            unsafe context.release()
            throw SystemError(code: status)
        }
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// At file scope: a closure written inside a main-actor function would be taken for the main actor's.
private func threadMain(_ context: UnsafeMutableRawPointer?) {
    guard let context = unsafe context else { return }
    unsafe Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run()
}
