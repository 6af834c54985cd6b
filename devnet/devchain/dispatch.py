# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
"""From JSON-RPC requests to methods and back, with call counts; and the dev_ methods about faults and counts."""
from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from .control_methods import ControlMethods
from .eth_methods import EthMethods
from .faults import Fault, FaultPlan
from .node import Node
from .rpc import INVALID_PARAMS, SERVER_ERROR, RpcError

log = logging.getLogger("devchain")
Json = dict[str, Any]
PREFIXES = ("eth_", "net_", "web3_", "txpool_", "evm_", "anvil_", "dev_")


class Dispatcher:
    """Answers single calls; batches and faults of whole replies are the server's."""

    def __init__(self, node: Node):
        self.node, self.plan = node, FaultPlan()
        self._stats: dict[str, list] = defaultdict(lambda: [0, 0.0])
        self._methods: dict[str, Callable] = {}
        for owner in (EthMethods(node), ControlMethods(node), self):
            self._methods.update({name: getattr(owner, name) for name in dir(owner) if name.startswith(PREFIXES)})

    def dev_fault(self, fields: Json) -> bool:
        """Plan a fault."""
        self.plan.add(fields)
        return True

    def dev_clearFaults(self) -> bool:
        """Forget planned faults; swallowed transactions become minable."""
        self.plan.clear()
        self.node.swallowed.clear()
        return True

    def dev_stats(self, reset: bool = False) -> Json:
        """Calls and seconds per method since the start or the last reset."""
        counts = {name: {"calls": calls, "seconds": round(seconds, 6)}
                  for name, (calls, seconds) in self._stats.items() if not name.startswith("dev_")}
        if reset:
            self._stats.clear()
        return counts

    def take_fault(self, request: Any) -> Fault | None:
        """The fault that this call runs into."""
        return self.plan.take(str(request.get("method"))) if self.plan.faults and isinstance(request, dict) else None

    def answer(self, request: Any, fault: Fault | None = None) -> Json:
        """The reply to one call, with the fault's effect on it; delays are awaited by the server before."""
        identifier = request.get("id") if isinstance(request, dict) else None
        if fault and fault.action == "error":
            code = SERVER_ERROR if fault.code is None else fault.code
            return _failure(identifier, RpcError(code, fault.message))
        if fault and fault.action == "null":
            return {"jsonrpc": "2.0", "id": identifier, "result": None}
        try:
            return {"jsonrpc": "2.0", "id": identifier, "result": self._call(request, fault)}
        except RpcError as e:
            return _failure(identifier, e)

    def _call(self, request: Any, fault: Fault | None) -> Any:
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            raise RpcError(-32600, "invalid request")
        name, params = request["method"], request.get("params") or []
        method = self._methods.get(name)
        if method is None:
            raise RpcError(-32601, f"the method {name} does not exist/is not available")
        started = time.perf_counter()
        try:
            return method(*params, swallow=True) if fault and fault.action == "swallow" else method(*params)
        except (TypeError, ValueError, KeyError, AttributeError) as e:
            log.debug("bad parameters for %s", name, exc_info=True)
            raise RpcError(INVALID_PARAMS, f"invalid argument: {e}") from e
        finally:
            counter = self._stats[name]
            counter[0] += 1
            counter[1] += time.perf_counter() - started


def _failure(identifier: Any, error: RpcError) -> Json:
    return {"jsonrpc": "2.0", "id": identifier, "error": error.as_json()}
