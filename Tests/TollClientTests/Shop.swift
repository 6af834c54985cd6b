// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Foundation
import TollClient
import TollHTTP
import TollPayments

/// A buyer with a journal of its own in a temporary directory, against a scripted server.
final class Shop {
    let server: ScriptedServer
    let stage: Stage
    let directory: String
    var chain = FixedChain()
    var signers: [any PaymentSigner] = [Market.payer]

    init(_ answers: [Answer] = [], stage: Stage = Stage()) {
        self.server = ScriptedServer(answers)
        self.stage = stage
        self.directory = NSTemporaryDirectory() + "toll-tests-" + UUID().uuidString
    }

    deinit { try? FileManager.default.removeItem(atPath: self.directory) }

    var journal: Journal { Journal(directory: self.directory) }

    var buyer: Buyer {
        Buyer(
            client: self.server,
            directory: Market.directory,
            signers: self.signers,
            journal: self.journal,
            chain: self.chain,
            environment: self.stage.environment
        )
    }

    func buy(
        _ request: PurchaseRequest = PurchaseRequest(Market.url),
        _ policy: PurchasePolicy = PurchasePolicy()
    ) async -> (report: PurchaseReport, body: String) {
        let collected = Collected()
        let report = await self.buyer.purchase(request, policy: policy) { collected.take($0) }
        return (report, collected.text)
    }

    var spentToday: Dollars {
        get throws { try self.journal.spending(at: Market.url.origin, self.stage.now).inAll }
    }

    /// The lines of the journal; a crash can be played by writing back fewer of them.
    var lines: [String] {
        get throws {
            try String(contentsOfFile: self.directory + "/journal.jsonl", encoding: .utf8).split(separator: "\n").map(String.init)
        }
    }

    func write(_ text: String) throws {
        try text.write(toFile: self.directory + "/journal.jsonl", atomically: true, encoding: .utf8)
    }
}

extension Shop {
    func permissions(of name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: self.directory + name)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
    }
}

extension Shop {
    static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
}
