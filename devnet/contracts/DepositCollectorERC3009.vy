# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
# pragma version 0.4.3
# pragma evm-version shanghai
"""
@title Brings an ERC-3009 deposit into BatchSettlement (model; see BatchSettlement.vy)
@notice collectorData = abi.encode(uint256 validAfter, uint256 validBefore, uint256 salt, bytes signature);
        the authorization's nonce is keccak256(abi.encode(channelId, salt)), its payee this contract.
"""

interface IERC20:
    def transfer(to: address, amount: uint256) -> bool: nonpayable

BATCH: public(constant(address)) = 0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003


@external
def collect(payer: address, token: address, amount: uint256, channel_id: bytes32, data: Bytes[4096]):
    assert msg.sender == BATCH, "only the settlement contract"
    after: uint256 = 0
    before: uint256 = 0
    salt: uint256 = 0
    signature: Bytes[2048] = b""
    after, before, salt, signature = abi_decode(data, (uint256, uint256, uint256, Bytes[2048]))
    nonce: bytes32 = keccak256(abi_encode(channel_id, salt))
    if len(signature) == 65:
        raw_call(token, abi_encode(
            payer, self, amount, after, before, nonce,
            convert(slice(signature, 64, 1), uint256), extract32(signature, 0), extract32(signature, 32),
            method_id=method_id("receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)"),
        ))
    else:
        raw_call(token, abi_encode(
            payer, self, amount, after, before, nonce, signature,
            method_id=method_id("receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"),
        ))
    assert extcall IERC20(token).transfer(BATCH, amount, default_return_value=True), "transfer failed"
