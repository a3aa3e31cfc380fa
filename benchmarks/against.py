"""Predict with an earlier commit and with the working tree in turns, and print how many times faster the latter is.

make demo
python benchmarks/against.py --build c57153e
python benchmarks/against.py --build c57153e --experiment omniheight --methods im2height   # trained there

Whole calls of `img2height predict` on rasters of the given sides: start, reading, network, blending and the COG. The
earlier build runs as it was, with random weights of its own, which take the same time. This one runs with the trained
model of the experiment and `--engine`: `auto` is the fastest engine that is admitted for it, measured first. The median
of all rounds counts.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import rasterio
from demo import ROOT, check_out

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--build", required=True, help="git revision to compare with")
flags.add_argument("--methods", nargs="+", default=["unet", "resdepth_stereo"])
flags.add_argument("--sizes", type=int, nargs="+", default=[2048, 4096], help="sides in pixels, multiples of 128")
flags.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="compute threads")
flags.add_argument("--experiment", default="demo", help="with the trained models")
flags.add_argument("--engine", default="auto")
flags.add_argument("--repeats", type=int, default=3)

IMAGE = ["--image", "eo.tif"]
INPUTS = {"resdepth_stereo": ["--dsm", "dsm_initial.tif", "--view", "view_1.tif", "--view", "view_2.tif"]}
MAKE = "from pathlib import Path; import prediction_work; prediction_work"
COPY = "from pathlib import Path; import measured; measured"


def main(args: argparse.Namespace) -> None:
    print(
        f"| model | px | threads | {args.build}, s | now, s | times faster | engine |\n|---|---|---|---|---|---|---|",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        check_out(args.build, scratch / "before")
        builds = {scratch / "before": [], ROOT: ["--engine", args.engine]}
        for method in args.methods:
            run(f"{MAKE}.make_model(Path('before_{method}'), '{method}')", [], scratch / "before", scratch)
            copy = scratch / f"{ROOT.name}_{method}"
            run(f"{COPY}.measured_copy('{args.experiment}', '{method}', Path('{copy}'))", [], ROOT, Path.cwd())
        for side in args.sizes:
            (rasters := scratch / str(side)).mkdir()
            run(f"{MAKE}.make(Path(), {side})", [], ROOT, rasters)
            for method in args.methods:
                for threads in args.threads:
                    seconds = {build: [] for build in builds}
                    for _ in range(args.repeats):
                        for build, own in builds.items():
                            model = ["--model", f"../{build.name}_{method}", "--out", "out.tif"]
                            arguments = ["predict", *model, *INPUTS.get(method, IMAGE), *own]
                            seconds[build].append(run(program(build), arguments, build, rasters, threads))
                    old, new = (statistics.median(each) for each in seconds.values())
                    with rasterio.open(rasters / "out.tif") as made:
                        engine = made.tags()["IMG2HEIGHT_ENGINE"]
                    row = f"{side} | {threads} | {old:.1f} | {new:.1f} | {old / new:.2f} | {engine}"
                    print(f"| `{method}` | {row} |", flush=True)


def program(build: Path) -> str:
    """Return code that runs the command line of a build, whatever its modules are called."""
    project = tomllib.loads((build / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, name = project["scripts"]["img2height"].split(":")
    return f"from {module} import {name}; {name}()"


def run(code: str, arguments: list[str], build: Path, folder: Path, threads: int = 1) -> float:
    """Return the seconds that code takes in a folder, with the package and the benchmarks of a build."""
    path = f"{build / 'src'}{os.pathsep}{build / 'benchmarks'}"
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": str(threads)}
    start = time.perf_counter()
    command = [sys.executable, "-c", code, *arguments]
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main(flags.parse_args())
