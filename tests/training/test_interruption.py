"""A training that is stopped or killed at any step resumes to the same bytes, on one device and on two."""

import io
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import psutil
import pytest
import yaml
from conftest import ROOT, areas_of, grid_tiles
from filelock import FileLock
from polling import wait_for

from img2height.errors import DataError
from img2height.io.tables import write_table
from img2height.methods import recipes_folder
from img2height.scenes.listing import write_listing
from img2height.scenes.scene import Scene
from img2height.settings.project import load_recipe
from img2height.settings.protocol import Precision, Training
from img2height.training.interruption import INTERRUPTED, NewestCheckpoint
from img2height.training.job import TrainingJob
from img2height.training.module import HeightModule
from img2height.training.run import train

TINY = {"options": {"depth": 3, "start_kernel": 8}, "batch_size": 4, "optimizer": {"lr": 1e-3}}
STEPS = [3, 3, 2]  # of each stretch
BUDGET = Training(
    samples=30, validate_every=12, patience=9, val_tiles=4, threads=1, precision=Precision(cpu="32-true", gpu="32-true")
)


@pytest.fixture(scope="module")
def job(district: Scene) -> TrainingJob:
    recipe = load_recipe(recipes_folder(), "resdepth_mono", TINY)
    tiles = grid_tiles(district, 64, "train")
    tiles.loc[tiles["col_off"] >= 192, "part"] = "val"
    job = TrainingJob("resdepth_mono", recipe, BUDGET, 0, 0, pandas.DataFrame(), tiles, [district], areas_of(tiles))
    rng = np.random.default_rng(0)
    rows = job.part("train").sample(BUDGET.samples, replace=True, random_state=1)
    return replace(job, samples=rows.assign(transform=rng.integers(8, size=len(rows))).reset_index(drop=True))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def uninterrupted(job: TrainingJob, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("uninterrupted")
    train(job, folder / "model", folder / "scratch", workers=0)
    return contents(folder / "model")


def signalled(monkeypatch: pytest.MonkeyPatch, number: signal.Signals, steps: set[int]) -> list[int]:
    """Send this process a signal in these steps; return the list that receives the number of every step."""
    taken, step = [], HeightModule.training_step

    def signalled(module: HeightModule, batch: dict, batch_idx: int) -> object:
        taken.append(module.global_step)
        if module.global_step in steps:
            os.kill(os.getpid(), number)
        return step(module, batch, batch_idx)

    monkeypatch.setattr(HeightModule, "training_step", signalled)
    return taken


def test_stopped_at_every_step_it_takes_each_once(
    job: TrainingJob, uninterrupted: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)]
    taken = signalled(monkeypatch, signal.SIGTERM, set(range(sum(STEPS))))
    for step in range(sum(STEPS)):
        with pytest.raises(SystemExit) as ended:
            train(job, tmp_path / "model", tmp_path / "scratch", workers=step % 2)
        assert ended.value.code == INTERRUPTED == 75
        assert taken == list(range(step + 1))
        assert not (tmp_path / "model").exists()
    train(job, tmp_path / "model", tmp_path / "scratch", workers=0)
    assert taken == list(range(sum(STEPS)))
    assert contents(tmp_path / "model") == uninterrupted
    assert not (tmp_path / "scratch").exists()
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)] == handlers


def test_a_kill_after_a_stop_loses_only_later_steps(
    job: TrainingJob, uninterrupted: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        signalled(patched, signal.SIGUSR1, {3})
        train(job, tmp_path / "model", tmp_path / "scratch", workers=0)
    with monkeypatch.context() as patched, pytest.raises((KeyboardInterrupt, SystemExit)):
        signalled(patched, signal.SIGINT, {4})
        train(job, tmp_path / "model", tmp_path / "scratch", workers=0)
    taken = signalled(monkeypatch, signal.SIGTERM, set())
    train(job, tmp_path / "model", tmp_path / "scratch", workers=0)
    assert taken == [4, 5, 6, 7]
    assert contents(tmp_path / "model") == uninterrupted


def test_a_training_killed_after_early_stopping_does_not_continue(
    job: TrainingJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = replace(job, training=job.training.model_copy(update={"samples": 60, "patience": 1}))
    impatient = replace(impatient, samples=pandas.concat([job.samples] * 2, ignore_index=True))
    optimizer = job.recipe.optimizer.model_copy(update={"lr": 1e-12})  # the weights do not change, so nothing improves
    impatient = replace(impatient, recipe=job.recipe.model_copy(update={"optimizer": optimizer}))
    taken = signalled(monkeypatch, signal.SIGTERM, set())
    train(impatient, tmp_path / "uninterrupted", tmp_path / "scratch", workers=0)
    assert len(taken) < 15, "it must stop early"
    save = NewestCheckpoint.on_train_epoch_end

    def die(callback: NewestCheckpoint, trainer: object, module: HeightModule) -> None:
        save(callback, trainer, module)
        if trainer.should_stop:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises((KeyboardInterrupt, SystemExit)):
        patched.setattr(NewestCheckpoint, "on_train_epoch_end", die)
        train(impatient, tmp_path / "model", tmp_path / "scratch", workers=0)
    taken.clear()
    train(impatient, tmp_path / "model", tmp_path / "scratch", workers=0)
    assert taken == []
    assert contents(tmp_path / "model") == contents(tmp_path / "uninterrupted")


def test_it_waits_for_a_training_that_still_runs(
    job: TrainingJob, uninterrupted: dict[str, bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As an orphan does if only Snakemake was killed; it removes its scratch folder at its end."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    holds = threading.Event()

    def work() -> None:
        with FileLock(tmp_path / ".scratch.lock"):
            holds.set()
            wait_for(lambda: "another process is using it" in caplog.text)
            assert not (tmp_path / "model").exists()
            shutil.rmtree(scratch)

    other = threading.Thread(target=work)
    other.start()
    holds.wait()
    with caplog.at_level("INFO"):
        train(job, tmp_path / "model", scratch, workers=0)
    other.join()
    assert contents(tmp_path / "model") == uninterrupted
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("harm", ["cut", "altered", "gone"])
def test_an_altered_layer_is_refused(job: TrainingJob, district: Scene, tmp_path: Path, harm: str) -> None:
    folder = tmp_path / "scene"
    folder.mkdir()
    for path in district.folder.iterdir():
        (folder / path.name).symlink_to(path.resolve())
    path = folder / "dsm.tif"
    content = bytearray(path.read_bytes())
    path.unlink()
    content[len(content) // 2] ^= 1
    if harm != "gone":
        path.write_bytes(content[:-100] if harm == "cut" else content)
    with pytest.raises(DataError, match=r"dsm\.tif.*(prepared again|truncated)"):
        train(replace(job, scenes=[replace(district, folder=folder)]), tmp_path / "model", tmp_path / "scratch")


def command(job: TrainingJob, folder: Path, devices: int, program: Path = ROOT / "scripts/train.py") -> list[str]:
    """Return the command that trains a job whose tables are in a folder."""
    write_table(job.samples, folder / "samples.parquet")
    write_table(job.tiles, folder / "folds.parquet")
    write_table(job.areas, folder / "areas.parquet")
    write_listing([(scene.folder / "scene.json", "split") for scene in job.scenes], folder / "scenes.json")
    for name in ("recipe", "training"):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(getattr(job, name).model_dump(mode="json")))
    flags = {
        "--method": job.method, "--recipe": folder / "recipe.yaml", "--training": folder / "training.yaml",
        "--samples": folder / "samples.parquet", "--folds": folder / "folds.parquet", "--fold": 0, "--seed": 0,
        "--areas": folder / "areas.parquet", "--scenes": folder / "scenes.json", "--scratch": folder / "scratch",
        "--live": folder / "live", "--devices": devices, "--out": folder / "model",
    }  # fmt: skip
    return [sys.executable, str(program), *(str(word) for pair in flags.items() for word in pair)]


@contextmanager
def stopped(job: TrainingJob, folder: Path, devices: int, step: int) -> Iterator[subprocess.Popen]:
    """Yield a training that has stopped itself before a step; it continues to its end when the block ends."""
    words = command(job, folder, devices, Path(__file__).parent / "stopped_training.py")
    environment = os.environ | {"STOP_BEFORE": str(step)}
    with subprocess.Popen(words, cwd=ROOT, env=environment, start_new_session=True) as running:
        process = psutil.Process(running.pid)
        try:
            wait_for(lambda: process.status() == psutil.STATUS_STOPPED, running)
            yield running
        finally:
            running.send_signal(signal.SIGCONT)


def took(process: psutil.Process, number: signal.Signals) -> bool:
    """Return whether a process has received a signal that was sent to it, or has ended."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        status = Path(f"/proc/{process.pid}/status").read_text()
    except (psutil.NoSuchProcess, FileNotFoundError):
        return True
    pending = int(dict(line.split(":", 1) for line in status.splitlines())["ShdPnd"], 16)
    return not pending >> (number - 1) & 1


def test_only_the_training_acts_on_a_signal_to_all_processes(
    job: TrainingJob, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    """As schedulers send it; the reader process continues until the training has saved."""
    with stopped(job, tmp_path, devices=1, step=4) as first:
        os.killpg(first.pid, signal.SIGTERM)
        readers = psutil.Process(first.pid).children()
        assert readers
        wait_for(lambda: all(took(reader, signal.SIGTERM) for reader in readers))  # the training handles it last
    assert first.returncode == INTERRUPTED
    assert subprocess.run(command(job, tmp_path, 1), cwd=ROOT, check=False).returncode == 0
    assert contents(tmp_path / "model") == uninterrupted


def test_two_devices_take_the_steps_of_one_and_stop_together(
    job: TrainingJob, uninterrupted: dict[str, bytes], tmp_path: Path
) -> None:
    """Each device has the batch norm of its own share, so the losses are near those of one device, not the same."""
    whole, halved = tmp_path / "whole", tmp_path / "halved"
    for folder in (whole, halved):
        folder.mkdir()
    assert subprocess.run(command(job, whole, 2), cwd=ROOT, check=False).returncode == 0
    with stopped(job, halved, devices=2, step=4) as first:
        first.send_signal(signal.SIGTERM)
    assert first.returncode == INTERRUPTED
    assert not (halved / "model").exists()
    assert subprocess.run(command(job, halved, 2), cwd=ROOT, check=False).returncode == 0
    assert contents(halved / "model") == contents(whole / "model")
    one = pandas.read_csv(io.BytesIO(uninterrupted["history.csv"]))
    two = pandas.read_csv(whole / "model/history.csv")
    pandas.testing.assert_frame_equal(two[["step", "samples", "lr"]], one[["step", "samples", "lr"]])
    np.testing.assert_allclose(two[["train_loss", "val_mae_m"]], one[["train_loss", "val_mae_m"]], rtol=0.05)
