"""Predict with an earlier commit and with the working tree in turns, and print how many times faster the latter is.

make demo
python benchmarks/against.py --build c57153e

Whole calls of `img2height predict` with trained models on rasters of the given sides: start, reading, network, blending
and the COG. The earlier build runs as it was; this one with `--engine`. The median of all rounds counts.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from demo import ROOT, check_out
from prediction_work import make

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--build", required=True, help="git revision to compare with")
flags.add_argument("--experiment", default="demo")
flags.add_argument("--methods", nargs="+", default=["unet", "im2height", "resdepth_stereo"])
flags.add_argument("--sizes", type=int, nargs="+", default=[2048, 4096], help="sides in pixels, multiples of 128")
flags.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="compute threads")
flags.add_argument("--engine", default="openvino_bfloat16")
flags.add_argument("--repeats", type=int, default=3)
INPUTS = {"resdepth_stereo": ["--dsm", "dsm_initial.tif", "--view", "view_1.tif", "--view", "view_2.tif"]}
IMAGE = ["--image", "eo.tif"]
COMMAND = [sys.executable, "-c", "from img2height.cli.app import app; app()", "predict", "--window-px", "256"]


def main(args: argparse.Namespace) -> None:
    print(f"| model | px | threads | {args.build}, s | now, s | times faster |\n|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        check_out(args.build, before := Path(scratch) / "before")
        builds = {before: [], ROOT: ["--engine", args.engine]}
        for side in args.sizes:
            (rasters := Path(scratch) / str(side)).mkdir()
            make(rasters, side)
            for method in args.methods:
                model = ROOT / "models" / args.experiment / method / "fold0/seed0"
                command = [*COMMAND, "--model", str(model), *INPUTS.get(method, IMAGE), "--out", "out.tif"]
                for threads in args.threads:
                    seconds = {build: [] for build in builds}
                    for _ in range(args.repeats):
                        for build, own in builds.items():
                            seconds[build].append(timed([*command, *own], build, rasters, threads))
                    old, new = (statistics.median(each) for each in seconds.values())
                    print(f"| `{method}` | {side} | {threads} | {old:.1f} | {new:.1f} | {old / new:.2f} |", flush=True)


def timed(command: list[str], build: Path, folder: Path, threads: int) -> float:
    """Return the seconds that a command of a build takes in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(build / "src"), "OMP_NUM_THREADS": str(threads)}
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return time.perf_counter() - start


if __name__ == "__main__":
    main(flags.parse_args())
