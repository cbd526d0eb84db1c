# -*- coding: utf-8 -*-
import hashlib

from datamate.common.utils import get_now_time
from datamate.core.base_op import Filter
from datamate.sql_manager.sql_manager import SQLManager

CREATE = """CREATE TABLE IF NOT EXISTS seen_texts (
    id SERIAL PRIMARY KEY, task_uuid VARCHAR(255), digest BYTEA, timestamp VARCHAR(255))"""
SELECT = "SELECT count(*) FROM seen_texts WHERE task_uuid = :uuid AND digest = :digest"
INSERT = "INSERT INTO seen_texts (task_uuid, digest, timestamp) VALUES (:uuid, :digest, :now)"


class SeenBefore(Filter):
    """丢弃重复的文本"""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.task_uuid = kwargs.get("uuid", "task")

    def execute(self, sample):
        digest = hashlib.sha256(sample[self.text_key].encode()).digest()
        with SQLManager.create_connect() as conn:
            conn.execute(CREATE)
            seen = conn.execute(SELECT, {"uuid": self.task_uuid, "digest": digest}).fetchone()[0]
            if seen:
                sample[self.text_key] = ""
                return sample
            now = get_now_time("Asia/Shanghai", "%Y-%m-%d %H:%M:%S", sample[self.filename_key], "SeenBefore")
            conn.execute(INSERT, {"uuid": self.task_uuid, "digest": digest, "now": now})
        return sample
