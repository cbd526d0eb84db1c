"""`datatrove.executor`, run by Wrasse: a task of an executor is a sample of a run.

The executors are those of the installed datatrove but for how they launch their tasks: a
run of Wrasse has the numbers of the tasks as input, and one operator, which does a task as
datatrove does it, with the script's own steps, in a worker process. So readers, filters,
writers, stages of deduplication, statistics and logs are datatrove's, and so are their
results; Wrasse starts the tasks, replaces workers that die, and runs them on a cluster of
Ray where it is told to.
"""

from __future__ import annotations

import base64
import json
import pickle
import tempfile
from collections.abc import Callable
from contextlib import closing
from copy import copy, deepcopy
from pathlib import Path
from types import ModuleType
from typing import Any

import wrasse
from wrasse.scripts import engine
from wrasse.scripts.raydata.steps import function_of
from wrasse.scripts.unsupported import Unsupported, note

# The executors, each with the method that launches its tasks.
_LAUNCHES = {
    "LocalPipelineExecutor": "run",
    "RayPipelineExecutor": "run",
    "SlurmPipelineExecutor": "launch_job",
    "JobsPipelineExecutor": "launch_job",
}


def patch(executors: ModuleType) -> Callable[[], None]:
    """Has the executors of a module launch their tasks here; gives what undoes it."""
    found = [getattr(executors, name) for name in _LAUNCHES if hasattr(executors, name)]
    before = [(one, method := _LAUNCHES[one.__name__], vars(one)[method]) for one in found]
    for one, method, _ in before:
        setattr(one, method, launch)

    def undo() -> None:
        for one, method, was in before:
            setattr(one, method, was)

    return undo


def launch(executor: Any) -> Any:
    """Runs the tasks of an executor that are not done yet; gives their statistics.

    Those that it depends on come first. Raises `ScriptRunFailed` if a task fails.
    """
    kind = type(executor).__name__
    if kind != "LocalPipelineExecutor":
        note(f"the tasks of `{kind}` run here, or where `--backend ray` leads")
    if getattr(executor, "nodes_per_task", 1) > 1:
        raise Unsupported("a task on several nodes (`nodes_per_task`)", "a task is on one")
    depends = getattr(executor, "depends", None)
    if depends is not None and not getattr(depends, "_wrasse_launched", False):
        depends.run()
    executor._wrasse_launched = executor._launched = True
    first = getattr(executor, "local_rank_offset", 0)
    n = getattr(executor, "local_tasks", executor.world_size)
    ranks = executor.get_incomplete_ranks(range(first, first + n))
    from datatrove.utils.logging import logger

    if hasattr(executor, "job_id"):
        executor.job_id = -1
    if not ranks:
        logger.info(f"Not doing anything as all {n} tasks have already been completed.")
        return None
    executor.save_executor_as_json()
    stats = _run(executor, ranks)
    with executor.logging_dir.open("stats.json", "wt") as file:
        stats.save_to_disk(file)
    logger.success(stats.get_repr(f"All {n} tasks"))
    return stats


def _run(executor: Any, ranks: list[int]) -> Any:
    from datatrove.utils.stats import PipelineStats

    with tempfile.TemporaryDirectory(prefix="wrasse-script-") as folder:
        files = [Path(folder) / f"{rank:05}.jsonl" for rank in ranks]
        # A file each, so that each is a block of its own and no task waits for another.
        for file, rank in zip(files, ranks, strict=True):
            file.write_text(json.dumps({"rank": rank}))
        tasks = wrasse.read_jsonl(*files).map(function_of(Task(executor)))
        workers = executor.workers if executor.workers > 0 else len(ranks)
        flags = [f"--threads={min(workers, len(ranks))}", "--no-progress-timeout=0"]
        with closing(engine.lines(tasks, flags)) as lines:
            done = [pickle.loads(base64.b64decode(json.loads(line)["stats"])) for line in lines]
    return sum(done, start=PipelineStats())


class Task:
    """What does a task in a worker."""

    def __init__(self, executor: Any) -> None:
        self.executor = copy(executor)
        # Not what it depends on, which is done.
        self.executor.depends = None
        self.__name__ = "task"

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        # Steps count and keep files open: each task has its own.
        executor = deepcopy(self.executor)
        stats = executor._run_for_rank(row["rank"], row["rank"])
        return {"rank": row["rank"], "stats": base64.b64encode(pickle.dumps(stats)).decode()}
