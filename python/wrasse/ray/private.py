"""What of Ray is used that Ray does not promise to keep, and what instead.

| private | for | instead |
|---|---|---|
| `ObjectRef._on_completed` | a call when a task is done, with its metadata | `ObjectRef.future()` |
| `_generator_backpressure_num_objects` | a streaming task pauses when nobody reads | none: it runs ahead, and Ray spills |
| `state.get_max_resources_from_cluster_config` | what an autoscaler can get | the next |
| `__autoscaling_status` of the internal key-value store, `is_autoscaler_v2` | whether there is an autoscaler | none: the cluster counts as one that cannot grow |
| `_temp_dir` of `ray.init` | nothing is left in /tmp/ray | Ray's own folder |

Nothing else here is private; with `polls` not even the first is used. Tried with
Ray 2.60.0.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

# Objects that a streaming task may have put out unread: pairs of two.
UNREAD = 4


def on_completed(ref: Any, call: Callable[[Any], None]) -> None:
    """Has `call` called with the value of `ref`, or with the exception instead."""
    register = getattr(ref, "_on_completed", None)
    if register is not None:
        register(call)
        return

    def done(future: Any) -> None:
        error = future.exception()
        call(future.result() if error is None else error)

    ref.future().add_done_callback(done)


def streaming_options(options: Callable[..., Any], **rest: Any) -> Any:
    """`options` for a task that streams."""
    try:
        return options(
            num_returns="streaming", _generator_backpressure_num_objects=UNREAD, **rest
        )
    except (TypeError, ValueError):
        return options(num_returns="streaming", **rest)


def init(ray: Any, scratch: str, **options: Any) -> None:
    """`ray.init` of a local Ray that keeps its files in `scratch`."""
    try:
        ray.init(_temp_dir=scratch, **options)
    except RuntimeError as error:
        if "_temp_dir" not in str(error):
            raise
        ray.init(**options)


def growth(ray: Any) -> dict[str, Any]:
    """Whether a cluster can grow, and to what, as far as it says so."""
    with contextlib.suppress(Exception):
        from ray._private.state import state

        if most := state.get_max_resources_from_cluster_config():
            most = {name: float(amount) for name, amount in most.items()}
            return {"grows": True, "most": most}
    with contextlib.suppress(Exception):
        from ray.experimental.internal_kv import _internal_kv_get

        report = json.loads(_internal_kv_get("__autoscaling_status"))["autoscaler_report"]
        # Where nothing is scaled, each node has a type named after itself.
        types = [*report["active_nodes"], *(report["node_type_mapping"] or {}).values()]
        if any(not name.startswith("node_") for name in types):
            return {"grows": True, "most": {}}
    with contextlib.suppress(Exception):
        from ray.autoscaler.v2.utils import is_autoscaler_v2

        if is_autoscaler_v2():
            return {"grows": True, "most": {}}
    return {"grows": False, "most": {}}
