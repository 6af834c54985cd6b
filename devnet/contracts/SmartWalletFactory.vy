# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
# pragma version 0.4.3
# pragma evm-version shanghai
"""
@title CREATE2 factory for SmartWallet (ERC-6492 counterfactual payers)
"""

interface IWallet:
    def initialize(owner_: address): nonpayable

implementation: public(address)


@external
def setImplementation(implementation_: address):
    assert self.implementation == empty(address), "already set"
    self.implementation = implementation_


@internal
@view
def _salt(owner: address, salt: uint256) -> bytes32:
    return keccak256(abi_encode(owner, salt))


@external
@view
def getAddress(owner: address, salt: uint256) -> address:
    # the EIP-1167 creation code that create_minimal_proxy_to emits
    creation: Bytes[64] = concat(
        x"602d3d8160093d39f3363d3d373d3d3d363d73",
        slice(convert(self.implementation, bytes32), 12, 20),
        x"5af43d82803e903d91602b57fd5bf3",
    )
    word: bytes32 = keccak256(concat(
        x"ff", slice(convert(self, bytes32), 12, 20), self._salt(owner, salt), keccak256(creation)
    ))
    return convert(convert(word, uint256) & convert(max_value(uint160), uint256), address)


@external
def createAccount(owner: address, salt: uint256) -> address:
    wallet: address = create_minimal_proxy_to(self.implementation, salt=self._salt(owner, salt))
    extcall IWallet(wallet).initialize(owner)
    return wallet
