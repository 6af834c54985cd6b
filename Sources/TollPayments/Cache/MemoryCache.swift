// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A cache of this process alone, of bounded size: what was not asked for in a long while goes first.
public final class MemoryCache: SharedCache {
    /// What an item costs beside its key and value, in bytes.
    private static let itemByteCount = 128

    private struct Item {
        var value: [UInt8] = []
        var count = 0
        /// Since 1970.
        let expiresAt: Duration
    }

    /// Items are added to `recent`; when it holds half of what is allowed, `older` goes and it takes its place.
    private struct State {
        var recent: [String: Item] = [:]
        var older: [String: Item] = [:]
        var recentByteCount = 0
    }

    private let byteCountMax: Int
    private let now: @Sendable () -> Duration
    private let state = Mutex(State())

    /// An empty cache.
    ///
    /// - Parameters:
    ///   - byteCountMax: The most that keys and values may take. Enough for some hundred answers of the usual size.
    ///   - now: The time since 1970.
    public init(byteCountMax: Int = 32 << 20, now: @escaping @Sendable () -> Duration) {
        self.byteCountMax = byteCountMax
        self.now = now
    }

    public func value(for key: String) async -> [UInt8]? {
        let now = self.now()
        return self.state.withLock { state in self.item(key, now, &state)?.value }
    }

    public func setValue(_ value: [UInt8], for key: String, seconds: Int) async {
        let item = Item(value: value, expiresAt: self.now() + .seconds(seconds))
        self.state.withLock { state in self.keep(item, key, &state) }
    }

    public func count(_ key: String, window seconds: Int) async -> Int {
        let now = self.now()
        let window = RateWindow(key, seconds: seconds, at: now)
        return self.state.withLock { state in
            var item = self.item(window.key, now, &state) ?? Item(expiresAt: window.end)
            item.count += 1
            self.keep(item, window.key, &state)
            return item.count
        }
    }

    /// An item that has not expired; one that is asked for stays.
    private func item(_ key: String, _ now: Duration, _ state: inout State) -> Item? {
        guard let item = state.recent[key] ?? state.older[key], item.expiresAt > now else { return nil }
        if state.recent[key] == nil { self.keep(item, key, &state) }
        return item
    }

    private func keep(_ item: Item, _ key: String, _ state: inout State) {
        let byteCount = key.utf8.count + item.value.count + Self.itemByteCount
        guard byteCount <= self.byteCountMax / 2 else { return }
        if let former = state.recent[key] { state.recentByteCount -= key.utf8.count + former.value.count + Self.itemByteCount }
        if state.recentByteCount + byteCount > self.byteCountMax / 2 {
            state = State(older: state.recent)
        }
        state.recent[key] = item
        state.recentByteCount += byteCount
    }
}

/// A stretch of time in which events are counted.
public struct RateWindow: Hashable, Sendable {
    /// What is counted, in this window.
    public let key: String
    /// When the window ends, since 1970.
    public let end: Duration

    /// The window of `seconds` that holds `time`.
    public init(_ key: String, seconds: Int, at time: Duration) {
        let length = Int64(max(1, seconds))
        let number = time.components.seconds / length
        self.key = "\(key)/\(length)/\(number)"
        self.end = .seconds((number + 1) * length)
    }
}
