// Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0

import TollCrypto
import TollEVM
import TollPrimitives

/// Hardhat's and Foundry's first account: the key of the mnemonic "test test … junk".
let signer = PrivateKey(bytes: Hex.decode("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")!)!
/// USDC on Base Sepolia.
let usdc = Address(hex: "0x036CbD53842c5426634e7929541eC2318f3dCF7e")!
/// The recipient in the examples of the x402 specification.
let payTo = Address(hex: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C")!
/// Uniswap's Permit2, at one address everywhere.
let permit2 = Address(hex: "0x000000000022D473030F116dDEE9F6B43aC78BA3")!

let usdcDomain = EIP712.Domain(name: "USDC", version: "2", chainID: 84532, verifyingContract: usdc)
let permit2Domain = EIP712.Domain(name: "Permit2", chainID: 84532, verifyingContract: permit2)

/// A word that must parse.
func word(_ hex: String) -> Bytes32 { Bytes32(hex: hex)! }
/// Bytes that must parse.
func bytes(_ hex: String) -> [UInt8] { Hex.decode(hex)! }
/// Thirty-two times the same byte.
func repeated(_ byte: UInt8) -> Bytes32 { Bytes32([UInt8](repeating: byte, count: 32))! }
