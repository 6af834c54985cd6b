// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollPayments

/// A bug that is planted around the product, to see that the checks find it.
enum Plant: String, CaseIterable, Sendable {
    /// The claim becomes durable when the answer has been served.
    case claimAfterServe
    /// The signed transaction becomes durable when it has been sent.
    case sendBeforeRecord
    /// A transaction without an error is taken for a settlement, whatever it moved.
    case noTransferCheck
    /// What is not settled in time is signed again under another number.
    case retryWithNewNumber
    /// A transfer counts once for each reference that it is shown for.
    case depositPerReference
    /// References are forgotten in a crash.
    case referencesInMemory
    /// What one node says of a transfer is enough.
    case oneNodeSuffices
}

/// What a seed decides about a world before it begins.
struct Scenario: Sendable {
    /// Faults end here.
    static let calmFrom = Duration.seconds(240)
    /// Past every `validBefore`, every kept answer and every debt's time.
    static let usualEnd = Duration.seconds(1_500)
    /// Past the same in a world where nobody comes late.
    static let quietEnd = Duration.seconds(1_000)

    /// A purchase that somebody will make.
    struct Visit: Sendable {
        enum Style: Int, CaseIterable, Sendable {
            /// By `TollClient`, again and again until it is served or refused for good.
            case buyer
            /// One credential, presented again later, also after its end.
            case replayed
            /// One credential, many times at once.
            case concurrent
            /// One authorization in both dialects at once.
            case twoDialects
            /// By `TollClient`, whose process dies now and then.
            case crashing
        }
        /// What a payer does behind its credential's back.
        enum Trick: Int, CaseIterable, Sendable { case none, cancel, empty, settleItself }

        let style: Style
        let trick: Trick
        let buyer: Int
        let path: String
        let isPost: Bool
        let at: Duration
    }

    let seed: UInt64
    let plant: Plant?
    var chain = ChainWeather()
    var nodes = NodeWeather()
    var rpc = NetworkWeather()
    var web = NetworkWeather()
    var disk = DiskWeather()
    var clientGone = 0
    var confirmations: UInt64 = 1
    var nodeCount = 1
    var isRemote = false
    /// Whether the gateway settles itself what no facilitator takes.
    var hasLastResort = false
    var isSQLite = false
    var gatewayCount = 1
    var hasThief = false
    var hasFrontRunner = false
    var visits: [Visit] = []
    var end = Self.usualEnd
    /// The upstream fails so many of a thousand calls.
    var upstreamFails = 0
    var clockJumps = false
    var ledgerOutage: Range<Duration>?
    var chainOutage: Range<Duration>?
    var plannedCrash: SimulatedDisk.PlannedCrash?
    /// Of a thousand pieces of calm.
    var kills = 0
    var hasOperator = false
    /// What the replicas share beside the ledger.
    var cache = CacheWeather()
    /// One of several replicas does not reach the ledger in this time.
    var replicaOutage: Range<Duration>?
    /// How many commands pay debts back beside the gateways.
    var refunderCount = 0
    /// Purchases by transfers that their buyers send by themselves.
    var transfers: [Transfer] = []
    /// How long a reference can be paid, in seconds.
    var referenceLifetime: Int64 = 120
    var hasTransferThief = false
    /// What one of the nodes tells those who ask two.
    var lie: Lie?

    /// A world in which nothing goes wrong but what is asked for.
    init(
        quiet seed: UInt64, visits: [Visit], transfers: [Transfer] = [], plannedCrash: SimulatedDisk.PlannedCrash? = nil,
        end: Duration = Self.quietEnd
    ) {
        self.seed = seed
        self.plant = nil
        self.visits = visits
        self.transfers = transfers
        self.plannedCrash = plannedCrash
        self.end = end
        self.calmDown()
    }

    /// What `seed` makes of it.
    init(seed: UInt64, plant: Plant? = nil) {
        self.seed = seed
        self.plant = plant
        let dice = Dice(seed: seed, "scenario")
        // A third of the worlds are quiet but for one kind of trouble, so that causes can be told apart.
        let isStormy = dice.happens(perMille: 650)
        func rate(_ range: ClosedRange<Int>) -> Int {
            isStormy && dice.happens(perMille: 500) || dice.happens(perMille: 60) ? dice.number(in: range) : 0
        }
        self.chain.blockTime = dice.pick([.seconds(1), .seconds(2), .seconds(6), .seconds(12)])
        self.chain.kind = dice.happens(perMille: 150) ? dice.pick([.quiet, .feeOnTransfer]) : .standard
        self.chain.skip = rate(50...600)
        self.chain.drop = rate(20...300)
        self.chain.swallow = rate(50...400)
        self.chain.spike = rate(10...60)
        self.nodeCount = dice.number(in: 1...3)
        self.chain.lags = (0..<self.nodeCount).map { index in
            index == 0 && !isStormy ? .zero : dice.happens(perMille: 400) ? dice.milliseconds(in: 0...9_000) : .zero
        }
        self.nodes.garbage = rate(5...40)
        self.nodes.busy = rate(5...60)
        self.nodes.shuffle = rate(100...500)
        self.rpc = Self.network(rate)
        self.web = Self.network(rate)
        self.disk.slow = rate(20...200)
        self.disk.fail = rate(10...80)
        self.disk.failAfter = rate(10...60)
        self.disk.crashBefore = rate(10...100)
        self.disk.crashAfter = rate(10...100)
        self.clientGone = rate(50...300)
        self.upstreamFails = rate(50...400)
        self.clockJumps = rate(1...1) == 1
        self.isRemote = dice.happens(perMille: 200)
        self.hasLastResort = dice.happens(perMille: 500)
        self.isSQLite = dice.happens(perMille: 120)
        self.gatewayCount = !self.isSQLite && dice.happens(perMille: 200) ? 2 : 1
        self.hasThief = dice.happens(perMille: 700)
        self.hasFrontRunner = rate(1...1) == 1
        self.kills = rate(20...150)
        self.hasOperator = dice.happens(perMille: 50)
        self.decideForks(dice, rate)
        self.ledgerOutage = Self.outage(dice, rate)
        self.chainOutage = Self.outage(dice, rate)
        let buyersMax = dice.number(in: 1...Market.buyers.count) - 1
        self.visits = (0..<dice.number(in: 1...4)).map { Self.visit($0, dice, buyersMax: buyersMax) }
        self.decideReplicas(Dice(seed: seed, "scenario of replicas"), isStormy: isStormy)
        self.decideDebts(Dice(seed: seed, "scenario of debts"))
        self.decideTransfers(Dice(seed: seed, "scenario of transfers"))
        self.calmDown()
    }

    private mutating func decideReplicas(_ dice: Dice, isStormy: Bool) {
        func rate(_ range: ClosedRange<Int>) -> Int {
            isStormy && dice.happens(perMille: 500) || dice.happens(perMille: 60) ? dice.number(in: range) : 0
        }
        guard self.gatewayCount > 1 else { return }
        if dice.happens(perMille: 300) { self.gatewayCount = 3 }
        self.isSQLite = dice.happens(perMille: 350)
        self.cache.slow = rate(50...500)
        self.cache.fail = rate(50...500)
        self.cache.forget = rate(50...300)
        self.cache.outage = Self.outage(dice, rate)
        self.replicaOutage = Self.outage(dice, rate)
    }

    /// A tenth of the worlds is about what is owed: calls that fail when they are paid, payers who come again, refunds meanwhile.
    private mutating func decideDebts(_ dice: Dice) {
        self.refunderCount = dice.happens(perMille: 400) ? dice.number(in: 1...2) : 0
        guard dice.happens(perMille: 100) else { return }
        self.refunderCount = dice.number(in: 1...2)
        self.upstreamFails = dice.number(in: 300...800)
        self.visits = (0..<dice.number(in: 3...6)).map { index in
            Visit(
                style: dice.pick([.buyer, .buyer, .crashing]), trick: .none, buyer: dice.number(in: 0...1),
                path: "/before/\(index)", isPost: dice.happens(perMille: 500), at: .milliseconds(dice.number(in: 0...120_000)))
        }
    }

    private mutating func decideForks(_ dice: Dice, _ rate: (ClosedRange<Int>) -> Int) {
        self.chain.reorganisation = rate(20...120)
        self.chain.reorganisationDepth = dice.number(in: 1...3)
        self.chain.reorganisationDrop = rate(100...600)
        if dice.happens(perMille: 500) { self.confirmations = UInt64(dice.number(in: 2...4)) }
    }

    private static func network(_ rate: (ClosedRange<Int>) -> Int) -> NetworkWeather {
        var weather = NetworkWeather()
        weather.slow = rate(10...120)
        weather.refuse = rate(10...100)
        weather.loseRequest = rate(10...100)
        weather.loseReply = rate(10...100)
        weather.double = rate(20...200)
        return weather
    }

    private static func outage(_ dice: Dice, _ rate: (ClosedRange<Int>) -> Int) -> Range<Duration>? {
        let length = rate(5...60)
        guard length > 0 else { return nil }
        let start = Duration.milliseconds(dice.number(in: 100...60_000))
        return start..<(start + .seconds(length))
    }

    private static func visit(_ index: Int, _ dice: Dice, buyersMax: Int) -> Visit {
        let route = dice.pick(["/after", "/after", "/before", "/unstored", "/deferred", "/grown"])
        return Visit(
            style: dice.pick(Visit.Style.allCases), trick: dice.happens(perMille: 200) ? dice.pick(Visit.Trick.allCases) : .none,
            buyer: dice.number(in: 0...buyersMax), path: "\(route)/\(index)",
            isPost: dice.happens(perMille: 250), at: .milliseconds(dice.number(in: 0...40_000)))
    }

    private mutating func calmDown() {
        self.chain.calmFrom = Self.calmFrom
        self.nodes.calmFrom = Self.calmFrom
        self.rpc.calmFrom = Self.calmFrom
        self.web.calmFrom = Self.calmFrom
        self.disk.calmFrom = Self.calmFrom
        self.cache.calmFrom = Self.calmFrom
    }
}
