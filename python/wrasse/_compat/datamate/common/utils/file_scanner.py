"""`FileScanner`: tells of the files of a folder that are not known yet."""

from __future__ import annotations

import mimetypes
import os
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from wrasse._compat.datamate.sql_manager.persistence_atction import TaskInfoPersistence
from wrasse.compat.settings import current


class FileScanner:
    """Files of the data set `dataset_id`."""

    def __init__(self, dataset_id: str) -> None:
        self.dataset_id = dataset_id
        self.persistence = TaskInfoPersistence()

    def get_existing_paths(self) -> set[str]:
        """The paths that are known."""
        return {row[0] for row in self.persistence.query_existing_files(self.dataset_id)}

    def scan_and_process(self, root_dir: str, batch_size: int = 5000) -> None:
        """Tells of all files below `root_dir` that are new, in batches, in order of their paths.

        Files that begin with a dot are passed over. `fileType` is the extension, which
        the next job can read; with `strict` it is the MIME type, which it cannot.
        """
        known = self.get_existing_paths()
        found = (Path(folder, name) for folder, _, names in os.walk(root_dir) for name in names)
        new = [
            path
            for path in sorted(found)
            if not path.name.startswith(".") and str(path) not in known and path.is_file()
        ]
        for start in range(0, len(new), batch_size):
            records = [self._record(path) for path in new[start : start + batch_size]]
            self.persistence.batch_insert_files(records)

    def _record(self, path: Path) -> dict[str, Any]:
        file_type = path.suffix.removeprefix(".").lower()
        if current().strict:
            file_type = mimetypes.guess_type(path)[0] or path.suffix
        return self.prepare_file_data(
            {
                "fileSize": path.stat().st_size,
                "fileType": file_type,
                "fileName": path.name,
                "filePath": str(path),
                "dataset_id": self.dataset_id,
            },
            str(uuid.uuid4()),
        )

    @staticmethod
    def prepare_file_data(sample: dict[str, Any], file_id: str) -> dict[str, Any]:
        """The record of a file, with the columns of `t_dm_dataset_files`."""
        now = datetime.now()
        try:
            last_access = datetime.fromtimestamp(os.path.getmtime(sample["filePath"]))
        except OSError:
            last_access = now
        return {
            "id": file_id,
            "dataset_id": str(sample.get("dataset_id")),
            "file_name": str(sample.get("fileName")),
            "file_path": str(sample.get("filePath")),
            "file_type": str(sample.get("fileType")),
            "file_size": str(sample.get("fileSize")),
            "status": "COMPLETED",
            "upload_time": now,
            "last_access_time": last_access,
            "created_at": now,
            "updated_at": now,
        }
