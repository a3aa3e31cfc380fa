"""Compare prediction with its own forward passes and with a plain loop over the whole raster, and measure its memory.

python benchmarks/prediction.py --sizes 2048 4096 8192 --memory --plot cost.png

Every run is its own process; runs that are compared alternate, and the median counts. Weights are random, from a seed.
Ratios to expect: end to end at most 1.15 of the bare passes; the plain loop at least 1.5 of ours with the engine
`exact`, and 4 with `bfloat16` on a CPU that computes in it; less than 100 MiB more memory for 16 times the area. "Of
matrix products": the multiplication rate as a share of the rate in products of large matrices, about the maximum.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--sizes", type=int, nargs="+", default=[2048, 4096], help="sides in pixels, multiples of 128")
flags.add_argument("--networks", nargs="+", default=["unet", "im2height", "resdepth_stereo"], help="in the first table")
flags.add_argument("--memory", action="store_true", help="peak memory at 16384 px against 4096, with a narrow network")
flags.add_argument("--memory-sizes", type=int, nargs=2, default=[4096, 16384], help="other sides for this")
flags.add_argument("--repeats", type=int, default=3, help="runs of each up to 4096 px; larger ones run once")
flags.add_argument("--threads", type=int, default=1, help="compute threads")
flags.add_argument("--plot", type=Path, help="PNG of seconds and memory against area")

PLAIN = "resdepth_stereo"  # the network of the plain loop
LONG_PX = 4096
PAPERS_OVERLAP = 0.5  # that of the plain loop
CACHE_MIB = "64"
ENGINES = ("exact", "bfloat16")
Run = tuple[str, tuple]


def alone(name: str, *values: Any) -> Any:
    """Return the result of a function of prediction_work, run in a new process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_call, name, values).result()


def _call(name: str, values: tuple) -> Any:
    import prediction_work

    return getattr(prediction_work, name)(*values)


def in_turns(runs: dict[str, Run], repeats: int) -> dict[str, dict]:
    """Return the median seconds and memory of each run, with the other values of its last repeat; runs alternate."""
    found: dict[str, list[dict]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, (work, values) in runs.items():
            found[name].append(alone(work, *values))
    return {name: typical(all_runs) for name, all_runs in found.items()}


def typical(runs: Sequence[dict]) -> dict:
    """Return the last of the runs with the median seconds and memory of all of them."""
    return runs[-1] | {key: statistics.median(run[key] for run in runs) for key in ("seconds", "peak_mib")}


def table(title: str, columns: str, rows: Iterator[list[str]]) -> None:
    """Print a Markdown table, each row as soon as it is measured."""
    print(f"\n## {title}\n\n| {columns} |\n{'|---' * (columns.count('|') + 1)}|", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def main(args: argparse.Namespace) -> None:
    os.environ["GDAL_CACHEMAX"] = CACHE_MIB  # else GDAL keeps blocks in up to 5 % of the memory of the machine
    with tempfile.TemporaryDirectory() as name:
        folder, curves = Path(name), []
        sizes = sorted({*args.sizes, *(args.memory_sizes if args.memory else [])})
        for side in sizes:
            (folder / str(side)).mkdir()
            alone("make", folder / str(side), side)
        for method in {*args.networks, PLAIN, "narrow"}:
            alone("make_model", folder / method, method)
        bench = Bench(folder, args)
        speeds = "bare s | end to end s | ratio | of matrix products | windows/s | Mpx/s | km2/s"
        table(
            "End to end against bare forward passes",
            f"network | engine | px | {speeds} | peak MiB | on the GPU",
            bench.overhead(),
        )
        table(
            f"Against a plain loop over the whole raster, {PLAIN}",
            "settings | px | plain s | ours s | times faster | plain peak MiB | our peak MiB | mean difference m",
            bench.against_plain(curves.append),
        )
        table(
            "Buildings against reading", "px | buildings | reading s | buildings s | ratio | peak MiB", bench.polygons()
        )
        if args.memory:
            table("Memory", "px | s | peak MiB | more than the row above", bench.memory())
        if args.plot:
            plot(curves, args.plot)


class Bench:
    """The tables: one row of text per measurement."""

    def __init__(self, folder: Path, args: argparse.Namespace):
        self.folder, self.args = folder, args

    def end_to_end(self, side: int, method: str, settings: dict) -> Run:
        return "end_to_end", (self.folder / str(side), self.folder / method, self.args.threads, settings)

    def forced(self, engine: str) -> dict:
        return {"engine": engine, "overlap": PAPERS_OVERLAP}

    def repeats(self, side: int) -> int:
        return self.args.repeats if side <= LONG_PX else 1

    def overhead(self) -> Iterator[list[str]]:
        for method in self.args.networks:
            for engine in ENGINES:
                for side in self.args.sizes:
                    place = (self.folder / str(side), self.folder / method, self.args.threads)
                    pairs = []
                    for _ in range(self.repeats(side)):
                        ours = alone("end_to_end", *place, self.forced(engine))
                        pairs.append((ours, alone("bare", *place, ours["calls"])))
                    ours, bare = (typical(runs) for runs in zip(*pairs, strict=True))
                    yield [method, engine, str(side), *self._speed(ours, bare, side)]

    def _speed(self, ours: dict, bare: dict, side: int) -> list[str]:
        bare_s, ours_s = bare["seconds"], ours["seconds"]
        windows, mpx = sum(call[0] * call[-1] for call in ours["calls"]), side**2 / 1e6
        speeds = [f"{windows / ours_s:.2f}", f"{mpx / ours_s:.3f}", f"{mpx / 4 / ours_s:.4f}"]  # pixels of 0.5 m
        gpu = ours.get("gpu_seconds")
        on_gpu = "" if gpu is None else f"{ours['gpu_mib']:.0f} MiB, computes {gpu / ours_s:.0%} of the time"
        ratios = [f"{ours_s / bare_s:.2f}", f"{bare['ceiling_s'] / ours_s:.0%}"]
        return [f"{bare_s:.1f}", f"{ours_s:.1f}", *ratios, *speeds, f"{ours['peak_mib']:.0f}", on_gpu]

    def against_plain(self, keep: Callable[[tuple], None]) -> Iterator[list[str]]:
        for side in self.args.sizes:
            wanted = {"params.yaml": {}} | {f"{name}, half overlap": self.forced(name) for name in ENGINES}
            runs = {name: self.end_to_end(side, PLAIN, settings) for name, settings in wanted.items()}
            whole = "plain", (self.folder / str(side), self.folder / PLAIN, self.args.threads)
            found = in_turns({"plain": whole, **runs}, self.repeats(side))
            theirs = found.pop("plain")
            keep((side, theirs, found))
            for name, ours in found.items():
                apart = alone("difference", ours["out"], theirs["out"])
                faster = f"{theirs['seconds'] / ours['seconds']:.2f}"
                peaks = [f"{run['peak_mib']:.0f}" for run in (theirs, ours)]
                seconds = [f"{run['seconds']:.1f}" for run in (theirs, ours)]
                yield [name, str(side), *seconds, faster, *peaks, f"{apart:.4f}"]

    def polygons(self) -> Iterator[list[str]]:
        for side in self.args.sizes:
            rasters = (self.folder / str(side),)
            found = in_turns({"reading": ("reading", rasters), "ours": ("polygons", rasters)}, self.repeats(side))
            read_s, ours = found["reading"]["seconds"], found["ours"]
            seconds = [f"{read_s:.2f}", f"{ours['seconds']:.2f}", f"{ours['seconds'] / read_s:.1f}"]
            yield [str(side), str(ours["buildings"]), *seconds, f"{ours['peak_mib']:.0f}"]

    def memory(self) -> Iterator[list[str]]:
        before = None
        for side in self.args.memory_sizes:
            work, values = self.end_to_end(side, "narrow", {})
            found = alone(work, *values)
            more = "" if before is None else f"{found['peak_mib'] - before:+.0f}"
            before = found["peak_mib"]
            yield [str(side), f"{found['seconds']:.1f}", f"{before:.0f}", more]


def plot(curves: list[tuple], path: Path) -> None:
    """Draw seconds and peak memory of both loops against the area."""
    from matplotlib.ticker import NullLocator, ScalarFormatter

    from img2height.report.figures.drawing import new_figure

    figure = new_figure(1000, 450)
    mpx = [side**2 / 1e6 for side, _, _ in curves]
    looks = zip(("#D55E00", "#0072B2", "#009E73", "#CC79A7"), "so^D", strict=True)  # Okabe and Ito (2008)
    runs = {"plain loop": [theirs for _, theirs, _ in curves]}
    runs |= {f"img2height, {name}": [found[name] for _, _, found in curves] for name in curves[0][2]}
    axes = figure.subplots(1, 2)
    for (label, of_run), (colour, marker) in zip(runs.items(), looks, strict=False):
        looks_of_run = {"color": colour, "marker": marker, "label": label}
        axes[0].loglog(mpx, [run["seconds"] for run in of_run], **looks_of_run)
        axes[1].semilogx(mpx, [run["peak_mib"] for run in of_run], **looks_of_run)
    for ax, what in zip(axes, ("seconds", "peak memory, MiB"), strict=True):
        ax.set(xlabel="area, Mpx", ylabel=what, xticks=mpx)
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(ScalarFormatter())
        ax.grid(alpha=0.3)
    axes[0].legend(frameon=False)
    axes[1].set_ylim(bottom=0)
    figure.tight_layout()
    figure.savefig(path)


if __name__ == "__main__":
    main(flags.parse_args())
