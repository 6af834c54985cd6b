// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollClient
import TollHTTP
import TollMethods
import TollPayments
import TollPrimitives
import TollRuntime

/// `toll get`: the body on standard output, everything else on standard error.
enum GetCommand {
    private static let url = Parameter.argument("url", help: "What to get.")
    private static let limit = Parameter.option("max", "dollars", help: "The most this call may cost. Default: 1")
    private static let network = Parameter.option("network", "chain", help: "Pay on this network only: eip155:8453, base.")
    private static let asset = Parameter.option(
        "asset",
        "symbol|address",
        help: "Pay with this token only. One that is not worth a dollar needs --max, counted in it."
    )
    private static let isDryRun = Parameter.flag("dry-run", help: "Say what would be paid, and end with 10.")
    private static let isPlainAllowed = Parameter.flag("allow-http", help: "Pay servers on other machines without TLS, too.")
    private static let isCreditKept = Parameter.flag("no-credit", help: "Pay, also where the server owes for an earlier call.")
    private static let isTransferless = Parameter.flag("no-transfer", help: "Never pay by a transfer, which costs gas.")
    private static let isUnsignedAllowed = Parameter.flag(
        "allow-unsigned", help: "Pay by a transfer also where nobody has signed its instructions who may.")
    private static let feeGwei = Parameter.option(
        "max-fee-gwei", "gwei", help: "The most that a transfer offers for a unit of gas. Default: \(Keys.feeGweiDefault)")
    private static let wait = Parameter.option(
        "wait", "seconds", help: "How long to stay at a transfer. Default: \(PurchasePolicy.defaultPatience)")
    private static let idempotencyKey = Parameter.option(
        "idempotency-key", "key", help: "Under it one payment is made at this URL, and no second. Sent as Idempotency-Key.")
    private static let isJSON = Parameter.flag("json", help: "One JSON object on standard output.")
    private static let isVerbose = Parameter.flag("verbose", short: "v", help: "Tell every request and answer.")
    private static let wallet = Parameter.option("wallet", "name", help: "Pay from this wallet instead of TOLL_EVM_KEY.")

    static func command(_ client: any HTTPClient) -> Command {
        Command(
            "get",
            summary: "Gets a URL, paying within limits where the server asks for it.",
            discussion: """
                Ends with 0 done, 2 usage, 10 dry run and would pay, 20 refused by limits, 21 no acceptable offer,
                22 refused by the server, 23 outcome unknown (run the same again, it does not pay again), 30 network,
                40 the server answered an error after payment.
                """,
            parameters: [url] + RequestOptions.parameters + [
                limit, network, asset, isDryRun, isPlainAllowed, isCreditKept, isTransferless, isUnsignedAllowed, feeGwei, wait,
                idempotencyKey, isJSON, isVerbose, wallet,
            ]
        ) { try await self.run($0, client) }
    }

    private static func run(_ arguments: Arguments, _ client: any HTTPClient) async throws -> ExitCode {
        let request = try self.request(arguments)
        let home = try Home()
        let nodes = ChainNodes(client: client)
        var policy = try self.policy(arguments)
        policy.isDryRun = arguments.has(isDryRun)
        policy.spendsCredit = !arguments.has(isCreditKept)
        var directory = NetworkDirectory.known
        if let asset = policy.asset { directory = await directory.adding(asset, on: policy.network, from: nodes) }
        let fee = try self.number(arguments, feeGwei, in: 1...1_000_000) ?? Keys.feeGweiDefault
        let key = try Keys.key(wallet: arguments.value(wallet), home: home)
        let seen: any HTTPClient = arguments.has(isVerbose) ? VerboseClient(client) : client
        let buyer = Buyer(
            client: seen, directory: directory, signers: key.map { [ExactEVMPayer($0)] } ?? [], journal: home.journal, chain: nodes,
            senders: key.map { [Keys.sender($0, nodes, feeGwei: fee)] } ?? [], reader: nodes.transfers
        ) { StandardStreams.writeError(EscapedText.singleLine($0) + "\n") }
        let output = try PurchaseOutput(path: arguments.value(RequestOptions.output), isJSON: arguments.has(isJSON))
        var report = await buyer.purchase(request, policy: policy) { try await output.take($0) }
        if key == nil, report.failure?.code == .noAcceptableOffer {
            report.notices.append("no key is set: give one in \(Keys.variable), or a wallet by --wallet")
        }
        output.finish(report)
        return ExitCode(rawValue: report.exitStatus)
    }

    private static func request(_ arguments: Arguments) throws -> PurchaseRequest {
        var request = try RequestOptions.request(arguments, url: arguments.value(url) ?? "")
        guard let key = arguments.value(idempotencyKey) else { return request }
        guard PurchaseRequest.isKey(key) else {
            throw UsageError("--idempotency-key takes 1 to \(PurchaseRequest.keySizeMax) visible characters of ASCII")
        }
        request.idempotencyKey = key
        return request
    }

    private static func number(
        _ arguments: Arguments, _ option: Parameter, in range: ClosedRange<UInt64>
    ) throws(UsageError) -> UInt64? {
        guard let text = arguments.value(option) else { return nil }
        guard let number = UInt64(text), range.contains(number) else {
            throw UsageError("--\(option.name) '\(text)' is no whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func policy(_ arguments: Arguments) throws(UsageError) -> PurchasePolicy {
        var policy = PurchasePolicy(asset: arguments.value(asset), allowsPlainHTTP: arguments.has(isPlainAllowed))
        if let text = arguments.value(limit) {
            guard let limit = Dollars(text) else {
                throw UsageError("--max '\(text)' is no amount of dollars: write it as 0.05, with at most six decimals")
            }
            policy.limit = limit
        }
        policy.allowsTransfers = !arguments.has(isTransferless)
        policy.allowsUnsignedInstructions = arguments.has(isUnsignedAllowed)
        if let seconds = try self.number(arguments, wait, in: 0...86_400) { policy.transferPatience = seconds }
        if let text = arguments.value(network) { policy.network = try NetworkDirectory.known.chain(named: text) }
        return policy
    }
}
