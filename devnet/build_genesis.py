# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Compile contracts/ with Vyper and write genesis.json for the devchain.

    python build_genesis.py [-o genesis.json] [--check] [--real-usdc WHEEL_OR_DIR [--canonical]]

The genesis file is a list of steps that the chain runs in order before block 0 is sealed:

    {"op": "account", "address", "balance", "nonce", "code"}      set account fields
    {"op": "create",  "address", "initcode", "from"}              run init code *at* a given address
    {"op": "call",    "from", "to", "data"}                       a call whose effects are kept

plus "names" (address book) and "accounts" (test keys), which scripts read from the same file.

Every contract compiled here is this project's own source.  --real-usdc also deploys Circle's FiatTokenV2_1 as compiled in the
PyPI wheel `web3-ethereum-defi` (read at run time, never copied into the repository): an independent EIP-3009 token for
cross-checks.  With --canonical it also takes the place of our own token at Base Sepolia's USDC address.  FiatTokenV2_1 has no
overloads for signatures of other lengths, so smart wallets cannot pay with it.
"""
from __future__ import annotations

import argparse
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import vyper
from eth_abi import encode
from eth_account import Account
from eth_utils import keccak, to_checksum_address
from vyper.compiler.settings import OptimizationLevel, Settings

HERE = Path(__file__).resolve().parent
ETHER = 10**18
USDC_UNIT = 10**6

# Canonical addresses (public, the same on every chain through CREATE2).
PERMIT2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3"
X402_EXACT_PROXY = "0x402085c248EeA27D92E8b30b2C58ed07f9E20001"
X402_UPTO_PROXY = "0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002"
BATCH_SETTLEMENT = "0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003"
COLLECTOR_ERC3009 = "0x4020806089470a89826cB9fB1f4059150b550004"
COLLECTOR_PERMIT2 = "0x4020425FAf3B746C082C2f942b4E5159887B0005"
MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
USDC_BASE_SEPOLIA = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
USDC_BASE = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
# Addresses of this chain only.
TOKEN_IMPLEMENTATION = to_checksum_address("0x00000000000000000000000000000000C0DE0001")
WALLET_IMPLEMENTATION = to_checksum_address("0x00000000000000000000000000000000C0DE0002")
WALLET_FACTORY = to_checksum_address("0x00000000000000000000000000000000C0DE0003")
OTHER_TOKEN = to_checksum_address("0x00000000000000000000000000000000C0DE0004")
REAL_USDC = to_checksum_address("0x00000000000000000000000000000000C0DE00A1")
LOST_AND_FOUND = "0x00000000000000000000000000000000000000A2"

TOKENS = {      # address: name, symbol, version, decimals
    USDC_BASE_SEPOLIA: ("USDC", "USDC", "2", 6),
    USDC_BASE: ("USD Coin", "USDC", "2", 6),
    OTHER_TOKEN: ("Other Dollar", "OUSD", "1", 6),
}
CONTRACTS = {
    PERMIT2: "Permit2.vy", X402_EXACT_PROXY: "X402ExactPermit2Proxy.vy", X402_UPTO_PROXY: "X402UptoPermit2Proxy.vy",
    MULTICALL3: "Multicall3.vy", BATCH_SETTLEMENT: "BatchSettlement.vy", COLLECTOR_ERC3009: "DepositCollectorERC3009.vy",
    COLLECTOR_PERMIT2: "DepositCollectorPermit2.vy", WALLET_IMPLEMENTATION: "SmartWallet.vy",
    WALLET_FACTORY: "SmartWalletFactory.vy",
}
ACCOUNTS = ("deployer", "facilitator", "facilitator2", "payer", "payer2", "poor", "merchant", "merchant2", "wallet_owner",
            "authorizer")
WITHOUT_ETHER = ("merchant", "merchant2", "poor")
TOKEN_HOLDERS = ("payer", "payer2", "wallet_owner")

# Vyper has no overloading: the token's front swaps the selectors of overloads for those of the functions' own names.
OVERLOADS = {
    "permit(address,address,uint256,uint256,bytes)": "permitSig(address,address,uint256,uint256,bytes)",
    "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)":
        "transferWithAuthorizationSig(address,address,uint256,uint256,uint256,bytes32,bytes)",
    "receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)":
        "receiveWithAuthorizationSig(address,address,uint256,uint256,uint256,bytes32,bytes)",
    "cancelAuthorization(address,bytes32,bytes)": "cancelAuthorizationSig(address,bytes32,bytes)",
}


def account_key(name: str) -> bytes:
    """The private key of a test account; it holds value nowhere."""
    return keccak(text=f"x402 test key {name}")


def compile_runtime(file: str) -> bytes:
    """The runtime bytecode of a contract."""
    settings = Settings(optimize=OptimizationLevel.GAS, evm_version="shanghai")
    source = (HERE / "contracts" / file).read_text()
    out = vyper.compile_code(source, output_formats=["bytecode_runtime"], settings=settings)
    return bytes.fromhex(out["bytecode_runtime"].removeprefix("0x"))


def selector(signature: str) -> bytes:
    """The first four bytes of a function's calldata."""
    return keccak(text=signature)[:4]


def calldata(signature: str, *args: Any) -> str:
    """A call as hex; for parameters without tuples."""
    types = signature[signature.index("(") + 1:-1]
    return "0x" + (selector(signature) + encode(types.split(",") if types else [], list(args))).hex()


def selector_proxy(implementation: str, renames: dict[str, str]) -> bytes:
    """A delegating proxy that swaps some function selectors on the way.

    Straight-line EVM code: copy calldata to memory; for each pair, if the first word's top four bytes equal the old selector,
    overwrite them with the new one; then DELEGATECALL.
    """
    code = bytearray(bytes.fromhex("365f5f37"))             # calldatacopy(0, 0, calldatasize)
    code += bytes.fromhex("5f3560e01c")                     # sel := shr(224, calldataload(0))
    for old, new in renames.items():
        body = b"".join(b"\x60" + bytes([b]) + b"\x60" + bytes([i]) + b"\x53" for i, b in enumerate(selector(new)))
        # dup1 push4 old eq iszero push2 <after> jumpi <body: four mstore8> jumpdest
        after = len(code) + 1 + 5 + 1 + 1 + 3 + 1 + len(body)
        code += b"\x80\x63" + selector(old) + b"\x14\x15\x61" + after.to_bytes(2, "big") + b"\x57" + body + b"\x5b"
    code += b"\x50"                                         # pop sel
    code += bytes.fromhex("5f5f365f73") + bytes.fromhex(implementation[2:])
    code += bytes.fromhex("5af4")                           # delegatecall(gas, implementation, 0, calldatasize, 0, 0)
    code += bytes.fromhex("3d5f5f3e")                       # returndatacopy(0, 0, returndatasize)
    success = len(code) + 3 + 1 + 3
    code += b"\x61" + success.to_bytes(2, "big") + b"\x57"  # jumpi(ok, success)
    code += bytes.fromhex("3d5ffd") + b"\x5b" + bytes.fromhex("3d5ff3")
    return bytes(code)


def wallet_address(owner: str, salt: int) -> str:
    """Where the factory's CREATE2 puts an owner's wallet (an EIP-1167 clone)."""
    init = (bytes.fromhex("602d3d8160093d39f3363d3d373d3d3d363d73") + bytes.fromhex(WALLET_IMPLEMENTATION[2:])
            + bytes.fromhex("5af43d82803e903d91602b57fd5bf3"))
    mixed = keccak(encode(["address", "uint256"], [owner, salt]))
    return to_checksum_address(keccak(b"\xff" + bytes.fromhex(WALLET_FACTORY[2:]) + mixed + keccak(init))[12:])


class Genesis:
    """Collects the steps."""

    def __init__(self) -> None:
        self.steps: list[dict] = []
        self.accounts = {n: {"key": "0x" + account_key(n).hex(), "address": Account.from_key(account_key(n)).address}
                         for n in ACCOUNTS}
        self.address = {n: a["address"] for n, a in self.accounts.items()}

    def account(self, address: str, balance: int = 0, code: bytes = b"", nonce: int = 0) -> None:
        """Set an account's fields."""
        self.steps.append({"op": "account", "address": address, "balance": hex(balance), "nonce": nonce,
                           "code": "0x" + code.hex()})

    def call(self, to: str, signature: str, *args: Any) -> None:
        """A call by the deployer."""
        self.steps.append({"op": "call", "from": self.address["deployer"], "to": to, "data": calldata(signature, *args)})

    def mint(self, token: str, holders: dict[str, int]) -> None:
        """Give out tokens."""
        for holder, amount in holders.items():
            self.call(token, "mint(address,uint256)", holder, amount)

    def opening_balances(self) -> dict[str, int]:
        """What plain accounts hold of each token."""
        return {**{self.address[n]: 1_000_000 * USDC_UNIT for n in TOKEN_HOLDERS}, self.address["poor"]: 5}

    def add_tokens(self, tokens: dict[str, tuple[str, str, str, int]]) -> None:
        """Our token at every given address."""
        self.account(TOKEN_IMPLEMENTATION, code=compile_runtime("UsdcToken.vy"), nonce=1)
        front = selector_proxy(TOKEN_IMPLEMENTATION, OVERLOADS)
        for token, parameters in tokens.items():
            self.account(token, code=front, nonce=1)
            self.call(token, "initialize(string,string,string,uint8,address)", *parameters, self.address["deployer"])
            self.mint(token, self.opening_balances())

    def add_wallets(self, tokens: dict[str, Any]) -> dict[str, str]:
        """One deployed smart wallet and one that is only an address so far, both holding tokens; answers their names."""
        owner = self.address["wallet_owner"]
        deployed, counterfactual = wallet_address(owner, 0), wallet_address(owner, 1)
        self.call(WALLET_FACTORY, "setImplementation(address)", WALLET_IMPLEMENTATION)
        self.call(WALLET_FACTORY, "createAccount(address,uint256)", owner, 0)
        for token in tokens:
            self.mint(token, {deployed: 1_000 * USDC_UNIT, counterfactual: 1_000 * USDC_UNIT})
        return {"wallet_factory": WALLET_FACTORY, "smart_wallet": deployed, "counterfactual_wallet": counterfactual}

    def add_real_usdc(self, source: Path, addresses: list[str]) -> None:
        """Circle's token at every given address."""
        init = bytes.fromhex(find_artifact(source, "FiatTokenV2_1")["bytecode"].removeprefix("0x"))
        d = self.address["deployer"]
        for token in addresses:
            self.steps.append({"op": "create", "address": token, "from": d, "initcode": "0x" + init.hex()})
            self.call(token, "initialize(string,string,string,uint8,address,address,address,address)",
                      "USDC", "USDC", "USD", 6, d, d, d, d)
            self.call(token, "initializeV2(string)", "USDC")
            self.call(token, "initializeV2_1(address)", LOST_AND_FOUND)
            self.call(token, "configureMinter(address,uint256)", d, 10**18)
            self.mint(token, self.opening_balances())


def find_artifact(source: Path, name: str) -> dict:
    """Read one contract artifact out of the web3-ethereum-defi wheel, or the folder that it is installed in."""
    inner = f"eth_defi/abi/centre/{name}.json"
    if source.is_dir():
        return json.loads((source / inner).read_text())
    with zipfile.ZipFile(source) as wheel:
        return json.loads(wheel.read(inner))


def build(real_usdc: Path | None = None, canonical: bool = False) -> dict:
    """The whole genesis file."""
    g = Genesis()
    for name in ACCOUNTS:
        g.account(g.address[name], balance=0 if name in WITHOUT_ETHER else 10_000 * ETHER)
    tokens = {address: t for address, t in TOKENS.items() if not (canonical and address == USDC_BASE_SEPOLIA)}
    g.add_tokens(tokens)
    for address, file in CONTRACTS.items():
        g.account(address, code=compile_runtime(file), nonce=1)
    names = {
        "usdc": USDC_BASE_SEPOLIA, "usdc_base": USDC_BASE, "other_token": OTHER_TOKEN, "permit2": PERMIT2,
        "x402_exact_proxy": X402_EXACT_PROXY, "x402_upto_proxy": X402_UPTO_PROXY, "multicall3": MULTICALL3,
        "batch_settlement": BATCH_SETTLEMENT, "collector_erc3009": COLLECTOR_ERC3009, "collector_permit2": COLLECTOR_PERMIT2,
        **g.add_wallets(tokens),
    }
    if real_usdc:
        g.add_real_usdc(real_usdc, [REAL_USDC] + ([USDC_BASE_SEPOLIA] if canonical else []))
        names["real_usdc"] = REAL_USDC
    return {"names": names, "accounts": g.accounts, "steps": g.steps}


def main() -> None:
    """Entry point."""
    p = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    p.add_argument("-o", "--output", type=Path, default=HERE / "genesis.json")
    p.add_argument("--check", action="store_true", help="write nothing; fail if the file is not what would be written")
    p.add_argument("--real-usdc", type=Path, help="web3-ethereum-defi wheel, or the site-packages folder it is installed in")
    p.add_argument("--canonical", action="store_true", help="put the real token at Base Sepolia's USDC address, too")
    a = p.parse_args()
    if a.canonical and not a.real_usdc:
        p.error("--canonical needs --real-usdc")
    text = json.dumps(build(a.real_usdc, a.canonical), indent=1) + "\n"
    if a.check:
        sys.exit(0 if a.output.read_text() == text else f"{a.output} is not what build_genesis.py writes; run it and commit")
    a.output.write_text(text)


if __name__ == "__main__":
    main()
