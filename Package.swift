// swift-tools-version: 6.2
// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// The tiers of docs/architecture.md, bottom up. A target sees only what it lists here; the scripts build with
/// `--explicit-target-dependency-import-check error`, so an import that is not listed does not compile.
let package = Package(
    name: "tollgate",
    products: [
        .executable(name: "tollgate", targets: ["tollgate"]),
        .executable(name: "toll", targets: ["toll"]),
        .library(name: "TollProtocol", targets: ["TollPrimitives", "TollProtocol"]),
        .library(name: "TollClient", targets: ["TollClient"]),
        .library(name: "TollGateway", targets: ["TollGateway"]),
        .library(name: "TollSeller", targets: ["TollSeller", "TollGateway", "TollHTTP", "TollPrimitives", "TollRuntime"]),
        .library(name: "TollFacilitator", targets: ["TollFacilitator"]),
        .library(name: "TollTestKit", targets: ["TollTestKit"]),
    ],
    targets: [
        // Executables: the only targets that name an engine, a store driver or a method.
        .executableTarget(
            name: "tollgate",
            dependencies: [
                "TollGateway", "TollFacilitator", "TollMethods", "TollStoreSQLite", "TollStorePostgres", "TollStoreRedis",
                "TollHTTPEngine", "TollEVM", "TollCrypto",
                "TollPayments", "TollHTTP", "TollRuntime", "TollProtocol", "TollPrimitives",
            ]
        ),
        .executableTarget(
            name: "toll",
            dependencies: [
                "TollClient", "TollMethods", "TollHTTPEngine", "TollEVM", "TollCrypto", "TollPayments", "TollHTTP", "TollRuntime",
                "TollProtocol", "TollPrimitives",
            ]
        ),

        // A whole seller in one value, for servers that are written in Swift; names engine, store and method like an executable.
        .target(
            name: "TollSeller",
            dependencies: [
                "TollGateway", "TollMethods", "TollStoreSQLite", "TollHTTPEngine", "TollEVM", "TollCrypto", "TollPayments",
                "TollHTTP", "TollRuntime", "TollPrimitives",
            ]
        ),
        .executableTarget(
            name: "ProtectAnAPI",
            dependencies: ["TollSeller", "TollHTTPEngine", "TollCrypto", "TollHTTP", "TollRuntime", "TollPrimitives"],
            path: "Examples/ProtectAnAPI"
        ),

        // Measures claims; no product. `make bench` builds it.
        .executableTarget(
            name: "LedgerBench",
            dependencies: ["TollStoreSQLite", "TollTestKit", "TollPayments"],
            path: "Benchmarks/LedgerBench"
        ),

        // Roles.
        .target(
            name: "TollGateway",
            dependencies: ["TollPayments", "TollHTTP", "TollRuntime", "TollProtocol", "TollPrimitives"]
        ),
        .target(
            name: "TollFacilitator",
            dependencies: ["TollPayments", "TollHTTP", "TollRuntime", "TollProtocol", "TollPrimitives"]
        ),
        .target(
            name: "TollClient",
            dependencies: ["TollPayments", "TollHTTP", "TollRuntime", "TollProtocol", "TollPrimitives"]
        ),

        // Adapters.
        .target(
            name: "TollMethods",
            dependencies: ["TollPayments", "TollHTTP", "TollRuntime", "TollEVM", "TollCrypto", "TollProtocol", "TollPrimitives"]
        ),
        .target(name: "TollStoreSQLite", dependencies: ["TollPayments", "TollRuntime", "TollPrimitives", "CSQLite"]),
        .target(name: "TollStorePostgres", dependencies: ["TollPayments", "TollRuntime", "TollPrimitives", "CPostgres"]),
        .target(name: "TollStoreRedis", dependencies: ["TollPayments", "TollRuntime", "TollPrimitives", "CHiredis"]),
        .target(name: "TollHTTPEngine", dependencies: ["TollHTTP", "TollPrimitives", "CTollLinux", "COpenSSLTLS", "CCurl"]),

        // Contracts.
        .target(name: "TollPayments", dependencies: ["TollHTTP", "TollProtocol", "TollPrimitives"]),
        .target(name: "TollHTTP", dependencies: ["TollPrimitives"]),
        .target(name: "TollRuntime", dependencies: ["TollPrimitives", "CYAML", "CTollSpawn"]),

        // Chains.
        .target(name: "TollEVM", dependencies: ["TollCrypto", "TollPrimitives"]),
        .target(name: "TollCrypto", dependencies: ["TollPrimitives", "CSecp256k1", "COpenSSLCrypto"]),

        // Vocabulary.
        .target(name: "TollProtocol", dependencies: ["TollPrimitives"]),
        .target(name: "TollPrimitives"),

        // Conformance suites and stand-ins that tests, ours and others', are built from.
        .target(
            name: "TollTestKit",
            dependencies: [
                "TollPayments", "TollHTTP", "TollHTTPEngine", "TollRuntime", "TollEVM", "TollCrypto", "TollProtocol",
                "TollPrimitives", "CTollFaultVFS",
            ]
        ),

        // C. Each has exactly one importing Swift target.
        .systemLibrary(name: "CSecp256k1", pkgConfig: "libsecp256k1", providers: [.apt(["libsecp256k1-dev"])]),
        .systemLibrary(name: "COpenSSLCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "COpenSSLTLS", pkgConfig: "libssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(name: "CTollLinux"),
        .target(name: "CTollSpawn"),
        .target(name: "CTollFaultVFS", dependencies: ["CSQLite"]),

        // Tests.
        .testTarget(name: "TollPrimitivesTests", dependencies: ["TollPrimitives", "TollTestKit"]),
        .testTarget(name: "TollProtocolTests", dependencies: ["TollProtocol", "TollPrimitives", "TollTestKit"]),
        .testTarget(name: "TollCryptoTests", dependencies: ["TollCrypto", "TollPrimitives", "TollTestKit"]),
        .testTarget(name: "TollEVMTests", dependencies: ["TollEVM", "TollCrypto", "TollPrimitives", "TollTestKit"]),
        .testTarget(
            name: "TollHTTPEngineTests",
            dependencies: ["TollHTTPEngine", "TollHTTP", "TollRuntime", "TollPrimitives", "TollTestKit"]
        ),
        .testTarget(
            name: "ProxyHazardTests",
            dependencies: [
                "TollGateway", "TollMethods", "TollPayments", "TollHTTPEngine", "TollHTTP", "TollRuntime", "TollProtocol",
                "TollPrimitives", "TollTestKit",
            ]
        ),
        .testTarget(
            name: "TollPaymentsTests",
            dependencies: ["TollPayments", "TollHTTP", "TollProtocol", "TollPrimitives", "TollTestKit"]
        ),
        .testTarget(
            name: "TollStoreSQLiteTests",
            dependencies: ["TollStoreSQLite", "TollPayments", "TollPrimitives", "TollTestKit"]
        ),
        .testTarget(
            name: "TollStorePostgresTests",
            dependencies: ["TollStorePostgres", "TollPayments", "TollRuntime", "TollPrimitives", "TollTestKit"]
        ),
        .testTarget(
            name: "TollStoreRedisTests",
            dependencies: ["TollStoreRedis", "TollPayments", "TollRuntime", "TollPrimitives", "TollTestKit"]
        ),
        .testTarget(
            name: "TollMethodsTests",
            dependencies: [
                "TollMethods", "TollPayments", "TollEVM", "TollCrypto", "TollHTTP", "TollRuntime", "TollProtocol",
                "TollPrimitives", "TollTestKit",
            ]
        ),
        .testTarget(name: "TollRuntimeTests", dependencies: ["TollRuntime", "TollPrimitives", "TollTestKit"]),
        .testTarget(
            name: "TollGatewayTests",
            dependencies: [
                "TollGateway", "TollMethods", "TollStorePostgres", "TollPayments", "TollHTTP", "TollHTTPEngine", "TollEVM",
                "TollCrypto",
                "TollRuntime",
                "TollProtocol", "TollPrimitives", "TollTestKit",
            ]
        ),
        .testTarget(
            name: "TollFacilitatorTests",
            dependencies: [
                "TollFacilitator", "TollMethods", "TollPayments", "TollHTTP", "TollEVM", "TollCrypto", "TollRuntime",
                "TollProtocol", "TollPrimitives", "TollTestKit",
            ]
        ),
        .testTarget(
            name: "TollClientTests",
            dependencies: [
                "TollClient", "TollMethods", "TollPayments", "TollHTTP", "TollEVM", "TollCrypto", "TollRuntime", "TollProtocol",
                "TollPrimitives", "TollTestKit",
            ]
        ),
        .testTarget(
            name: "TollgateTests",
            dependencies: [
                "tollgate", "TollGateway", "TollMethods", "TollHTTPEngine", "TollHTTP", "TollEVM", "TollCrypto", "TollRuntime",
                "TollPayments", "TollProtocol", "TollPrimitives", "TollTestKit",
            ]
        ),
        // An executable, so that ten thousand worlds run optimized.
        .executableTarget(
            name: "simulate",
            dependencies: [
                "TollGateway", "TollFacilitator", "TollClient", "TollMethods", "TollPayments", "TollHTTP", "TollEVM",
                "TollCrypto",
                "TollRuntime", "TollStoreSQLite", "TollProtocol", "TollPrimitives", "TollTestKit",
            ],
            path: "Tests/Simulate"
        ),
        .testTarget(name: "SimulationTests", dependencies: ["simulate"]),
        .testTarget(name: "RepositoryTests"),
    ]
)

// Warnings are errors in Scripts/ and CI (-warnings-as-errors), not for someone who builds with a newer compiler.
for target in package.targets where [.regular, .executable, .test].contains(target.type) && !target.name.hasPrefix("C") {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            .swiftLanguageMode(.v6),
            .strictMemorySafety(),
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        ]
}
