# -*- coding: utf-8 -*-
from datamate.core.base_op import Mapper
from datamate.sql_manager.persistence_atction import TaskInfoPersistence


class TellsOfParts(Mapper):
    """记录每个文件的附加结果"""

    def execute(self, sample):
        part = {**sample, "instance_id": "t1", "fileName": "part.txt", "filePath": "/nowhere/part.txt",
                "fileType": "txt", "fileSize": "7", "execute_status": "COMPLETED", "dataset_id": "d1"}
        TaskInfoPersistence().persistence_task_info(part)
        return sample
