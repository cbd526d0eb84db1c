"""What of Ray is used that Ray does not promise to keep, and what instead.

| private | for | instead |
|---|---|---|
| `ObjectRef._on_completed` | a call when a task is done, with its metadata | `ObjectRef.future()` |
| `max_task_retries` of one call of an actor, which Ray before 2.9 has not | a search for a sample that kills | those of the actor: the search takes longer |
| `state.actors`, `_actor_id` | whether an actor is there, when nodes are gone | none: an actor that finds no room is waited for |
| `_generator_backpressure_num_objects` | a streaming task pauses when nobody reads | none: it runs ahead, and Ray spills |
| `state.get_max_resources_from_cluster_config` | what an autoscaler can get | the next |
| `__autoscaling_status` of the internal key-value store, `is_autoscaler_v2` | whether there is an autoscaler | none: the cluster counts as one that cannot grow |
| `RayParams`, `Node.start_api_server` | fewer processes of a local Ray | they start |
| `serialization_addons.apply` | no process imports pyarrow and pydantic, of which no object is | it does |
| `_temp_dir` of `ray.init` | nothing is left in /tmp/ray | Ray's own folder |

Nothing else here is private; with `polls` not even the first is used, and the engine does not
read objects in the gateway's memory (`lending.py`), but has them sent. Tried with
Ray 2.60.0, 2.48.0, 2.35.0, 2.20.0, 2.10.0, 2.8.1 and 2.5.0, the oldest that works.
"""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Callable, Iterator
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


def call(method: Any, options: dict[str, Any], *args: Any) -> Any:
    """Calls an actor's method with those of the options that this Ray has."""
    with contextlib.suppress(Exception):
        known = inspect.signature(type(method)._remote).parameters
        options = {name: value for name, value in options.items() if name in known}
    return method.options(**options).remote(*args)


def streaming_call(method: Any, options: dict[str, Any], *args: Any) -> Any:
    """Calls a method that streams."""
    streams = {"num_returns": "streaming", "_generator_backpressure_num_objects": UNREAD}
    return call(method, {**streams, **options}, *args)


def name_of(handle: Any) -> str:
    """What Ray calls an actor."""
    with contextlib.suppress(Exception):
        return handle._actor_id.hex()
    return ""


def restarting() -> list[str]:
    """Actors that were there, and have no process now."""
    with contextlib.suppress(Exception):
        from ray._private.state import actors

        try:
            told = actors(actor_state_name="RESTARTING")
        except TypeError:
            told = actors()
        return [name for name, actor in told.items() if actor.get("State") == "RESTARTING"]
    return []


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
    with few_processes():
        try:
            ray.init(_temp_dir=scratch, **options)
        except RuntimeError as error:
            if "_temp_dir" not in str(error):
                raise
            ray.init(**options)


@contextlib.contextmanager
def few_processes() -> Iterator[None]:
    """A local Ray that starts meanwhile does without three processes that nobody asks for
    anything: for logs, for scaling, for the dashboard. Each imports Ray, which takes a second.
    """
    undo: list[tuple[Any, str, Any]] = []
    with contextlib.suppress(Exception):
        from ray._private import node, parameter

        class Params(parameter.RayParams):
            def __init__(self, *args: Any, **rest: Any) -> None:
                super().__init__(*args, **rest)
                self.no_monitor = True
                self.include_log_monitor = False

        def no_api_server(self: Any, *_args: Any, **_rest: Any) -> None:
            self._webui_url = None

        for owner, name, value in [
            (parameter, "RayParams", Params), (node.Node, "start_api_server", no_api_server)
        ]:
            undo.append((owner, name, getattr(owner, name)))
            setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in undo:
            setattr(owner, name, value)


def without_addons() -> None:
    """Has Ray not import pyarrow and pydantic, where they are installed, for objects that this
    process never has: it would with the first object, and each time that costs 0.2 s.
    """
    with contextlib.suppress(Exception):
        from ray.util import serialization_addons

        serialization_addons.apply = lambda _context: None


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
