// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

public import TollCrypto
public import TollPrimitives

/// A private key in a file, under a passphrase: Web3 Secret Storage, version 3, which every Ethereum wallet reads.
///
/// Files of cpp-ethereum with scrypt's r = 1 and n = 262144 cannot be read: RFC 7914 forbids n above 65535 there, and OpenSSL
/// keeps to it. The passphrase's UTF-8 bytes count as they are; wallets that normalise them (ethers uses NFKC) agree for ASCII.
public enum Keystore {
    /// Why a file gave no key.
    public enum Failure: Error, Hashable, Sendable {
        /// The file is sound as far as can be told, and this is not its passphrase.
        case wrongPassphrase
        /// The file is no version 3 key store; names the member at fault, or "JSON".
        case malformed(String)
        /// The file uses an algorithm, or costs, that are not supported; names the member.
        case unsupported(String)
        /// There is not enough memory for the costs that the file demands.
        case outOfMemory
    }

    /// scrypt's cost in the files that are written: 256 MiB and about a second.
    public static let defaultCost: UInt64 = 262_144
    /// The longest file that is read: they have half a KiB.
    public static let bytesMax = 16 << 10

    /// The key in `file`, a JSON text.
    public static func decrypt(_ file: [UInt8], passphrase: Secret<String>) throws(Failure) -> PrivateKey {
        guard file.count <= bytesMax, let json = try? JSON(parsing: file) else { throw .malformed("JSON") }
        guard json["version"]?.integer == 3 else { throw .unsupported("version") }
        guard let crypto = json["crypto"] ?? json["Crypto"] else { throw .malformed("crypto") }
        guard crypto["cipher"]?.string == "aes-128-ctr" else { throw .unsupported("cipher") }
        let counter = try crypto["cipherparams"].hex("iv", count: 16)
        let ciphertext = try Optional(crypto).hex("ciphertext", count: 32)
        let mac = try Optional(crypto).hex("mac", count: 32)
        let derived = try deriveKey(crypto, passphrase)
        guard constantTimeEquals(authenticate(ciphertext, derived), mac) else { throw .wrongPassphrase }
        guard let key = crypt(ciphertext, derived, counter).flatMap({ PrivateKey($0) }) else { throw .malformed("ciphertext") }
        if let address = json["address"]?.string {
            guard let address = Hex.decode(address), address == key.address.bytes else { throw .malformed("address") }
        }
        return key
    }

    /// A file with `key` in it, a JSON text.
    /// - Parameters:
    ///   - cost: scrypt's n, a power of two. Less than ``defaultCost`` is for tests.
    ///   - random: Makes salt, initial counter and id.
    public static func encrypt(
        _ key: PrivateKey,
        passphrase: Secret<String>,
        cost: UInt64 = defaultCost,
        random: (Int) -> [UInt8] = SecureRandom.bytes
    ) throws(Failure) -> [UInt8] {
        let (salt, counter, id) = (random(32), random(16), random(16))
        let parameters: JSON = [
            "dklen": 32, "n": .integer(cost), "p": 1, "r": 8, "salt": .string(Hex.encode(salt)),
        ]
        let derived = try deriveKey(["kdf": "scrypt", "kdfparams": parameters], passphrase)
        guard let ciphertext = key.withExposed({ crypt($0, derived, counter) })?.copied() else { throw .outOfMemory }
        let crypto: JSON = [
            "cipher": "aes-128-ctr",
            "cipherparams": ["iv": .string(Hex.encode(counter))],
            "ciphertext": .string(Hex.encode(ciphertext)),
            "kdf": "scrypt",
            "kdfparams": parameters,
            "mac": .string(Hex.encode(authenticate(ciphertext, derived))),
        ]
        let file: JSON = [
            "address": .string(Hex.encode(key.address.bytes)), "crypto": crypto, "id": .string(uuid(id)), "version": 3,
        ]
        return file.utf8
    }

    private static func deriveKey(_ crypto: JSON, _ passphrase: Secret<String>) throws(Failure) -> SecureBytes {
        let parameters = crypto["kdfparams"]
        let salt = try parameters.hex("salt")
        let count = try parameters.count("dklen")
        guard count >= 32 else { throw .malformed("dklen") }
        let passphrase = passphrase.withExposed { Array($0.utf8) }
        do throws(KeyDerivation.Failure) {
            switch crypto["kdf"]?.string {
            case "scrypt":
                let (n, r, p) = try scryptCosts(parameters)
                return try KeyDerivation.scrypt(passphrase: passphrase, salt: salt, n: n, r: r, p: p, count: count)
            case "pbkdf2":
                guard parameters?["prf"]?.string == "hmac-sha256" else { throw .parameter("prf") }
                guard let rounds = parameters?["c"]?.integer else { throw .parameter("c") }
                return try KeyDerivation.pbkdf2(passphrase: passphrase, salt: salt, rounds: Int(rounds), count: count)
            default:
                throw .parameter("kdf")
            }
        } catch {
            switch error {
            case .parameter(let name): throw .unsupported(name)
            case .refused: throw .outOfMemory
            }
        }
    }

    private static func scryptCosts(_ parameters: JSON?) throws(KeyDerivation.Failure) -> (n: UInt64, r: UInt64, p: UInt64) {
        func cost(_ name: String) throws(KeyDerivation.Failure) -> UInt64 {
            guard let value = parameters?[name]?.integer, value >= 0 else { throw .parameter(name) }
            return UInt64(value)
        }
        return (try cost("n"), try cost("r"), try cost("p"))
    }

    /// The Keccak-256 of the derived key's second half and the ciphertext.
    private static func authenticate(_ ciphertext: [UInt8], _ derived: SecureBytes) -> [UInt8] {
        let half = derived.withExposed { key in (16..<32).map { key[$0] } }
        return Keccak256.hash(half + ciphertext).bytes
    }

    /// Encrypts or decrypts with the derived key's first half.
    private static func crypt(_ data: Span<UInt8>, _ derived: SecureBytes, _ counter: [UInt8]) -> SecureBytes? {
        derived.withExposed { AES128CTR.apply(data, key: $0.extracting(first: 16), counter: counter) }
    }

    private static func crypt(_ data: [UInt8], _ derived: SecureBytes, _ counter: [UInt8]) -> SecureBytes? {
        crypt(data.span, derived, counter)
    }

    /// A random UUID (RFC 9562, version 4) of 16 random bytes.
    private static func uuid(_ random: [UInt8]) -> String {
        var bytes = random
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        return [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { Hex.encode(bytes[$0]) }.joined(separator: "-")
    }
}

extension SecureBytes {
    /// Out of protected memory: for what is no longer secret, as a ciphertext.
    fileprivate func copied() -> [UInt8] {
        self.withExposed { span in span.indices.map { span[$0] } }
    }
}

extension Optional<JSON> {
    fileprivate func hex(_ name: String, count: Int? = nil) throws(Keystore.Failure) -> [UInt8] {
        guard let text = self?[name]?.string, let bytes = Hex.decode(text), count == nil || bytes.count == count else {
            throw .malformed(name)
        }
        return bytes
    }

    fileprivate func count(_ name: String) throws(Keystore.Failure) -> Int {
        guard let value = self?[name]?.integer else { throw .malformed(name) }
        return Int(value)
    }
}
