// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// Something a loop calls: a socket with a deadline, or only one of the two.
class Watcher {
    /// The place in the loop's table; 0 while not registered.
    fileprivate(set) final var slot: UInt32 = 0

    /// Something happened to the socket.
    func ready(_ readiness: Readiness) {}
    /// The deadline has passed. It is cleared already.
    func deadlinePassed() {}
    /// The loop stops: close what is open.
    func loopEnds() {}
}

/// What a loop's thread works on. Nobody else may touch it.
///
/// Deadlines are a plain array beside the watchers: setting one is a store, and the array is swept only when the
/// earliest may have passed. 10,000 connections take 20 µs per sweep, at most every ``sweepStep``; idle ones nothing.
final class LoopCore {
    /// Nanoseconds of the monotonic clock, read once per turn.
    private(set) var now: UInt64
    /// Jobs of tasks, ready to run.
    var jobs: [UnownedJob] = []
    var running: [UnownedJob] = []
    /// Where sockets read into.
    let buffer = ReceiveBuffer()
    /// Where TLS puts what it has decrypted from there.
    private(set) lazy var plaintext = ReceiveBuffer()
    /// The value of `Date` for this second.
    private(set) var date: [UInt8]

    /// A watcher's place, which others have had before it.
    private struct Place {
        var watcher: Watcher?
        /// Tells events that were meant for another.
        var generation: UInt32 = 0
    }

    private var everySecond: [(_ date: [UInt8]) -> Bool] = []
    private var unfinished: [Watcher] = []
    private let poller: Poller
    private var second: Int64
    private var places = [Place()]
    private var deadlines: [UInt64] = [.max]
    private var free: [UInt32] = []
    private var nextSweep: UInt64 = .max

    /// Deadlines are kept to this many nanoseconds.
    private static let sweepStep: UInt64 = 4_000_000

    init(poller: Poller) {
        self.poller = poller
        self.now = System.monotonic
        self.second = System.wallSeconds
        self.date = HTTPDate.text(self.second)
    }

    // MARK: Watchers

    /// Gives a watcher a place, with a socket or only for a deadline.
    func register(_ watcher: Watcher, _ descriptor: Int32? = nil, _ interest: Readiness = .stream) throws(SystemError) {
        let slot: UInt32
        if let last = self.free.popLast() {
            slot = last
            self.places[Int(slot)].watcher = watcher
        } else {
            slot = UInt32(self.places.count)
            self.places.append(Place(watcher: watcher))
            self.deadlines.append(.max)
        }
        watcher.slot = slot
        guard let descriptor else { return }
        do throws(SystemError) {
            try self.poller.add(descriptor, interest, tag: self.tag(slot))
        } catch {
            self.forget(watcher)
            throw error
        }
    }

    /// Changes what a registered socket is watched for.
    func change(_ watcher: Watcher, _ descriptor: Int32, _ interest: Readiness) {
        self.poller.change(descriptor, interest, tag: self.tag(watcher.slot))
    }

    /// Stops watching a socket that stays open.
    func unwatch(_ descriptor: Int32) { self.poller.remove(descriptor) }

    /// Takes the place back. A closed socket has left epoll by itself; events already fetched are dropped by generation.
    func forget(_ watcher: Watcher) {
        guard watcher.slot != 0 else { return }
        let slot = Int(watcher.slot)
        let generation = self.places[slot].generation &+ 1
        self.places[slot] = Place(generation: generation)
        self.deadlines[slot] = .max
        self.free.append(watcher.slot)
        watcher.slot = 0
    }

    /// Has a watcher that stopped half-way, to let others have their turn, called again in the next one.
    func callAgain(_ watcher: Watcher) { self.unfinished.append(watcher) }

    /// Lets every watcher close what it has, and holds none any more.
    func end() {
        for place in self.places { place.watcher?.loopEnds() }
        self.places.removeAll()
    }

    private func tag(_ slot: UInt32) -> UInt64 { UInt64(self.places[Int(slot)].generation) << 32 | UInt64(slot) }

    // MARK: Deadlines

    /// Sets or moves the watcher's deadline.
    func setDeadline(_ watcher: Watcher, after duration: Duration) {
        guard watcher.slot != 0 else { return }
        let at = self.now &+ duration.nanoseconds
        self.deadlines[Int(watcher.slot)] = at
        if at < self.nextSweep { self.nextSweep = at }
    }

    func clearDeadline(_ watcher: Watcher) { self.deadlines[Int(watcher.slot)] = .max }

    private func sweep() {
        var next = UInt64.max
        for slot in self.deadlines.indices where self.deadlines[slot] != .max {
            if self.deadlines[slot] <= self.now {
                self.deadlines[slot] = .max
                self.places[slot].watcher?.deadlinePassed()
            } else if self.deadlines[slot] < next {
                next = self.deadlines[slot]
            }
        }
        // A watcher called above may have set an earlier one.
        for deadline in self.deadlines where deadline < next { next = deadline }
        self.nextSweep = next == .max ? .max : max(next, self.now + Self.sweepStep)
    }

    // MARK: One turn

    /// Waits for events and deadlines, and serves them. True when the bell rang.
    func turn(waits: Bool) -> Bool {
        let unfinished = self.unfinished
        self.unfinished.removeAll()
        let count = self.poller.wait(milliseconds: waits && unfinished.isEmpty ? self.patience : 0)
        self.now = System.monotonic
        let second = System.wallSeconds
        if second != self.second { self.secondChanged(second) }
        var bellRang = false
        for index in 0..<count {
            let (tag, readiness) = self.poller.event(index)
            let slot = Int(truncatingIfNeeded: tag & 0xFFFF_FFFF)
            let place = self.places[slot]
            if tag == Poller.bellTag {
                bellRang = true
            } else if place.generation == UInt32(tag >> 32), let watcher = place.watcher {
                watcher.ready(readiness)
            }
        }
        for watcher in unfinished where watcher.slot != 0 { watcher.ready(.readable) }
        if self.now >= self.nextSweep { self.sweep() }
        return bellRang
    }

    private func secondChanged(_ second: Int64) {
        self.second = second
        self.date = HTTPDate.text(second)
        self.everySecond.removeAll { !$0(self.date) }
    }

    /// Calls `action` with the new date whenever the second has changed, until it returns false.
    func everySecond(_ action: @escaping (_ date: [UInt8]) -> Bool) { self.everySecond.append(action) }

    private var patience: Int32 {
        guard self.nextSweep != .max else { return -1 }
        let now = System.monotonic
        guard self.nextSweep > now else { return 0 }
        return Int32(clamping: (self.nextSweep - now + 999_999) / 1_000_000)
    }
}

extension Duration {
    /// Whole nanoseconds, 0 for negative durations, at most a hundred years.
    var nanoseconds: UInt64 {
        let hundredYears = Duration.seconds(3_200_000_000)
        return UInt64(Swift.min(Swift.max(self, .zero), hundredYears).attoseconds / 1_000_000_000)
    }
}
