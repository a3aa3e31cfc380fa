"""An invented experiment with many scenes, for planning only: it has no data."""

import subprocess
import sys
from pathlib import Path

import paths
import yaml
from workflow_events import Events

ROOT = Path(__file__).parents[1]
METHODS = ("initial_dsm", "unet", "im2height", "segnet_eo", "pspnet_eo", "eigen", "resunet_eo", "upernet_eo")
METHODS += ("im2height_l2", "mean_height")
FOLDS = 5


def write_experiment(folder: Path, scenes: int, methods: int) -> None:
    """Write the experiment next to links to the workflow.

    Args:
        folder: an empty one.
        scenes: how many, each divided into `FOLDS` folds.
        methods: how many of `METHODS`.
    """
    for name in ("workflow", "scripts", "src", "envs", "params.yaml"):
        (folder / name).symlink_to(ROOT / name)
    names = [f"scene{number:04d}" for number in range(scenes)]
    about = {"source": "made up", "licence": "CC0-1.0", "vertical_reference": "synthetic datum, metres"}
    cities = {name: {"city": {"seed": seed, "stereo": {}}} for seed, name in enumerate(names)}
    experiment = {"scenes": {"large": dict.fromkeys(names, "split")}, "methods": list(METHODS[:methods])}
    files = {
        "datasets/large.yaml": {"name": "large", "title": "A large dataset", **about, "scenes": cities},
        "experiments/large.yaml": {"name": "large", "title": "A large experiment", **experiment},
        "config.yaml": {"experiment": "large", "experiments": "config/experiments", "datasets": "config/datasets"},
    }
    for name, content in files.items():
        path = folder / "config" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content))
    (folder / "config/methods").symlink_to(ROOT / "config/methods")


def write_trained(folder: Path, scenes: int, methods: int) -> None:
    """Write empty files in place of scenes, folds and models."""
    experiment = {"experiment": "large"}
    made = [paths.SCENE.format(dataset="large", scene=f"scene{number:04d}") for number in range(scenes)]
    made += [name.format(**experiment) for name in (paths.AREAS, paths.FOLDS_FIGURE)]
    for method in METHODS[:methods]:
        for fold in range(FOLDS):
            model = paths.MODEL.format(method=method, fold=fold, seed=0, **experiment)
            made += [f"{model}/{name}" for name in ("model.safetensors", "card.json", "history.csv")]
    for name in made:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def plan(folder: Path, *arguments: str) -> Events:
    """Return the events of a dry run of the experiment."""
    events = Events(folder / "events.jsonl")
    command = [sys.executable, "-m", "snakemake", "--dry-run", *events.flags, *arguments]
    done = subprocess.run(command, cwd=folder, env=events.environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    return events
