"""Names of fields."""

from __future__ import annotations


class Fields:
    """Fields of a sample that the engine reads and writes."""

    result = "execute_result"
    instance_id = "instance_id"
    export_path = "export_path"
