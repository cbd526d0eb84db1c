"""Runs scripts under the Ray that is installed, one after the other in one process.

`raydata_all.py DATA OUT SCRIPT...`: what `SCRIPT` prints goes to `OUT/SCRIPT/printed`.
"""

import contextlib
import runpy
import sys
import traceback
import warnings
from pathlib import Path

import ray

data, out, *scripts = sys.argv[1:]
warnings.simplefilter("ignore")
ray.init(num_cpus=6, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False)
ray.data.DataContext.get_current().enable_progress_bars = False
for script in scripts:
    place = Path(out, Path(script).stem)
    place.mkdir(parents=True)
    sys.argv = [script, data, str(place)]
    with open(place / "printed", "w") as printed, contextlib.redirect_stdout(printed):
        try:
            runpy.run_path(script, run_name="__main__")
        except Exception:
            traceback.print_exc()
ray.shutdown()
