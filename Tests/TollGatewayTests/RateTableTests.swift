// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TollGateway

/// What is counted, how windows slide, and what a full table does.
@Suite struct RateTableTests {
    private static let second: Int64 = 1_000_000_000
    private static let start = 1_800_000_000 * second

    private static func key(_ tag: UInt64 = 1, _ count: Int = 10, per seconds: Int = 1) -> RateTable.Key {
        RateTable.Key(limit: RateLimit(count, per: seconds), tag: tag)
    }

    /// How many of `count` requests at one time are admitted.
    private static func admitted(_ table: inout RateTable, _ key: RateTable.Key, _ count: Int, at time: Int64) -> Int {
        (0..<count).count { _ in !table.admit([key], at: time)[0].isOver }
    }

    @Test func `as many as the limit says, and not one more`() {
        var table = RateTable(capacity: 8)
        for left in (0..<10).reversed() {
            let standing = table.admit([Self.key()], at: Self.start)[0]
            #expect(standing.remaining == left && !standing.isOver)
        }
        let over = table.admit([Self.key()], at: Self.start)[0]
        #expect(over.isOver && over.remaining == 0)
    }

    @Test(arguments: [(10, 1), (7, 60), (1, 1), (999_983, 3_600)])
    func `a steady client gets exactly its rate`(count: Int, seconds: Int) {
        var table = RateTable(capacity: 8)
        let (key, step) = (Self.key(1, count, per: seconds), Int64(seconds) * Self.second / Int64(count) + 1)
        var time = Self.start
        for _ in 0..<100 {
            #expect(Self.admitted(&table, key, 1, at: time) == 1)
            time += step
        }
    }

    @Test func `in any stretch less than twice the limit comes through, in a long time the limit`() {
        var table = RateTable(capacity: 8)
        var times: [Int64] = []
        for time in stride(from: Self.start, to: Self.start + 20 * Self.second, by: 7_000_000)
        where Self.admitted(&table, Self.key(), 1, at: time) == 1 { times.append(time) }
        for (index, time) in times.enumerated() {
            #expect(times[index...].prefix { $0 < time + Self.second }.count < 20)
        }
        #expect((200...210).contains(times.count))
    }

    @Test(arguments: [(1, 1), (10, 60), (7, 3_600), (3, 1)])
    func `who waits as long as it is told is admitted`(count: Int, seconds: Int) {
        var table = RateTable(capacity: 8)
        let key = Self.key(1, count, per: seconds)
        var time = Self.start + 123_456_789
        #expect(Self.admitted(&table, key, count * 2, at: time) == count)
        for _ in 0..<20 {
            let over = table.admit([key], at: time)[0]
            #expect(over.isOver && over.resetSeconds >= 1)
            time += Int64(over.resetSeconds) * Self.second
            #expect(Self.admitted(&table, key, count * 2, at: time) >= 1)
        }
    }

    @Test func `over one limit, a request counts against none`() {
        var table = RateTable(capacity: 8)
        let (narrow, wide) = (Self.key(1, 1), Self.key(2, 10, per: 60))
        #expect(table.admit([narrow, wide], at: Self.start).map(\.remaining) == [0, 9])
        for _ in 0..<5 {
            let standings = table.admit([narrow, wide], at: Self.start)
            #expect(standings.map(\.isOver) == [true, false] && standings[1].remaining == 9)
        }
    }

    @Test func `a full table never counts anybody as less than it has asked`() {
        var table = RateTable(capacity: 8)
        for tag in 1...8 as ClosedRange<UInt64> { #expect(Self.admitted(&table, Self.key(tag), 5, at: Self.start) == 5) }
        // A ninth takes a place, and what was counted there.
        #expect(Self.admitted(&table, Self.key(9), 10, at: Self.start) == 5)
        // However many come then, they get what is left of one place after the other, and no more.
        let more = (10...1_000 as ClosedRange<UInt64>).reduce(0) { $0 + Self.admitted(&table, Self.key($1), 10, at: Self.start) }
        #expect(more <= 8 * 10 - 8 * 5)
        #expect(Self.admitted(&table, Self.key(2_000), 10, at: Self.start) == 0)
        // When all of that is over, nothing of it counts.
        #expect(Self.admitted(&table, Self.key(2_000), 20, at: Self.start + Self.second) == 10)
    }

    @Test func `who is over a limit stays so, however many come after it`() {
        var table = RateTable(capacity: 8)
        #expect(Self.admitted(&table, Self.key(1), 20, at: Self.start) == 10)
        for tag in 2...500 as ClosedRange<UInt64> { _ = table.admit([Self.key(tag)], at: Self.start) }
        #expect(Self.admitted(&table, Self.key(1), 20, at: Self.start) == 0)
    }

    @Test func `a clock that is set back by a little changes nothing, and by much shuts nobody out for long`() {
        var table = RateTable(capacity: 8)
        #expect(Self.admitted(&table, Self.key(), 20, at: Self.start) == 10)
        #expect(Self.admitted(&table, Self.key(), 20, at: Self.start - 5) == 0)
        #expect(Self.admitted(&table, Self.key(), 20, at: Self.start - 3_600 * Self.second) == 0)
        #expect(
            Self.admitted(&table, Self.key(), 20, at: Self.start - 3_598 * Self.second) == 10, "after two seconds, not an hour")
    }

    @Test func `what others have counted counts here too, once`() {
        var table = RateTable(capacity: 8)
        _ = table.admit([Self.key()], at: Self.start)
        #expect(table.learn(1, of: Self.key(), at: Self.start).remaining == 9)
        _ = table.admit([Self.key()], at: Self.start)
        #expect(table.learn(5, of: Self.key(), at: Self.start).remaining == 5)
        _ = table.admit([Self.key()], at: Self.start)
        #expect(table.learn(6, of: Self.key(), at: Self.start).remaining == 4)
        _ = table.admit([Self.key()], at: Self.start)
        #expect(table.learn(11, of: Self.key(), at: Self.start) == .init(remaining: 0, resetSeconds: 1, isOver: false))
        #expect(table.admit([Self.key()], at: Self.start)[0].isOver)
    }

    @Test func `replicas that are asked in turn let a steady client pass, and twice its rate not`() {
        for (step, expected) in [(Int64(100_000_000), 200...200), (50_000_000, 195...230)] {
            var tables = [RateTable(capacity: 8), RateTable(capacity: 8)]
            var (time, count, window, admitted) = (Self.start, 0, Self.start / (4 * Self.second), 0)
            for number in 0..<(20 * Int(Self.second / step)) {
                if time / (4 * Self.second) != window { (window, count) = (time / (4 * Self.second), 0) }
                if !tables[number % 2].admit([Self.key()], at: time)[0].isOver {
                    count += 1
                    admitted += 1
                    _ = tables[number % 2].learn(count, of: Self.key(), at: time)
                }
                time += step
            }
            #expect(expected.contains(admitted), "\(admitted) at every \(step) ns")
        }
    }
}
