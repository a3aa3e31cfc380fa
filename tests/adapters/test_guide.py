"""The five commands of docs/own-data.md on a national download, as a new user would run them."""

import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from deliveries import WRITERS
from documented import ROOT, blocks
from workflow_events import clean_environment
from workflow_tree import Tree

SHORT = {"samples": 16, "validate_every": 8, "val_tiles": 2}


def guide(name: str, adapter: str) -> list[str]:
    """Return the commands of the guide for a dataset."""
    page = next(
        text for place, _, text in blocks() if place == "docs/own-data.md" and "import-dataset folder data" in text
    )
    lines = [line.replace("<name>", name) for line in page.splitlines() if line]
    lines[0] = f"img2height import-dataset {adapter} data/raw/{name} --name {name}"
    return lines


@pytest.mark.slow
def test_five_commands_lead_from_a_download_to_scores(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    shutil.copyfile(ROOT / "config/config.yaml", tree.folder / "config/config.yaml")
    WRITERS["nrw"](tree.folder / "data/raw/town")
    commands = guide("town", "nrw")
    assert len(commands) == 5
    environment = clean_environment() | {"PYTHONPATH": str(tree.folder / "src"), "COLUMNS": "200"}
    for command in commands:
        done = tree.run(*shlex.split(command), environment=environment)
        assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}"
        experiment = tree.folder / "config/experiments/town.yaml"
        written = yaml.safe_load(experiment.read_text())
        written["params"]["training"] = SHORT
        experiment.write_text(yaml.safe_dump(written))
    assert "unet" in done.stdout and "mean_height" in done.stdout
    assert (tree.folder / "results/town/report.html").exists()
