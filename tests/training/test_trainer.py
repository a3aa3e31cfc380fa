"""The trainer of Lightning as this project sets it up."""

import subprocess
from pathlib import Path

import pytest

from img2height.errors import TrainingError
from img2height.settings.protocol import Precision, Training
from img2height.training.trainer import build_trainer


def test_a_repository_without_a_commit_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVCLive asks git for the commit that a training belongs to."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.chdir(tmp_path)
    precision = Precision(cpu="32-true", gpu="32-true")
    training = Training(samples=8, validate_every=4, patience=1, val_tiles=1, threads=1, precision=precision)
    with pytest.raises(TrainingError, match="commit the project to git first"):
        build_trainer(training, [], 1, live=tmp_path / "live")
