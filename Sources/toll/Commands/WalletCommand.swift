// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollClient
import TollCrypto
import TollEVM
import TollHTTP
import TollPayments
import TollPrimitives
import TollRuntime

/// `toll wallet`: keys in files under passphrases.
enum WalletCommand {
    private static let name = Parameter.argument("name", help: "The wallet.")
    private static let optionalName = Parameter.argument(
        "name",
        isRequired: false,
        help: "The wallet. Default: the key in TOLL_EVM_KEY"
    )

    static func command(_ client: any HTTPClient) -> Command {
        Command(
            "wallet",
            summary: "Keeps keys in files under passphrases (Web3 Secret Storage).",
            subcommands: [
                Command("create", summary: "Makes a new key.", parameters: [name]) { try self.create($0) },
                Command(
                    "import",
                    summary: "Keeps a key that exists.",
                    discussion: "The key is TOLL_EVM_KEY, else it is asked for.",
                    parameters: [name]
                ) { try self.importKey($0) },
                Command("list", summary: "Names the wallets and their addresses.") { _ in try self.list() },
                Command("address", summary: "Shows where money is to be sent.", parameters: [optionalName]) {
                    StandardStreams.writeOutput("\(try self.account($0))\n")
                    return .success
                },
                Command(
                    "balance",
                    summary: "Shows what there is, on every network with a node.",
                    discussion: "Nodes are set as TOLL_RPC_<network with _ for :>, for example TOLL_RPC_eip155_8453.",
                    parameters: [optionalName]
                ) { try await self.balance($0, client) },
                Command("export", summary: "Prints the private key.", parameters: [name]) { try self.export($0) },
            ]
        )
    }

    private static func create(_ arguments: Arguments) throws -> ExitCode {
        try self.keep(.random(), arguments)
    }

    private static func importKey(_ arguments: Arguments) throws -> ExitCode {
        if let key = try Keys.fromEnvironment() { return try self.keep(key, arguments) }
        guard let key = HiddenInput.read("Private key: ").flatMap(Keys.parse) else {
            throw UsageError("no private key of 64 hexadecimal digits: set \(Keys.variable), or type it at a terminal")
        }
        return try self.keep(key, arguments)
    }

    private static func keep(_ key: PrivateKey, _ arguments: Arguments) throws -> ExitCode {
        let (wallets, name) = (try Home().wallets, arguments.value(name) ?? "")
        let path = try wallets.path(of: name)
        guard !wallets.names.contains(name) else { throw WalletFolder.Failure(description: "\(path) is there already") }
        try wallets.add(key, as: name, passphrase: Passphrase.askTwice())
        StandardStreams.writeOutput("\(key.address)\n")
        StandardStreams.writeError("kept in \(path)\n")
        return .success
    }

    private static func list() throws -> ExitCode {
        let wallets = try Home().wallets
        var table = TextTable(["NAME", "ADDRESS"])
        for name in wallets.names { table.add([name, (try? wallets.address(of: name).description) ?? "?"]) }
        StandardStreams.writeOutput(table.text)
        return .success
    }

    private static func account(_ arguments: Arguments) throws -> Address {
        if let name = arguments.value(optionalName) { return try Home().wallets.address(of: name) }
        guard let key = try Keys.fromEnvironment() else { throw UsageError("name a wallet, or set \(Keys.variable)") }
        return key.address
    }

    private static func balance(_ arguments: Arguments, _ client: any HTTPClient) async throws -> ExitCode {
        let account = try self.account(arguments).description
        let nodes = ChainNodes(client: client)
        let networks = NetworkDirectory.known.networks.filter { nodes.has($0.chain) }
        guard !networks.isEmpty else {
            throw UsageError("no node is set; for example \(ChainNodes.variable(of: ChainID(eip155: 8_453))) for Base")
        }
        var table = TextTable(["NETWORK", "ASSET", "BALANCE"], alignments: [.left, .left, .right])
        var isComplete = true
        for network in networks {
            for asset in network.assets.map(\.asset) {
                let balance = await nodes.balance(of: account, in: asset)
                let text = balance.map { DecimalAmount(units: $0, decimals: asset.decimals).description } ?? "no answer"
                isComplete = isComplete && balance != nil
                table.add(["\(network.name) (\(network.chain))", asset.symbol, text])
            }
        }
        StandardStreams.writeOutput(table.text)
        return isComplete ? .success : ExitCode(rawValue: 30)
    }

    private static func export(_ arguments: Arguments) throws -> ExitCode {
        let name = arguments.value(name) ?? ""
        let key = try Home().wallets.key(of: name, passphrase: Passphrase.ask("Passphrase of '\(name)': "))
        let digits = key.withExposed { bytes in Hex.encodePrefixed(bytes.indices.map { bytes[$0] }) }
        StandardStreams.writeOutput("\(digits)\n")
        return .success
    }
}
