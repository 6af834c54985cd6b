// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollPayments
import TollRuntime
import TollTestKit

@Suite struct MemoryCacheTests {
    private struct Harness: SharedCacheHarness {
        let time = ManualTime(start: .seconds(1_000))

        func open() -> any SharedCache { MemoryCache(now: self.time.environment.wallClock) }
        func pass(seconds: Int) { self.time.advance(by: .seconds(seconds)) }
    }

    @Test(arguments: SharedCacheConformance.Rule.allCases)
    func conforms(rule: SharedCacheConformance.Rule) async throws {
        try await SharedCacheConformance { Harness() }.run(rule)
    }

    @Test func `memory is bounded, and what is asked for stays`() async {
        let cache = MemoryCache(byteCountMax: 100_000) { .seconds(1) }
        await cache.setValue([1], for: "asked for", seconds: 60)
        await cache.setValue([1], for: "forgotten", seconds: 60)
        for number in 0..<200 {
            await cache.setValue([UInt8](repeating: 0, count: 1_000), for: "\(number)", seconds: 60)
            #expect(await cache.value(for: "asked for") == [1])
        }
        #expect(await cache.value(for: "forgotten") == nil)
        #expect(await cache.value(for: "0") == nil)
        #expect(await cache.value(for: "199") != nil)
        await cache.setValue([UInt8](repeating: 0, count: 60_000), for: "too large", seconds: 60)
        #expect(await cache.value(for: "too large") == nil)
    }
}
