// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

internal import TollCrypto
public import TollPayments
public import TollPrimitives

extension PassKeys {
    /// What the ledger calls the key that is made when none is configured.
    private static let secretName = "passes"
    /// As many bytes as the code has; HMAC gains nothing from more.
    public static let keyByteCount = 32

    /// Keys of ``keyByteCount`` bytes; the first signs. Nil without any.
    public init?(_ keys: [Secret<[UInt8]>]) {
        let authenticate = keys.map { key -> Authenticate in
            { message in key.withExposed { HMACSHA256.authenticate(message, key: copy $0) } }
        }
        guard let first = authenticate.first else { return nil }
        self.init(first, Array(authenticate.dropFirst()))
    }

    /// The key of a ledger, which whoever comes first makes: the same for all who serve from it, and after every restart.
    public init(of ledger: any SecretStore) async throws(StoreError) {
        let key = try await ledger.secret(Self.secretName, orElse: Secret(SecureRandom.bytes(Self.keyByteCount)))
        guard key.withExposed({ $0.count }) == Self.keyByteCount, let keys = PassKeys([key]) else {
            throw .unavailable("the ledger's key for passes has not \(Self.keyByteCount) bytes")
        }
        self = keys
    }
}
