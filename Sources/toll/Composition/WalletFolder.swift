// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollCrypto
import TollEVM
import TollPrimitives
import TollRuntime

/// Keys in files under passphrases: Web3 Secret Storage, one file a wallet, `NAME.json`.
struct WalletFolder {
    /// A wallet that cannot be used as asked.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let directory: String

    func path(of name: String) throws(UsageError) -> String {
        let isName = (1...64).contains(name.utf8.count) && name.utf8.allSatisfy(Self.isNameByte)
        guard isName else { throw UsageError("a wallet's name is 1 to 64 of a-z, A-Z, 0-9, _ and -") }
        return "\(self.directory)/\(name).json"
    }

    /// The names, sorted.
    var names: [String] {
        PrivateFiles.list(self.directory).filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    }

    /// The account of a wallet, which needs no passphrase.
    func address(of name: String) throws -> Address {
        let file = try self.read(name)
        guard let text = (try? JSON(parsing: file))?["address"]?.string, let bytes = Hex.decode(text),
            let address = Address(bytes)
        else { throw Failure(description: "wallet '\(name)' does not name its address; export it with its passphrase") }
        return address
    }

    /// The key of a wallet.
    func key(of name: String, passphrase: Secret<String>) throws -> PrivateKey {
        let file = try self.read(name)
        do throws(Keystore.Failure) { return try Keystore.decrypt(file, passphrase: passphrase) } catch {
            switch error {
            case .wrongPassphrase: throw Failure(description: "wallet '\(name)': this is not its passphrase")
            case .malformed(let member): throw Failure(description: "wallet '\(name)' is damaged: \(member)")
            case .unsupported(let member):
                throw Failure(description: "wallet '\(name)' is of a kind that is not supported: \(member)")
            case .outOfMemory: throw Failure(description: "wallet '\(name)': there is not enough memory to open it")
            }
        }
    }

    /// Keeps a key under a new name. Never replaces a file: what is lost with it is money.
    func add(_ key: PrivateKey, as name: String, passphrase: Secret<String>) throws {
        let path = try self.path(of: name)
        try PrivateFiles.makeDirectory(self.directory)
        try PrivateFiles.create(path, try Keystore.encrypt(key, passphrase: passphrase))
    }

    private func read(_ name: String) throws -> [UInt8] {
        let path = try self.path(of: name)
        guard self.names.contains(name) else {
            let known = self.names.joined(separator: ", ")
            throw Failure(description: "there is no wallet '\(name)'" + (known.isEmpty ? "" : "; there are: \(known)"))
        }
        return try FileContents.read(path, byteCountMax: Keystore.bytesMax)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
