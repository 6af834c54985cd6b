# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Signed raw transactions of type 0, 1, 2 and 4: decoding, sender recovery, gas that is owed before execution."""
from __future__ import annotations

from dataclasses import dataclass, field

import rlp
from eth_keys import keys
from eth_utils import keccak

from .rpc import INVALID_PARAMS, SERVER_ERROR, RpcError, big_endian

SECP256K1_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


@dataclass
class Tx:
    """One decoded transaction; `to` is empty for a contract creation."""

    raw: bytes
    hash: bytes
    type: int
    sender: bytes
    nonce: int
    gas: int
    max_fee: int
    priority_fee: int
    to: bytes
    value: int
    data: bytes
    chain_id: int | None
    access_list: list = field(default_factory=list)
    authorization_list: list = field(default_factory=list)
    signature: tuple[int, int, int] = (0, 0, 0)     # (v or y parity, r, s)

    def effective_price(self, base_fee: int) -> int:
        """Wei per gas that is paid in a block of this base fee."""
        return min(self.max_fee, base_fee + self.priority_fee)

    def intrinsic_gas(self) -> tuple[int, int]:
        """(intrinsic gas, EIP-7623 floor)"""
        zeros = self.data.count(0)
        tokens = zeros + 4 * (len(self.data) - zeros)
        gas = 21000 + 4 * tokens
        if not self.to:
            gas += 32000 + 2 * ((len(self.data) + 31) // 32)
        gas += sum(2400 + 1900 * len(slots) for _, slots in self.access_list)
        gas += 25000 * len(self.authorization_list)
        return gas, 21000 + 10 * tokens


def decode_tx(raw: bytes, chain_id: int) -> Tx:
    """Decode a signed transaction for this chain and recover its sender."""
    try:
        if not raw:
            raise ValueError("empty transaction")
        tx, parity, unsigned = _decode_legacy(raw) if raw[0] >= 0xC0 else _decode_typed(raw)
    except RpcError:
        raise
    except Exception as e:
        raise RpcError(INVALID_PARAMS, f"invalid transaction: {e}") from e
    if tx.chain_id is not None and tx.chain_id != chain_id:
        raise RpcError(SERVER_ERROR, f"invalid chain id for signer: have {tx.chain_id} want {chain_id}")
    _, r, s = tx.signature
    if len(tx.to) not in (0, 20) or s > SECP256K1_HALF_ORDER or parity not in (0, 1):
        raise RpcError(SERVER_ERROR, "invalid sender")
    try:
        public = keys.Signature(vrs=(parity, r, s)).recover_public_key_from_msg_hash(keccak(unsigned))
    except Exception as e:
        raise RpcError(SERVER_ERROR, "invalid sender") from e
    tx.sender = public.to_canonical_address()
    return tx


def _decode_legacy(raw: bytes) -> tuple[Tx, int, bytes]:
    """(transaction, y parity, bytes that were signed) of type 0, with or without EIP-155."""
    nonce, price, gas, to, value, data, v, r, s = rlp.decode(raw, strict=True)
    fields = [nonce, price, gas, to, value, data]
    v_ = big_endian(v)
    if v_ in (27, 28):
        chain_id, parity = None, v_ - 27
    else:
        chain_id, parity = divmod(v_ - 35, 2)
        fields += [rlp.sedes.big_endian_int.serialize(chain_id), b"", b""]
    tx = Tx(raw, keccak(raw), 0, b"", big_endian(nonce), big_endian(gas), big_endian(price), big_endian(price), to,
            big_endian(value), data, chain_id, signature=(v_, big_endian(r), big_endian(s)))
    return tx, parity, rlp.encode(fields)


def _decode_typed(raw: bytes) -> tuple[Tx, int, bytes]:
    """(transaction, y parity, bytes that were signed) of an EIP-2718 envelope."""
    kind, body = raw[0], rlp.decode(raw[1:], strict=True)
    authorizations: list = []
    if kind == 1:
        chain, nonce, price, gas, to, value, data, access, y, r, s = body
        tip = price
    elif kind == 2:
        chain, nonce, tip, price, gas, to, value, data, access, y, r, s = body
    elif kind == 4:
        chain, nonce, tip, price, gas, to, value, data, access, authorizations, y, r, s = body
    else:
        raise RpcError(SERVER_ERROR, "transaction type not supported")
    parity = big_endian(y)
    tx = Tx(raw, keccak(raw), kind, b"", big_endian(nonce), big_endian(gas), big_endian(price), big_endian(tip), to,
            big_endian(value), data, big_endian(chain), access_list=access, authorization_list=authorizations,
            signature=(parity, big_endian(r), big_endian(s)))
    return tx, parity, bytes([kind]) + rlp.encode(body[:-3])
