"""Records what the scripts in `raydata/` give under the Ray that is installed.

`record_raydata.py [NAME...]` writes `raydata/NAME.json`, of all scripts without a name.
The test compares what Wrasse gives with that; it need not start Ray.
"""

import contextlib
import io
import json
import runpy
import sys
import tempfile
import time
import warnings
from pathlib import Path

import data
import outcome
import ray

HERE = Path(__file__).parent


def main() -> None:
    names = sys.argv[1:] or [one.stem for one in sorted((HERE / "raydata").glob("*.py"))]
    warnings.simplefilter("ignore")
    ray.init(
        num_cpus=6, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    with tempfile.TemporaryDirectory() as folder:
        data.write(Path(folder, "data"))
        for name in names:
            began = time.monotonic()
            script, out = HERE / f"raydata/{name}.py", Path(folder, name)
            out.mkdir()
            sys.argv = [str(script), f"{folder}/data", str(out)]
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                runpy.run_path(str(script), run_name="__main__")
            # What Ray says of its processes is not the script's.
            lines = printed.getvalue().splitlines(keepends=True)
            own = "".join(line for line in lines if "(raylet)" not in line)
            found = {"ray": ray.__version__, **outcome.outcome(out, own)}
            text = json.dumps(found, ensure_ascii=False, indent=1)
            script.with_suffix(".json").write_text(f"{text}\n")
            print(f"{name}: {time.monotonic() - began:.1f} s", file=sys.stderr)
    ray.shutdown()


main()
