"""The trainer of Lightning as this project sets it up."""

import subprocess
import sys
from pathlib import Path

import lightning
import pytest
import torch

from img2height.errors import TrainingError
from img2height.settings.protocol import Precision, Training
from img2height.training.trainer import build_trainer

FLOAT32 = Precision(cpu="32-true", gpu="32-true")
TRAINING = Training(samples=8, validate_every=4, patience=1, val_tiles=1, threads=1, precision=FLOAT32)


@pytest.mark.parametrize(
    ("on_gpu", "asked", "expected"), [(True, True, "warn"), (True, False, None), (False, True, None)]
)
def test_only_a_gpu_needs_deterministic_operations(
    monkeypatch, on_gpu: bool, asked: bool, expected: str | None
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: on_gpu)
    monkeypatch.setattr(lightning, "Trainer", lambda **flags: flags["deterministic"])
    assert build_trainer(TRAINING.model_copy(update={"deterministic": asked}), [], 1) == expected


def test_a_repository_without_a_commit_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVCLive asks git for the commit that a training belongs to."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainingError, match="commit the project to git first"):
        build_trainer(TRAINING, [], 1, live=tmp_path / "live")


def test_without_dvclive_a_training_has_no_live_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "dvclive"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "dvclive", None)  # an import of it now fails
    assert build_trainer(TRAINING, [], 1, live=tmp_path / "live").loggers == []
    assert not (tmp_path / "live").exists()
