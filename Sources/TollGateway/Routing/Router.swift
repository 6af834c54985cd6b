// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollHTTP

/// Chooses the route of a request by the very bytes that are forwarded. The first match wins.
struct Router: Sendable {
    /// What the router decided.
    enum Decision: Hashable {
        /// The route at this position.
        case route(Int)
        /// No pattern matches the path: 404.
        case notFound
        /// A pattern matches the path, with other methods: 405.
        case methodNotAllowed(allow: [String])
        /// The path can be read in two ways, and one of them is priced: 400.
        case ambiguous
        /// Percent signs without digits, controls: 400.
        case malformed
    }

    private struct Entry {
        let pattern: RoutePattern
        let isPriced: Bool
    }

    private let entries: [Entry]
    /// Those that a lenient server could take a plain path for though they do not match it.
    private let looseEntries: [Int]

    /// Routes in the order of the configuration.
    init(_ routes: [(pattern: RoutePattern, isPriced: Bool)]) {
        self.entries = routes.map { Entry(pattern: $0.pattern, isPriced: $0.isPriced) }
        self.looseEntries = routes.indices.filter { routes[$0].pattern.isLoose }
    }

    func decide(_ method: Method, path: ArraySlice<UInt8>) -> Decision {
        switch PathReading.read(path) {
        case .malformed: return .malformed
        case .readings(let readings): guard !self.isAmbiguous(method, path, readings) else { return .ambiguous }
        case .plain: guard !self.isTakenLeniently(method, path) else { return .ambiguous }
        }
        var others: [String] = []
        for index in self.entries.indices where self.entries[index].pattern.matches(path) {
            if self.entries[index].pattern.takes(method) { return .route(index) }
            if let method = self.entries[index].pattern.method { others.append(method.token) }
        }
        return others.isEmpty ? .notFound : .methodNotAllowed(allow: others)
    }

    /// What the routes that match exactly this path take; nil when none does.
    func methods(ofPath path: ArraySlice<UInt8>) -> [String]? {
        let matching = self.entries.filter { $0.pattern.matches(path) }
        guard !matching.isEmpty else { return nil }
        var methods: [String] = []
        for entry in matching {
            let taken = entry.pattern.method.map { $0 == .get ? ["GET", "HEAD"] : [$0.token] } ?? Self.usualMethods
            methods += taken.filter { !methods.contains($0) }
        }
        return methods + (methods.contains("OPTIONS") ? [] : ["OPTIONS"])
    }

    private static let usualMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

    /// Whether one of the readings selects another route than the raw path, and either is priced: with methods set aside, and
    /// again with this one, since a server behind us may heed it or not.
    private func isAmbiguous(_ method: Method, _ path: ArraySlice<UInt8>, _ readings: [[[UInt8]]]) -> Bool {
        for heedsMethod in [false, true] {
            let entries = self.entries.indices.filter { !heedsMethod || self.entries[$0].pattern.takes(method) }
            let raw = entries.first { self.entries[$0].pattern.matches(path) }
            for reading in readings {
                let bare = reading.last == [] ? reading.dropLast() : reading
                let lenient = entries.first { self.entries[$0].pattern.matches(reading: bare) }
                if raw != lenient, self.isPriced(raw) || self.isPriced(lenient) { return true }
                // To a server that minds the slash at the end, after it has read the rest leniently, or after it has dropped it.
                let exact = entries.first { self.entries[$0].pattern.matches(exactReading: reading) }
                if raw != exact, self.isPriced(exact) { return true }
                // `/api/` and `/api` may well be two routes with prices; nobody gets the one free by asking for the other.
                let dropped = entries.first { self.entries[$0].pattern.matches(exactReading: bare) }
                if raw != dropped, self.isPriced(dropped), !self.isPriced(raw) { return true }
            }
        }
        return false
    }

    /// The same for a plain path. It reads alike everywhere, so only a loose pattern before its route can be meant instead; a
    /// path without a route goes nowhere.
    private func isTakenLeniently(_ method: Method, _ path: ArraySlice<UInt8>) -> Bool {
        guard let firstLoose = self.looseEntries.first else { return false }
        for heedsMethod in [false, true] {
            let raw = self.entries.firstIndex { (!heedsMethod || $0.pattern.takes(method)) && $0.pattern.matches(path) }
            guard let raw, firstLoose < raw else { continue }
            let reading = path.dropFirst().split(separator: UInt8(ascii: "/")).map { Array($0) }
            for index in self.looseEntries where index < raw && (self.isPriced(index) || self.isPriced(raw)) {
                let pattern = self.entries[index].pattern
                if !heedsMethod || pattern.takes(method), pattern.matches(reading: reading) { return true }
            }
        }
        return false
    }

    private func isPriced(_ index: Int?) -> Bool {
        index.map { self.entries[$0].isPriced } ?? false
    }
}
