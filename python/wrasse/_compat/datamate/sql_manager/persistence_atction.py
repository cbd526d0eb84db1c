"""`TaskInfoPersistence`: what became of a file. Records go to `Settings.on_result`.

The module's name is spelled as operators import it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any

from wrasse.compat.settings import current


def _number_of(sample: dict[str, Any]) -> str:
    """A number for what becomes of a file: the same whenever that is told."""
    names = ("instance_id", "sourceFileId", "fileId", "filePath", "fileName")
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "\0".join(str(sample.get(one)) for one in names)))


class TaskInfoPersistence:
    """Tells of results. What the original keeps in a database is the engine's affair."""

    def update_task_result(self, sample: dict[str, Any], file_id: str | None = None) -> None:
        """Tells that a file is done: completed or failed. `file_id`: a new one by default."""
        record = {
            "instance_id": str(sample.get("instance_id")),
            "src_file_id": str(sample.get("sourceFileId")),
            "dest_file_id": file_id or _number_of(sample),
            "src_name": str(sample.get("sourceFileName")),
            "dest_name": str(sample.get("fileName")),
            "src_type": str(sample.get("sourceFileType")),
            "dest_type": str(sample.get("fileType")),
            "src_size": int(sample.get("sourceFileSize") or 0),
            "dest_size": str(sample.get("fileSize")),
            "status": str(sample.get("execute_status")),
            "result": json.dumps(sample.get("failed_reason"), ensure_ascii=False),
        }
        current().emit("clean_result", record)

    def update_file_result(self, sample: dict[str, Any], file_id: str) -> None:
        """Tells of a file that was exported."""
        # Here, since that module needs this one.
        from wrasse._compat.datamate.common.utils.file_scanner import FileScanner

        current().emit("dataset_file", FileScanner.prepare_file_data(sample, file_id))

    def persistence_task_info(self, sample: dict[str, Any]) -> None:
        """Both, under one new number."""
        file_id = _number_of(sample)
        self.update_task_result(sample, file_id)
        self.update_file_result(sample, file_id)

    def query_existing_files(self, dataset_id: str) -> list[tuple[str]]:
        """The known files of a data set, each as a tuple of its path."""
        existing = current().existing_files
        return [(path,) for path in existing(dataset_id)] if existing is not None else []

    def batch_insert_files(self, samples: Iterable[dict[str, Any]]) -> None:
        """Tells of files, as records."""
        for record in samples:
            current().emit("dataset_file", record)

    def update_result(self, dataset_id: str, instance_id: str, status: str) -> None:
        """Tells of the end of a task."""
        record = {"dataset_id": dataset_id, "task_id": instance_id, "status": status}
        current().emit("task", record)
