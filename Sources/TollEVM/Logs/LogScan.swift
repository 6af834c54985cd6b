// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollPrimitives

/// Reads a chain's Transfers to some recipients block after block, and misses none: the decisions, without the asking.
///
/// Goes step by step: ``start()``, then whatever each action's answer makes of it, until it rests. A step asks for the newest
/// block that counts first, and for the recipients then: whoever is a recipient by that time can only be paid in a later block.
/// What is found is handed on range by range, and again when the chain was reorganised or a process begins anew: whoever takes
/// it must know what it has taken already.
public struct LogScan: Sendable {
    /// How far the chain was read.
    public struct Mark: Hashable, Sendable {
        /// The last block that was.
        public let block: UInt64
        /// Its hash, by which it is seen whether the chain still has it; nil when that was not kept.
        public let hash: Bytes32?

        /// A mark by its parts.
        public init(block: UInt64, hash: Bytes32? = nil) {
            self.block = block
            self.hash = hash
        }
    }

    /// Every limit, each with its reason.
    public struct Limits: Hashable, Sendable {
        /// The most blocks of one question: most nodes take 1,000.
        public var rangeMax: UInt64 = 900
        /// The most recipients of one question.
        public var recipientsMax = 200
        /// The most ranges of one step, so that others get their turn where much is to be read.
        public var rangesMax = 64
        /// The most Transfers of one range: with more it is halved.
        public var logsMax = 10_000
        /// So many blocks are read again after a reorganisation and by a process that begins anew, but none that is final.
        public var depth: UInt64 = 64

        /// The defaults.
        public init() {}
    }

    /// A question for the logs of a range.
    public struct Search: Hashable, Sendable {
        /// Whose Transfers; the question is for the blocks alone where nobody is named.
        public let recipients: [Address]
        /// Where. The answer tells the hash of the last one.
        public let blocks: ClosedRange<UInt64>
        /// The block before which nothing is asked again, whose hash the answer tells too; nil when there is none.
        public let previous: UInt64?

        /// A question by all its parts.
        public init(recipients: [Address], blocks: ClosedRange<UInt64>, previous: UInt64?) {
            self.recipients = recipients
            self.blocks = blocks
            self.previous = previous
        }
    }

    /// What is to be done next.
    public enum Action: Hashable, Sendable {
        /// Ask for the newest block that counts, and the newest that is final.
        case findHeads
        /// Say who is waited for now.
        case listRecipients
        /// Ask one node at a time, all in one question.
        case search(Search)
        /// Take what was found, and then keep the mark.
        case deliver([TransferLog], Mark)
        /// Nothing, until the next step.
        case rest(Rest)
    }

    /// Why a step is over.
    public enum Rest: Hashable, Sendable {
        /// All that counts is read.
        case upToDate
        /// There is more, for the next step.
        case more
        /// The nodes did not say enough. The next step tries again.
        case failed(String)
    }

    /// What a node says to a search.
    public struct Found: Hashable, Sendable {
        /// The Transfers.
        public let transfers: Set<TransferLog>
        /// The hash of the last block.
        public let last: Bytes32
        /// The hash of the previous block, where that was asked for.
        public let previous: Bytes32?

        /// An answer by all its parts.
        public init(transfers: Set<TransferLog>, last: Bytes32, previous: Bytes32?) {
            self.transfers = transfers
            self.last = last
            self.previous = previous
        }
    }

    private struct Range {
        let blocks: ClosedRange<UInt64>
        /// Recipients that were not asked for yet.
        var rest: ArraySlice<Address>
        var asked: ArraySlice<Address> = []
        var found: Set<TransferLog> = []
        var last: Bytes32?
    }

    private struct Step {
        let counting: UInt64
        let final: UInt64
        var recipients: [Address] = []
        var ranges = 0
    }

    private enum State {
        case resting
        case findingHeads
        case listing(Step)
        case searching(Step, Range)
        case delivering(Step, Mark)
    }

    /// How far the chain was read; nil before the first step that came so far.
    public private(set) var mark: Mark?
    private let tokens: Set<Address>
    private let limits: Limits
    private var span: UInt64
    /// The mark is another process': the chain may have changed since.
    private var isUnchecked: Bool
    private var state = State.resting

    /// A scan from `mark` on; without one, from the block that counts now.
    public init(tokens: Set<Address>, after mark: Mark?, limits: Limits = Limits()) {
        self.tokens = tokens
        self.mark = mark
        self.limits = limits
        self.span = limits.rangeMax
        self.isUnchecked = mark?.hash == nil
    }

    /// Begins a step. What another step left is forgotten; the mark stays.
    public mutating func start() -> Action {
        self.state = .findingHeads
        return .findHeads
    }

    /// The newest block that counts, and the newest that is final: 0 on a chain that names none.
    public mutating func heads(counting: UInt64, final: UInt64) -> Action {
        guard case .findingHeads = self.state else { return self.impossible("heads") }
        let step = Step(counting: counting, final: final)
        if self.isUnchecked, let mark { self.mark = self.goneBack(from: mark.block, final: final) }
        self.isUnchecked = false
        if let mark, counting <= mark.block { return self.rest(.upToDate) }
        self.state = .listing(step)
        return .listRecipients
    }

    /// Who is waited for.
    public mutating func recipients(_ recipients: Set<Address>) -> Action {
        guard case .listing(var step) = self.state else { return self.impossible("recipients") }
        step.recipients = recipients.sorted { $0.word.bytes.lexicographicallyPrecedes($1.word.bytes) }
        return self.next(step)
    }

    /// What one or several nodes say alike.
    public mutating func found(_ found: Found) -> Action {
        guard case .searching(let step, var range) = self.state else { return self.impossible("found") }
        if let mark, let hash = mark.hash, found.previous != hash {
            let back = self.goneBack(from: mark.block, final: step.final)
            // What is final stays: a node that says otherwise is on another chain.
            guard back.block < mark.block else {
                return self.rest(.failed("block \(mark.block) is final and no longer \(hash)"))
            }
            self.mark = back
            return self.next(step)
        }
        guard range.last == nil || range.last == found.last else {
            return self.rest(.failed("the chain is being reorganised"))
        }
        range.last = found.last
        let asked = Set(range.asked)
        range.found.formUnion(
            found.transfers.filter { log in
                range.blocks.contains(log.block) && asked.contains(log.transfer.to) && self.tokens.contains(log.transfer.token)
            })
        guard range.found.count <= self.limits.logsMax || range.blocks.count == 1 else { return self.narrow(step, range) }
        guard range.rest.isEmpty else { return self.search(step, range) }
        self.span = min(self.limits.rangeMax, self.span * 2)
        let mark = Mark(block: range.blocks.upperBound, hash: found.last)
        self.state = .delivering(step, mark)
        return .deliver(range.found.sorted { ($0.block, $0.logIndex) < ($1.block, $1.logIndex) }, mark)
    }

    /// The node has more to say than it says at once.
    public mutating func refused() -> Action {
        guard case .searching(let step, let range) = self.state else { return self.impossible("refused") }
        return self.narrow(step, range)
    }

    /// No answer, or none that can be believed. A long range may be why: the next step begins with a shorter one.
    public mutating func failed(_ reason: String) -> Action {
        if case .searching = self.state { self.span = max(1, self.span / 2) }
        return self.rest(.failed(reason))
    }

    /// What was found is taken, for good.
    public mutating func delivered() -> Action {
        guard case .delivering(var step, let mark) = self.state else { return self.impossible("delivered") }
        self.mark = mark
        step.ranges += 1
        guard mark.block < step.counting else { return self.rest(.upToDate) }
        guard step.ranges < self.limits.rangesMax else { return self.rest(.more) }
        return self.next(step)
    }

    /// The next range.
    private mutating func next(_ step: Step) -> Action {
        let first = self.mark.map { $0.block + 1 } ?? step.counting
        guard first <= step.counting else { return self.rest(.upToDate) }
        // Where nobody is waited for nothing is asked but the last block's hash.
        let last = step.recipients.isEmpty ? step.counting : first + min(self.span - 1, step.counting - first)
        return self.search(step, Range(blocks: first...last, rest: step.recipients[...]))
    }

    private mutating func search(_ step: Step, _ range: Range) -> Action {
        var range = range
        range.asked = range.rest.prefix(self.limits.recipientsMax)
        range.rest = range.rest.dropFirst(range.asked.count)
        self.state = .searching(step, range)
        let previous = self.mark.flatMap { $0.hash == nil ? nil : $0.block }
        return .search(Search(recipients: Array(range.asked), blocks: range.blocks, previous: previous))
    }

    private mutating func narrow(_ step: Step, _ range: Range) -> Action {
        guard range.blocks.count > 1 else {
            return self.rest(.failed("the logs of one block are more than a node says at once"))
        }
        self.span = UInt64(range.blocks.count) / 2
        return self.next(step)
    }

    private func goneBack(from block: UInt64, final: UInt64) -> Mark {
        Mark(block: max(block - min(block, self.limits.depth), min(final, block)))
    }

    private mutating func rest(_ rest: Rest) -> Action {
        self.state = .resting
        return .rest(rest)
    }

    private mutating func impossible(_ event: String) -> Action { self.rest(.failed("\(event) was not asked for")) }
}
