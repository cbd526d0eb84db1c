"""The job of `cargo xtask bench` in Data-Juicer: its own recipe, its default executor.

Usage: data_juicer_job.py RECIPE INPUT OUTPUT
"""

import sys

from data_juicer.config import init_configs
from data_juicer.core import DefaultExecutor


def main(recipe: str, source: str, target: str) -> None:
    config = init_configs(
        ["--config", recipe, "--dataset_path", source, "--export_path", target, "--np", "1"]
    )
    DefaultExecutor(config).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
