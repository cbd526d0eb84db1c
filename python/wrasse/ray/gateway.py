"""The gateway: Ray's handles, spoken to by the engine over a socket.

The engine starts `python -m wrasse.ray.gateway` with a socket as standard input.
Frames and messages are described in `crates/wrasse-ray/src/protocol.rs`. This
process decides nothing: it submits, tells what came of it, and ends when the
socket closes, with the local Ray if it has started one.

| thread | does |
|---|---|
| main | reads frames, submits tasks; never waits for Ray or for the engine |
| say | writes frames, each with all there is to say |
| fetch | gets objects for the engine, in the order it asked |
| streams | an event loop that awaits the outputs of streaming tasks |
| watch | looks once a second which nodes there are |
| poll | asks for completions, if the engine does not want callbacks |
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import queue
import re
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wrasse.ray.failures import classify, first_line
from wrasse.ray.pipe import Closed, Pipe

# Raised with every change of the messages. Also in `protocol.rs`.
PROTOCOL = 8

# A local Ray that does not start on a busy machine is tried again.
STARTS = 3

# The oldest Ray with tasks that stream, found by trying.
OLDEST = (2, 5)

# Seconds in which the head of a cluster answers.
ANSWERS_WITHIN = 10.0

# Seconds between two looks at the nodes.
WATCH = 1.0


class Refused(Exception):
    """The engine asks for something that cannot be had."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Gateway:
    """Tasks and objects by the numbers that the engine knows them by."""

    def __init__(self, pipe: Pipe, ray: Any, polls: bool, version: str) -> None:
        from wrasse.ray import lending, private, shards

        self.pipe = pipe
        self.growth = private.growth(ray)
        self.ray = ray
        self.polls = polls
        self.run: Any = None
        self.stream: Any = None
        self.write: Any = None
        # What the engine wants the cluster to have, and what that was told.
        self.wanted: list[dict] = []
        self.asked: list[dict] = []
        self.objects: dict[int, Any] = {}
        # Pieces that came with an object, and stay as long as that.
        self.pieces: dict[int, tuple[Any, ...]] = {}
        self.n_objects = 0
        # Running tasks: of one with one output, metadata, object and pieces; of one that
        # streams, the stream and how it is told to go on.
        self.tasks: dict[int, tuple[Any, ...]] = {}
        self.actors: Any = None
        self.writers: Any = None
        self.shards = shards.Shards(
            shards.maker(ray, version), pipe, self._when_done,
            lambda error: classify(ray.exceptions, error),
        )
        # Who is called when a reference has a value, where completions are asked for.
        self.pending: dict[Any, Callable[[Any], None]] = {}
        self.lock = threading.Lock()
        self.options: dict[tuple, Any] = {}
        # Objects that are wanted, and whether to send them; those that are read where they lie.
        self.fetches: queue.SimpleQueue[tuple[int, bool]] = queue.SimpleQueue()
        self.lent = lending.Lent()
        self.loop = asyncio.new_event_loop()
        self.wake = threading.Event()
        for name, target in [
            ("fetch", self._fetch_all),
            ("streams", self.loop.run_forever),
            ("watch", self._watch),
            *([("poll", self._poll)] if polls else []),
        ]:
            threading.Thread(target=target, name=name, daemon=True).start()

    def obey(self, messages: list[dict], payload: memoryview) -> None:
        """Does what the engine says."""
        from wrasse.ray import worker

        at = 0

        def take(n: int) -> memoryview:
            nonlocal at
            at += n
            return payload[at - n : at]

        for message in messages:
            match message["op"]:
                case "submit":
                    self.submit(message, bytes(take(message["spec"])))
                case "write":
                    self.submit_write(message, bytes(take(message["spec"])))
                case "free":
                    for number in message["objects"]:
                        self.objects.pop(number, None)
                        self.pieces.pop(number, None)
                case "put":
                    data = take(message["bytes"])
                    self.objects[message["object"]] = self.ray.put(worker.Packed(data))
                case "fetch":
                    self.fetches.put((message["object"], message["lend"]))
                case "taken":
                    self.lent.taken(message["object"])
                case "pull":
                    self._pull(message["task"])
                case "shard":
                    self.shards.begin(message["shard"], message["memory"])
                case "ask":
                    question = bytes(take(message["bytes"]))
                    self.shards.ask(message["shard"], message["life"], question)
                case "hire":
                    self._hire(message)
                case "dismiss":
                    self.actors.let_go(message["actor"])
                case "cancel":
                    self._cancel(message["task"])
                case "setup":
                    setup = self.ray.put(bytes(take(message["bytes"])))
                    # Rows may name files by paths from here.
                    self._bind([setup, os.getcwd()])
                case "request":
                    self.wanted = [
                        wanted["bundle"] for wanted in message["bundles"] for _ in range(wanted["n"])
                    ]
                case other:
                    raise Refused(f"the gateway does not know `{other}`")

    def _bind(self, setup: list[Any]) -> None:
        """Makes the tasks of this run: with what all of them need in the function, which Ray
        keeps once, none of them brings a reference that has to be counted."""
        from wrasse.ray import actors, worker, writers

        def run(spec: bytes, *sources: Any) -> Any:
            return worker.run(setup, spec, *sources)

        def stream(spec: bytes, *sources: Any) -> Any:
            yield from worker.stream(setup, spec, *sources)

        def write(spec: bytes, *sources: Any) -> Any:
            return worker.write(setup, spec, *sources)

        self.run, self.stream = self.ray.remote(run), self.ray.remote(stream)
        self.write = self.ray.remote(write)
        made = actors.maker(self.ray, setup)
        self.actors = actors.Actors(self.ray, made, self.growth["grows"])
        self.writers = writers.Writers(writers.maker(self.ray, setup))

    def submit(self, message: dict, spec: bytes) -> None:
        """Submits a task."""
        number = message["task"]
        sources = self._sources(message)
        if message["actor"] is not None:
            outputs = self.actors.submit(message, spec, *sources)
            if outputs is None:
                return
        else:
            outputs = self._function(message).remote(spec, *sources)
        if message["streams"]:
            pulls: asyncio.Queue = asyncio.Queue()
            self.tasks[number] = (outputs, pulls)
            following = self._follow(number, outputs, pulls, message["pieces"])
            asyncio.run_coroutine_threadsafe(following, self.loop)
            return
        self._expect(number, *outputs)

    def _sources(self, message: dict) -> list[Any]:
        """What a task works on: objects, or a piece of each."""
        numbers, piece = message["objects"], message["piece"]
        if piece is not None:
            return [self.pieces[number][piece] for number in numbers]
        return [self.objects.get(number) for number in numbers]

    def _hire(self, message: dict) -> None:
        """Begins an actor."""
        number, name = message["actor"], message["name"]

        def came(result: Any) -> None:
            if isinstance(result, BaseException):
                _, text = classify(self.ray.exceptions, result)
                if number in self.actors.handles:
                    message = f"an actor for `{name}` cannot begin: {text}"
                    self.pipe.say({"ev": "fatal", "message": message, "hint": None})
            else:
                self.pipe.say({"ev": "up", "actor": number})

        self._when_done(self.actors.hire(number, message["stage"], needs(message)), came)

    def _when_done(self, ref: Any, call: Callable[[Any], None]) -> None:
        """Has `call` called with the value of `ref`, or with the exception instead."""
        if self.polls:
            with self.lock:
                self.pending[ref] = call
            self.wake.set()
        else:
            from wrasse.ray import private

            private.on_completed(ref, call)

    def submit_write(self, message: dict, spec: bytes) -> None:
        """Submits a task that writes rows of objects, or weighs pieces of them."""
        number, name, sources = message["task"], message["name"][:100], self._sources(message)
        if message["cpus"] == 0:
            self._expect(number, *self.writers.submit(number, name, spec, *sources))
            return
        function = self.write.options(
            num_returns=2, num_cpus=message["cpus"], max_retries=message["retries"], name=name
        )
        self._expect(number, *function.remote(spec, *sources))

    def _expect(self, number: int, meta: Any, *output: Any) -> None:
        """Has it told when a task with one output, an object and its pieces, is done."""
        with self.lock:
            self.tasks[number] = (meta, *output)
        self._when_done(meta, lambda result: self._completed(number, result))

    def _function(self, message: dict) -> Any:
        amounts = [message[key] for key in ("cpus", "gpus", "memory")]
        streams, retries, name = message["streams"], message["retries"], message["name"]
        pieces = message["pieces"]
        key = (streams, retries, name, pieces, *amounts, *message["resources"].items())
        if key not in self.options:
            options = {**needs(message), "max_retries": retries, "name": name[:100]}
            if streams:
                from wrasse.ray import private

                self.options[key] = private.streaming_options(self.stream.options, **options)
            else:
                self.options[key] = self.run.options(num_returns=2 + pieces, **options)
        return self.options[key]

    def _keep(self, ref: Any, *pieces: Any) -> int:
        with self.lock:
            self.n_objects += 1
            self.objects[self.n_objects] = ref
            if pieces:
                self.pieces[self.n_objects] = pieces
            return self.n_objects

    def _completed(self, number: int, result: Any) -> None:
        """A task with one output is done; called by a thread of Ray's."""
        with self.lock:
            refs = self.tasks.pop(number, None)
        if refs is None:
            return
        self.writers.done(number)
        if isinstance(result, BaseException):
            self._failed(number, result)
        else:
            self.actors.done(number)
            message = {"ev": "done", "task": number, "object": self._keep(*refs[1:])}
            self.pipe.say({**message, "meta": len(result)}, result)

    def _failed(self, number: int, error: BaseException) -> None:
        actor = self.actors.done(number)
        kind, text = classify(self.ray.exceptions, error)
        if kind == "actor_lost":
            if actor is not None:
                self.actors.let_go(actor)
                self.pipe.say({"ev": "down", "actor": actor, "message": text})
                return
            # It was no task of an actor: what it works on is of one.
            kind = "object_lost"
        self.pipe.say({"ev": "failed", "task": number, "kind": kind, "message": text})

    async def _follow(
        self, number: int, outputs: Any, pulls: asyncio.Queue, pieces: int
    ) -> None:
        """Takes the outputs of a streaming task, one when the engine wants it."""
        try:
            async for ref in outputs:
                meta = await ref
                kept = self._keep(*[await anext(outputs) for _ in range(1 + pieces)])
                message = {"ev": "item", "task": number, "object": kept, "meta": len(meta)}
                self.pipe.say(message, meta)
                await pulls.get()
            self.actors.done(number)
            self.pipe.say({"ev": "end", "task": number})
        except Exception as error:
            self._failed(number, error)
        finally:
            self.tasks.pop(number, None)

    def _pull(self, number: int) -> None:
        if number in self.tasks:
            pulls = self.tasks[number][1]
            self.loop.call_soon_threadsafe(pulls.put_nowait, None)

    def _cancel(self, number: int) -> None:
        task = self.tasks.get(number)
        if task is not None:
            self.ray.cancel(task[0], force=False)

    def _fetch_all(self) -> None:
        while True:
            number, lend = self.fetches.get()
            ref = self.objects.get(number)
            try:
                data = memoryview(self.ray.get(ref).data).cast("B")
            except Exception as error:
                text = first_line(error)
                message = f"an object cannot be fetched: {text}"
                self.pipe.say({"ev": "lost", "object": number, "message": message})
                continue
            found = {"object": number, "bytes": len(data)}
            if lend:
                self.pipe.say({"ev": "lent", "at": self.lent.lend(number, data), **found})
            else:
                self.pipe.say({"ev": "data", **found}, data)
            del ref, data

    def _poll(self) -> None:
        """Asks for completions: the way without private calls."""
        while True:
            with self.lock:
                pending = list(self.pending)
            if not pending:
                self.wake.wait(0.1)
                self.wake.clear()
                continue
            ready, _ = self.ray.wait(pending, num_returns=1, timeout=0.02)
            ready, _ = self.ray.wait(pending, num_returns=len(pending), timeout=0)
            for ref in ready:
                try:
                    result = self.ray.get(ref)
                except Exception as error:
                    result = error
                with self.lock:
                    call = self.pending.pop(ref)
                call(result)

    def _watch(self) -> None:
        before = cluster(self.ray)
        while True:
            if self.writers is not None:
                self.writers.n_nodes = before["workers"]
            time.sleep(WATCH)
            try:
                now = cluster(self.ray)
            except Exception as error:
                message = f"the cluster does not answer any more: {first_line(error)}"
                hint = "--resume goes on from the last commit"
                self.pipe.say({"ev": "fatal", "message": message, "hint": hint})
                return
            if now != before:
                if self.actors is not None and now["nodes"] < before["nodes"]:
                    self.actors.are_looked_at = True
                before = now
                self.pipe.say({"ev": "cluster", **now, **self.growth})
            self._give_up()
            self.shards.look()
            self.ask(self.wanted)

    def _give_up(self) -> None:
        """Gives up actors for which there is no room any more."""
        for actor, task, stop in self.actors.given_up() if self.actors is not None else []:
            with self.lock:
                self.tasks.pop(task, None)
            message = "nodes are gone, and there is no room for it"
            self.pipe.say({"ev": "down", "actor": actor, "message": message})
            stop()

    def ask(self, wanted: list[dict]) -> None:
        """Has an autoscaler, if there is one, see to it that there is room for this."""
        if wanted == self.asked:
            return
        from ray.autoscaler.sdk import request_resources

        try:
            request_resources(bundles=wanted)
            self.asked = wanted
        except Exception as error:
            print(f"the autoscaler cannot be asked: {first_line(error)}", file=sys.stderr)


def needs(message: dict) -> dict:
    """What a task or an actor takes, as options of Ray's."""
    return {
        "num_cpus": message["cpus"], "num_gpus": message["gpus"],
        "memory": message["memory"] or None, "resources": message["resources"] or None,
    }


def cluster(ray: Any) -> dict:
    """What the nodes that are up have."""
    from wrasse.ray import shards

    nodes = [node for node in ray.nodes() if node["Alive"]]
    resources: dict[str, float] = {}
    shapes: list[dict[str, float]] = []
    for node in nodes:
        shape = {name: n for name, n in node["Resources"].items() if not name.startswith("node:")}
        for name, amount in shape.items():
            resources[name] = resources.get(name, 0.0) + amount
        if shape not in shapes:
            shapes.append(shape)
    machines = {node["NodeManagerAddress"] for node in nodes}
    return {
        "resources": resources, "nodes": len(nodes), "machines": len(machines), "shapes": shapes,
        "workers": sum(map(shards.works, nodes)),
    }


def look_for(address: str) -> None:
    """Refuses an address at which nobody answers: Ray would wait for minutes."""
    host, _, port = address.rpartition(":")
    if not port.isdigit() or "://" in host:
        return
    try:
        socket.create_connection((host, int(port)), timeout=ANSWERS_WITHIN).close()
    except OSError as error:
        message = f"cannot join the cluster at {address}: {error}"
        raise Refused(message, "`ray status` shows the address of a cluster's head") from error


def refuse_old(version: str) -> None:
    """Refuses a Ray that lacks what is needed."""
    found = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if found < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise Refused(
            f"expected Ray {oldest} at least, found {version} ({sys.executable})",
            f"pip install 'ray[default]>={oldest}' there, or name another Python with --ray-python",
        )


def connect(hello: dict) -> Any:
    """Joins a cluster, or starts a local one on the loopback interface."""
    if hello["address"] is None:
        # Without it Ray listens on all interfaces. Read when Ray is imported.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        hint = "pip install 'wrasse[ray]', or name the Python that has it with --ray-python"
        raise Refused(f"{sys.executable} has no Ray: {error}", hint) from error
    refuse_old(ray.__version__)
    from wrasse.ray import private

    options: dict[str, Any] = {
        "log_to_driver": False,
        "include_dashboard": False,
        "namespace": "wrasse",
        "logging_level": "warning",
    }
    if hello["ship"]:
        options["runtime_env"] = {"py_modules": [str(Path(__file__).parents[1])]}
    if hello["address"] is not None:
        del options["include_dashboard"]
        look_for(hello["address"])
        try:
            ray.init(address=hello["address"], **options)
        except (ConnectionError, RuntimeError, ValueError) as error:
            message = f"cannot join the cluster at {hello['address']}: {first_line(error)}"
            hint = "a driver needs a node of the cluster on its machine; `wrasse submit` does not"
            raise Refused(message, hint) from error
        return ray
    options["num_cpus"] = hello["cpus"]
    if hello["object_store"]:
        options["object_store_memory"] = hello["object_store"]
    for attempt in range(STARTS):
        try:
            private.init(ray, hello["scratch"], address="local", **options)
            return ray
        except Exception as error:
            traceback.print_exc()
            with contextlib.suppress(Exception):
                ray.shutdown()
            if attempt + 1 == STARTS:
                raise Refused(f"a local Ray does not start: {first_line(error)}") from error
    raise AssertionError("unreachable")


def serve(pipe: Pipe, hello: dict) -> None:
    """Serves one run."""
    if hello.get("op") != "hello" or hello["version"] != PROTOCOL:
        message = f"the engine speaks version {hello.get('version')}, the gateway {PROTOCOL}"
        raise Refused(message, "the command `wrasse` and the Python package are of two versions")
    # What is imported stays: nothing is found by looking through it.
    gc.disable()
    ray = connect(hello)
    gc.freeze()
    gc.enable()
    # Ray ends its driver at it. Where it is sent to all processes of a run (a job
    # that is stopped), the engine commits what it has and then closes the socket.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    gateway = Gateway(pipe, ray, hello["polls"], hello["wrasse"])
    about = {**cluster(ray), **gateway.growth}
    if not hello["polls"]:
        with contextlib.suppress(Exception):
            about["probe"] = gateway.lent.probe()
    pipe.say({"ev": "ready", "ray": ray.__version__, **about})
    try:
        while True:
            gateway.obey(*pipe.read())
    finally:
        gateway.ask([])


def remove(folder: str, is_ours: bool) -> None:
    """Removes the folder of a local Ray. The engine sees to it that it is gone, unless that
    was killed: processes of Ray write until they end, a moment after this."""
    for _ in range(20 if is_ours else 1):
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.2 if is_ours else 0)


def main() -> None:
    """Serves the socket that is standard input."""
    # Processes of Ray must not inherit the socket: its end is a message.
    engine = os.getppid()
    sock = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe = Pipe(sock)
    hello: dict = {}
    try:
        hello = pipe.read()[0][0]
        serve(pipe, hello)
    except Closed:
        pass
    except Refused as error:
        pipe.say({"ev": "fatal", "message": str(error), "hint": error.hint})
    except Exception as error:
        traceback.print_exc()
        message = f"the gateway to Ray failed: {type(error).__name__}: {first_line(error)}"
        pipe.say({"ev": "fatal", "message": message, "hint": None})
    finally:
        pipe.end()
        if "ray" in sys.modules:
            with contextlib.suppress(Exception):
                sys.modules["ray"].shutdown()
        if hello.get("scratch"):
            remove(hello["scratch"], os.getppid() != engine)


if __name__ == "__main__":
    main()
    # Threads that wait for Ray are not waited for.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
