"""Compare a training step with the same step on a batch in memory, or the samples per second of two builds.

python benchmarks/training.py
python benchmarks/training.py --build c57153e --threads 2
python benchmarks/training.py --build c57153e --precision bf16-mixed --at-once 2

The scene is a district of the synthetic city with the published networks and tile sizes. Ratios above 1.1 mean that
reading, augmentation and normalisation take longer than the network. An earlier build runs its own version of this
benchmark: one training in float32 with as many threads as all trainings of this build together. The builds alternate.
"""

import argparse
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from demo import ROOT, check_out

import img2height.torchvision_ops  # noqa: F401  isort: skip  (before lightning, which imports torchvision)
import geopandas
import lightning
import numpy as np
import pandas
from torch.utils.data import DataLoader, default_collate

from img2height.cpu import set_up_cpu
from img2height.methods import recipes_folder
from img2height.scenes.city import generate, write
from img2height.scenes.city.optical import render
from img2height.scenes.city.stereo import render_stereo
from img2height.scenes.prepare import prepare_scene
from img2height.scenes.scene import Scene
from img2height.settings.dataset import SceneFile, TargetGrid
from img2height.settings.project import load_recipe
from img2height.settings.protocol import Precision, Training
from img2height.training.fit import prepare
from img2height.training.job import TrainingJob
from img2height.training.start import start_of
from img2height.training.trainer import build_trainer, reading_processes

flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
flags.add_argument("--methods", nargs="+", default=["im2height", "unet", "resdepth_stereo"])
flags.add_argument("--steps", type=int, default=20)
flags.add_argument("--rounds", type=int, default=3)
flags.add_argument("--batch-size", type=int, default=4, help="at most; smaller where the recipe says so")
flags.add_argument("--threads", type=int, default=1, help="compute threads; one more process reads")
flags.add_argument("--precision", default="32-true", choices=["32-true", "bf16-mixed"], help="of this build")
flags.add_argument("--build", help="git revision of an earlier build to compare with")
flags.add_argument("--at-once", type=int, default=1, help="with --build: trainings of this build at the same time")
flags.add_argument("--size-px", type=int, default=1024, help="side of the scene")

TILE_PX = 256


class Watch(lightning.Callback):
    """Measures the steps after the first, and how long each waited for its batch."""

    def on_train_start(self, *args: Any) -> None:
        self.ended, self.step_s, self.wait_s = None, [], []

    def on_train_batch_start(self, *args: Any) -> None:
        self.began = time.perf_counter()

    def on_train_batch_end(self, *args: Any) -> None:
        now = time.perf_counter()
        if self.ended is not None:
            self.step_s.append(now - self.ended)
            self.wait_s.append(self.began - self.ended)
        self.ended = now


def district(folder: Path, size_px: int) -> Scene:
    """Return a prepared scene of the synthetic city."""
    file = SceneFile.model_validate({"city": {"size_px": size_px, "seed": 3, "stereo": {}}})
    city = generate(file.city)
    write(city, render(city), folder / "raw", stereo=render_stereo(city))
    return prepare_scene(
        file, dataset="demo", name="district", raw=folder / "raw", grid=TargetGrid(), folder=folder / "scene"
    )


def job_of(method: str, scene: Scene, args: argparse.Namespace) -> TrainingJob:
    """Return a training of some steps on drawn windows of the scene."""
    recipe = load_recipe(recipes_folder(), method)
    recipe = recipe.model_copy(update={"batch_size": min(recipe.batch_size, args.batch_size)})
    rng = np.random.default_rng(0)
    count = args.steps * recipe.batch_size
    corners = {axis: rng.integers(scene.grid.width - TILE_PX, size=count) for axis in ("col_off", "row_off")}
    place = {"part": "train", "dataset": scene.dataset, "scene": scene.name, "size_px": TILE_PX}
    tiles = pandas.DataFrame({**corners, **place})
    samples = tiles.assign(first=1, second=2, transform=rng.integers(8, size=count))
    training = Training(
        samples=count, validate_every=count, patience=1, val_tiles=1, threads=args.threads,
        precision=Precision(cpu=args.precision, gpu="bf16-mixed"),
    )  # fmt: skip
    parts = pandas.concat([tiles, tiles[:1].assign(part="val")])
    nowhere = geopandas.GeoDataFrame({"fold": [], "part": [], "dataset": [], "scene": []}, geometry=[])
    return TrainingJob(method, recipe, training, 0, 0, samples, parts, [scene], nowhere)


def measure(job: TrainingJob, cached: bool) -> Watch:
    """Return the times of a training that reads, or that uses one cached batch again and again."""
    module, batches = prepare(start_of(job), job, 1, reading_processes())
    batches.sampler.begin(range(job.training.samples))
    steps = len(batches.sampler)
    batch = default_collate([batches.train[n] for n in range(job.recipe.batch_size)])
    watch = Watch()
    trainer = build_trainer(job.training, [watch], 1)
    kept = DataLoader([batch] * steps, batch_size=None)
    trainer.fit(module, train_dataloaders=kept if cached else batches.train_batches)
    return watch


def samples_per_second(folder: Path, method: str, args: argparse.Namespace, threads: int, more: list[str]) -> float:
    """Return the samples that the trainings of a build read and learn per second, all of them together."""
    settings = f"--methods {method} --rounds 1 --steps {args.steps} --batch-size {args.batch_size} --threads {threads}"
    command = [sys.executable, "benchmarks/training.py", *settings.split(), "--size-px", str(args.size_px), *more]
    environment = os.environ | {"PYTHONPATH": str(folder / "src")}
    runs = [
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        for _ in range(args.at_once if more else 1)
    ]
    rows = [run.communicate()[0].splitlines()[-1].split("|") for run in runs]
    return sum(1e3 * int(batch) / float(read_ms) for _, _, batch, _, read_ms, *_ in rows)


def compare(args: argparse.Namespace) -> None:
    """Print the samples per second of an earlier build and of this one."""
    print("| method | before, samples/s | now, samples/s | ratio |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / "before"
        check_out(args.build, before)
        for method in args.methods:
            pairs = [
                (
                    samples_per_second(before, method, args, args.threads * args.at_once, []),
                    samples_per_second(ROOT, method, args, args.threads, ["--precision", args.precision]),
                )
                for _ in range(args.rounds)
            ]
            old, new = (statistics.median(pair[i] for pair in pairs) for i in (0, 1))
            ratio = statistics.median(new / old for old, new in pairs)
            print(f"| {method} | {old:.2f} | {new:.2f} | {ratio:.2f} |", flush=True)


def against_memory(args: argparse.Namespace) -> None:
    """Print the times of steps that read and of steps on one batch in memory."""
    set_up_cpu(args.threads)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", "You defined a `validation_step` but have no `val_dataloader`")
    print(
        "| method | batch | step, cached ms | step, reading ms | ratio | waiting for data |\n|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        scene = district(Path(folder), args.size_px)
        for method in args.methods:
            job = job_of(method, scene, args)
            rounds = [(measure(job, cached=True), measure(job, cached=False)) for _ in range(args.rounds)]
            ratio = statistics.median(sum(read.step_s) / sum(kept.step_s) for kept, read in rounds)
            waits = statistics.median(sum(read.wait_s) / sum(read.step_s) for _, read in rounds)
            kept_ms, read_ms = (
                1e3 * statistics.median(statistics.mean(pair[i].step_s) for pair in rounds) for i in (0, 1)
            )
            print(
                f"| {method} | {job.recipe.batch_size} | {kept_ms:.0f} | {read_ms:.0f} | {ratio:.2f} | {waits:.1%} |",
                flush=True,
            )


if __name__ == "__main__":
    arguments = flags.parse_args()
    compare(arguments) if arguments.build else against_memory(arguments)
