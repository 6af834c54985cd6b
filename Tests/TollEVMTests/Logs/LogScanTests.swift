// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollEVM
import TollPrimitives

/// What a scan of Transfers asks, in which order, and what it makes of the answers.
@Suite struct LogScanTests {
    private static let token = account(0xF0)

    private static func account(_ number: UInt64) -> Address { Address(UInt256(number).word)! }
    private static func hash(_ block: UInt64, fork: Int = 0) -> Bytes32 { Keccak256.hash(text: "\(block)/\(fork)") }

    private static func log(
        _ block: UInt64, _ index: UInt64 = 0, to recipient: UInt64 = 1, token: Address = token
    ) -> TransferLog {
        TransferLog(
            transfer: ERC20.Transfer(token: token, from: .zero, to: Self.account(recipient), value: 5),
            transaction: Self.hash(block, fork: Int(index)), block: block, blockHash: nil, logIndex: index)
    }

    private func scan(
        after block: UInt64? = nil, hash: Bytes32? = nil, _ change: (inout LogScan.Limits) -> Void = { _ in }
    ) -> LogScan {
        var limits = LogScan.Limits()
        limits.rangeMax = 100
        change(&limits)
        return LogScan(tokens: [Self.token], after: block.map { LogScan.Mark(block: $0, hash: hash) }, limits: limits)
    }

    /// Begins a step and gives the first search.
    private func search(
        _ scan: inout LogScan, counting: UInt64, final: UInt64 = 0, recipients: [UInt64] = [1]
    ) throws -> LogScan.Search {
        #expect(scan.start() == .findHeads)
        #expect(scan.heads(counting: counting, final: final) == .listRecipients)
        return try self.search(scan.recipients(Set(recipients.map(Self.account))))
    }

    private func search(_ action: LogScan.Action) throws -> LogScan.Search {
        guard case .search(let search) = action else { throw Unexpected(action: action) }
        return search
    }

    private struct Unexpected: Error { let action: LogScan.Action }

    /// What an honest node says.
    private func answer(_ search: LogScan.Search, _ logs: [TransferLog] = [], fork: Int = 0) -> LogScan.Found {
        LogScan.Found(
            transfers: Set(logs), last: Self.hash(search.blocks.upperBound, fork: fork),
            previous: search.previous.map { Self.hash($0, fork: fork) })
    }

    @Test func `a chain that was never read is read from the block that counts, and on from there`() throws {
        var scan = self.scan()
        let first = try self.search(&scan, counting: 1_000)
        #expect(first == LogScan.Search(recipients: [Self.account(1)], blocks: 1_000...1_000, previous: nil))
        let mark = LogScan.Mark(block: 1_000, hash: Self.hash(1_000))
        #expect(scan.found(self.answer(first, [Self.log(1_000)])) == .deliver([Self.log(1_000)], mark))
        #expect(scan.mark == nil)
        #expect(scan.delivered() == .rest(.upToDate))
        #expect(scan.mark == mark)
        _ = scan.start()
        #expect(scan.heads(counting: 1_000, final: 0) == .rest(.upToDate))
        let second = try self.search(&scan, counting: 1_003)
        #expect(second.blocks == 1_001...1_003 && second.previous == 1_000)
    }

    @Test func `a long way is read range by range, and no further in one step than it may`() throws {
        var scan = self.scan(after: 1_000, hash: Self.hash(1_000)) { $0.rangesMax = 2 }
        var search = try self.search(&scan, counting: 1_250)
        var read: [ClosedRange<UInt64>] = []
        for _ in 0..<2 {
            read.append(search.blocks)
            _ = scan.found(self.answer(search))
            guard case .search(let next) = scan.delivered() else { break }
            search = next
        }
        #expect(read == [1_001...1_100, 1_101...1_200])
        #expect(scan.mark?.block == 1_200)
        #expect(try self.search(&scan, counting: 1_250).blocks == 1_201...1_250)
    }

    @Test func `a range that is too much is halved down to one block, and grows again`() throws {
        var scan = self.scan(after: 1_000, hash: Self.hash(1_000))
        var search = try self.search(&scan, counting: 2_000)
        var sizes: [Int] = []
        while search.blocks.count > 1 {
            sizes.append(search.blocks.count)
            search = try self.search(scan.refused())
        }
        #expect(sizes == [100, 50, 25, 12, 6, 3] && search.blocks == 1_001...1_001)
        for size in [2, 4, 8] {
            _ = scan.found(self.answer(search))
            search = try self.search(scan.delivered())
            #expect(search.blocks.count == size)
        }
        while search.blocks.count > 1 { search = try self.search(scan.refused()) }
        guard case .rest(.failed) = scan.refused() else {
            Issue.record("one block that is too much is no range to halve")
            return
        }
    }

    @Test func `more logs than are taken at once are a range that is too much`() throws {
        var scan = self.scan(after: 1_000, hash: Self.hash(1_000)) { $0.logsMax = 3 }
        let search = try self.search(&scan, counting: 1_100)
        let logs = (1_001...1_004).map { Self.log($0) }
        #expect(try self.search(scan.found(self.answer(search, logs))).blocks == 1_001...1_050)
    }

    @Test func `every recipient is asked for, so many at once, and what nobody asked for is left out`() throws {
        var scan = self.scan(after: 1_000, hash: Self.hash(1_000)) { $0.recipientsMax = 2 }
        let first = try self.search(&scan, counting: 1_010, recipients: [3, 1, 2])
        #expect(first.recipients == [1, 2].map(Self.account))
        let lies = [Self.log(1_011, to: 1), Self.log(1_000, to: 1), Self.log(1_004, to: 9), Self.log(1_004, token: .zero)]
        let second = try self.search(scan.found(self.answer(first, [Self.log(1_005, 2, to: 2)] + lies)))
        #expect(second.recipients == [Self.account(3)] && second.blocks == first.blocks)
        let action = scan.found(self.answer(second, [Self.log(1_005, 1, to: 3), Self.log(1_002, 7, to: 3)]))
        let found = [Self.log(1_002, 7, to: 3), Self.log(1_005, 1, to: 3), Self.log(1_005, 2, to: 2)]
        #expect(action == .deliver(found, LogScan.Mark(block: 1_010, hash: Self.hash(1_010))))
    }

    @Test func `where nobody is waited for the mark moves on without a log`() throws {
        var scan = self.scan(after: 1_000, hash: Self.hash(1_000))
        let search = try self.search(&scan, counting: 9_000, recipients: [])
        #expect(search.recipients.isEmpty && search.blocks.upperBound == 9_000)
        #expect(scan.found(self.answer(search)) == .deliver([], LogScan.Mark(block: 9_000, hash: Self.hash(9_000))))
        #expect(scan.delivered() == .rest(.upToDate))
    }

    @Test func `a chain that has changed is read again from so much below, and not below what is final`() throws {
        for (final, back) in [(0, 937), (950, 951), (999, 1_000), (2_000, nil)] as [(UInt64, UInt64?)] {
            var scan = self.scan(after: 1_000, hash: Self.hash(1_000))
            let search = try self.search(&scan, counting: 1_010, final: final)
            let action = scan.found(self.answer(search, [Self.log(1_001)], fork: 1))
            guard let back else {
                guard case .rest(.failed) = action else { throw Unexpected(action: action) }
                #expect(scan.mark == LogScan.Mark(block: 1_000, hash: Self.hash(1_000)))
                continue
            }
            let again = try self.search(action)
            #expect(again.blocks.lowerBound == back && again.previous == nil)
            let logs = [Self.log(back)]
            guard case .deliver(logs, let mark) = scan.found(self.answer(again, logs, fork: 1)) else {
                Issue.record("what is read again is handed on again")
                continue
            }
            #expect(mark.hash == Self.hash(mark.block, fork: 1))
        }
    }

    @Test func `a process that begins anew reads a little again, once`() throws {
        var scan = self.scan(after: 1_000)
        #expect(try self.search(&scan, counting: 1_010).blocks.lowerBound == 937)
        _ = scan.failed("no answer")
        #expect(try self.search(&scan, counting: 1_010).blocks.lowerBound == 937)
        #expect(try self.search(&scan, counting: 1_010, final: 980).blocks.lowerBound == 937)
        var other = self.scan(after: 1_000)
        #expect(try self.search(&other, counting: 1_010, final: 980).blocks.lowerBound == 981)
    }

    @Test func `a chain that changes between two questions of a range is asked again later`() throws {
        var scan = self.scan(after: 1_000, hash: Self.hash(1_000)) { $0.recipientsMax = 1 }
        let first = try self.search(&scan, counting: 1_010, recipients: [1, 2])
        let second = try self.search(scan.found(self.answer(first)))
        let changed = LogScan.Found(transfers: [], last: Self.hash(1_010, fork: 1), previous: Self.hash(1_000))
        #expect(scan.found(changed) == .rest(.failed("the chain is being reorganised")))
        #expect(second.blocks == first.blocks && scan.mark?.block == 1_000)
    }

    @Test func `after a failure less is asked for, and nothing is passed over`() throws {
        var scan = self.scan(after: 1_000, hash: Self.hash(1_000))
        #expect(try self.search(&scan, counting: 2_000).blocks == 1_001...1_100)
        #expect(scan.failed("time is up") == .rest(.failed("time is up")))
        #expect(try self.search(&scan, counting: 2_000).blocks == 1_001...1_050)
        _ = scan.start()
        #expect(scan.failed("no head") == .rest(.failed("no head")))
        #expect(try self.search(&scan, counting: 2_000).blocks == 1_001...1_050)
    }

    @Test func `an answer to what was not asked ends the step`() {
        var scan = self.scan()
        for action in [scan.heads(counting: 1, final: 1), scan.recipients([]), scan.refused(), scan.delivered()] {
            guard case .rest(.failed) = action else {
                Issue.record("\(action)")
                continue
            }
        }
        #expect(scan.mark == nil)
    }
}
