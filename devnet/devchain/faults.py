# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""Injected faults: what an unreliable RPC endpoint does, on demand."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .rpc import INVALID_PARAMS, RpcError

# Faults that hit one call; in a batch, that element of the reply alone.
CALL_FAULTS = ("error", "null", "delay", "swallow")
# Faults that hit the whole reply, whichever element of a batch they were meant for.
REPLY_FAULTS = ("http", "garbage", "hang", "close", "lost_reply")


@dataclass
class Fault:
    """The next `count` calls of `method` ("*" for any), after `skip` that pass, fail by `action`."""

    method: str
    action: str
    count: int = 1
    skip: int = 0
    seconds: float = 1
    code: int | None = None
    message: str = "injected fault"

    def hits_reply(self) -> bool:
        """Whether the whole reply is hit, not one call."""
        return self.action in REPLY_FAULTS


class FaultPlan:
    """The faults that are still to come, and the methods that plan them."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def add(self, fields: dict[str, Any]) -> None:
        """Plan a fault given as the parameter of dev_fault."""
        try:
            fault = Fault(**fields)
        except TypeError as e:
            raise RpcError(INVALID_PARAMS, f"invalid fault: {e}") from None
        if fault.action not in CALL_FAULTS + REPLY_FAULTS:
            raise RpcError(INVALID_PARAMS, f"unknown fault {fault.action}; known: {', '.join(CALL_FAULTS + REPLY_FAULTS)}")
        if fault.action == "swallow" and fault.method != "eth_sendRawTransaction":
            raise RpcError(INVALID_PARAMS, "only eth_sendRawTransaction can be swallowed")
        self.faults.append(fault)

    def clear(self) -> None:
        """Forget what is planned."""
        self.faults.clear()

    def take(self, method: str) -> Fault | None:
        """The fault that this call runs into; planning methods (dev_) never do."""
        if method.startswith("dev_"):
            return None
        for fault in self.faults:
            if fault.method not in (method, "*"):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                return None
            fault.count -= 1
            if fault.count <= 0:
                self.faults.remove(fault)
            return fault
        return None
