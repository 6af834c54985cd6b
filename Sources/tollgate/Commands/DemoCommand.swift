// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollHTTPEngine
import TollRuntime

/// `tollgate demo`: a whole market on this machine.
enum DemoCommand {
    static let stay = Parameter.flag("stay", help: "Keeps the market running until it is interrupted.")

    static func run(stays: Bool) async throws -> ExitCode {
        let loops = try EventLoopGroup(count: 2)
        let market = try await DemoMarket(loops: loops)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await market.services.run() }
            let agrees = try await market.trade()
            if stays {
                DemoPrinter.say("\nThe market stays open at \(market.gatewayURL); interrupt it to end.")
                try await group.next()
            }
            group.cancelAll()
            return agrees ? .success : .failure
        }
    }
}
