// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import Testing
import TollCrypto
import TollEVM
import TollPrimitives

struct KeystoreTests {
    /// The PBKDF2 vector of the Web3 Secret Storage Definition.
    @Test func `the definition's file opens with its passphrase`() throws {
        let key = try Keystore.decrypt(Array(pbkdf2File.utf8), passphrase: Secret("testpassword"))
        #expect(hex(key) == "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d")
        #expect(key.address.lowercaseHex == "0x008aeeda4d805471df9b2a5b0f38a0c3bcba786b")
    }

    /// A file of go-ethereum's test data, `accounts/keystore/testdata/keystore`.
    @Test func `a file that go-ethereum wrote opens with its passphrase`() throws {
        let key = try Keystore.decrypt(Array(gethFile.utf8), passphrase: Secret("foobar"))
        #expect(key.address.lowercaseHex == "0x7ef5a6135f1fd6a02593eedc869c6d41d934aef8")
    }

    /// The scrypt vector of the definition, made with costs that RFC 7914 §2 forbids.
    @Test func `costs that scrypt's standard forbids are told apart from a wrong passphrase`() {
        #expect(throws: Keystore.Failure.unsupported("n")) {
            try Keystore.decrypt(Array(scryptFile.utf8), passphrase: Secret("testpassword"))
        }
    }

    @Test func `a key that was stored is read back, by its passphrase only`() throws {
        let file = try Keystore.encrypt(signer, passphrase: Secret("grün"), cost: 4)
        #expect(hex(try Keystore.decrypt(file, passphrase: Secret("grün"))) == hex(signer))
        #expect(throws: Keystore.Failure.wrongPassphrase) { try Keystore.decrypt(file, passphrase: Secret("gruen")) }
        #expect(throws: Keystore.Failure.wrongPassphrase) { try Keystore.decrypt(file, passphrase: Secret("")) }
    }

    @Test func `a file has the form that wallets write`() throws {
        let file = try Keystore.encrypt(signer, passphrase: Secret("x"), cost: 4) { [UInt8](repeating: 0xAB, count: $0) }
        let text = String(decoding: file, as: UTF8.self)
        let start =
            #"{"address":"f39fd6e51aad88f6f4ce6ab8827279cfffb92266","crypto":{"cipher":"aes-128-ctr","#
            + #""cipherparams":{"iv":"abababababababababababababababab"},"ciphertext":""#
        #expect(text.hasPrefix(start))
        let kdf =
            #""kdf":"scrypt","kdfparams":{"dklen":32,"n":4,"p":1,"r":8,"#
            + #""salt":"abababababababababababababababababababababababababababababababab"},"mac":""#
        #expect(text.contains(kdf))
        #expect(text.hasSuffix(#""},"id":"abababab-abab-4bab-abab-abababababab","version":3}"#))
        #expect(!text.contains(hex(signer)))
    }

    @Test func `two files of one key share nothing`() throws {
        let first = try JSON(parsing: Keystore.encrypt(signer, passphrase: Secret("x"), cost: 4))
        let second = try JSON(parsing: Keystore.encrypt(signer, passphrase: Secret("x"), cost: 4))
        #expect(first["crypto"]?["ciphertext"] != second["crypto"]?["ciphertext"])
        #expect(first["crypto"]?["cipherparams"] != second["crypto"]?["cipherparams"])
        #expect(first["id"] != second["id"])
    }

    @Test(arguments: faults)
    func `a file with a fault is told apart from a wrong passphrase`(
        path: [String],
        value: JSON?,
        failure: Keystore.Failure
    ) throws {
        let sound = try JSON(parsing: Keystore.encrypt(signer, passphrase: Secret("x"), cost: 4))
        let faulty = replacing(path, in: sound, with: value)
        #expect(throws: failure) { try Keystore.decrypt(faulty.utf8, passphrase: Secret("x")) }
    }

    @Test(arguments: ["", "not json", "[]", #""text""#])
    func `what is no key store is refused`(text: String) {
        #expect(throws: Keystore.Failure.self) { try Keystore.decrypt(Array(text.utf8), passphrase: Secret("x")) }
    }

    @Test func `a file of absurd length is not even read`() {
        let file = Array(scryptFile.utf8) + [UInt8](repeating: 0x20, count: Keystore.bytesMax)
        #expect(throws: Keystore.Failure.malformed("JSON")) {
            try Keystore.decrypt(file, passphrase: Secret("testpassword"))
        }
    }
}

private func hex(_ key: PrivateKey) -> String {
    key.withExposed { span in Hex.encode(span.indices.map { span[$0] }) }
}

private func replacing(_ path: [String], in json: JSON, with value: JSON?) -> JSON {
    guard let name = path.first, var object = json.object else { return value ?? .null }
    let inner = object[name] ?? .null
    object[name] = path.count == 1 ? value : replacing(Array(path.dropFirst()), in: inner, with: value)
    return .object(object)
}

private let faults: [([String], JSON?, Keystore.Failure)] = [
    (["version"], 1, .unsupported("version")),
    (["version"], "3", .unsupported("version")),
    (["crypto"], nil, .malformed("crypto")),
    (["crypto", "cipher"], "aes-256-gcm", .unsupported("cipher")),
    (["crypto", "cipherparams"], nil, .malformed("iv")),
    (["crypto", "cipherparams", "iv"], "00", .malformed("iv")),
    (["crypto", "ciphertext"], "00", .malformed("ciphertext")),
    (["crypto", "ciphertext"], .string(String(repeating: "00", count: 32)), .wrongPassphrase),
    (["crypto", "mac"], "zz", .malformed("mac")),
    (["crypto", "mac"], .string(String(repeating: "00", count: 32)), .wrongPassphrase),
    (["crypto", "kdf"], "argon2", .unsupported("kdf")),
    (["crypto", "kdf"], "pbkdf2", .unsupported("prf")),
    (["crypto", "kdfparams"], nil, .malformed("salt")),
    (["crypto", "kdfparams", "salt"], 1, .malformed("salt")),
    (["crypto", "kdfparams", "dklen"], 16, .malformed("dklen")),
    (["crypto", "kdfparams", "dklen"], 100_000, .unsupported("dklen")),
    (["crypto", "kdfparams", "n"], 3, .unsupported("n")),
    (["crypto", "kdfparams", "n"], -4, .unsupported("n")),
    (["crypto", "kdfparams", "n"], 1_073_741_824, .unsupported("n")),
    (["crypto", "kdfparams", "r"], nil, .unsupported("r")),
    (["crypto", "kdfparams", "p"], 1000, .unsupported("p")),
    (["address"], "00000000000000000000000000000000000000aa", .malformed("address")),
    (["address"], "nonsense", .malformed("address")),
]

private let pbkdf2File = #"""
    {"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
    "ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
    "kdf":"pbkdf2","kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256",
    "salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
    "mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},
    "id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}
    """#

private let scryptFile = #"""
    {"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"83dbcc02d8ccb40e466191a123791e0e"},
    "ciphertext":"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
    "kdf":"scrypt","kdfparams":{"dklen":32,"n":262144,"r":1,"p":8,
    "salt":"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},
    "mac":"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"},
    "id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}
    """#

private let gethFile = #"""
    {"address":"7ef5a6135f1fd6a02593eedc869c6d41d934aef8","crypto":{"cipher":"aes-128-ctr",
    "ciphertext":"1d0839166e7a15b9c1333fc865d69858b22df26815ccf601b28219b6192974e1",
    "cipherparams":{"iv":"8df6caa7ff1b00c4e871f002cb7921ed"},
    "kdf":"scrypt","kdfparams":{"dklen":32,"n":8,"p":16,"r":8,
    "salt":"e5e6ef3f4ea695f496b643ebd3f75c0aa58ef4070e90c80c5d3fb0241bf1595c"},
    "mac":"6d16dfde774845e4585357f24bce530528bc69f4f84e1e22880d34fa45c273e5"},
    "id":"950077c7-71e3-4c44-a4a1-143919141ed4","version":3}
    """#
