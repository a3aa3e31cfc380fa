"""Run a study: each variant of its experiment with Snakemake, then write one table, one figure and one sentence.

    python studies/run.py config/studies/leakage.yaml --cores 2 --resources gpu=1

Arguments after the study file are passed to Snakemake: cores, resources, a profile, `-n`. All variants are planned
before the first one runs. Writes results/studies/<name>/: table.csv, table.md, figure.png.
"""

import argparse
import logging
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from img2height.cli.program import parser, run
from img2height.errors import SettingsError

if TYPE_CHECKING:  # the modules load pandas, which --help must not
    from img2height.studies.outcome import Outcome
    from img2height.studies.study import Study

BASES = Path("config/experiments")
PLAN = {"-n", "--dry-run", "--dryrun"}
logger = logging.getLogger("img2height.studies")  # programs show what the package logs

flags = parser(__doc__)
flags.add_argument("study", type=Path, help="study file, config/studies/<name>.yaml")
flags.add_argument("snakemake", nargs=argparse.REMAINDER, help="flags of Snakemake, for each variant")


def main(args: argparse.Namespace) -> None:
    """Plan, run and compare the variants."""
    from img2height.settings.parsing import read_yaml
    from img2height.settings.project import load_named
    from img2height.studies.study import Study, experiments

    study = load_named(Study, args.study.parent, args.study.stem)
    folder = Path("scratch/studies") / study.name
    found = experiments(study, read_yaml(BASES / f"{study.base}.yaml"))
    for content in found.values():
        write_experiment(content, folder)
    plan_only = bool(PLAN & set(args.snakemake))
    for content in found.values():
        call_snakemake(content["name"], folder, [*args.snakemake, "--dry-run", *([] if plan_only else ["--quiet"])])
    if plan_only:
        return
    for content in found.values():
        call_snakemake(content["name"], folder, args.snakemake)
    from img2height.studies.summary import write_summary

    outcomes = {name: read_outcome(study, name, content) for name, content in found.items()}
    logger.info(write_summary(study, outcomes, Path("results/studies") / study.name))


def write_experiment(content: dict[str, Any], folder: Path) -> None:
    """Write the experiment file of a variant."""
    import yaml

    from img2height.io.atomic import atomic_path

    with atomic_path(folder / f"{content['name']}.yaml") as file:
        file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def call_snakemake(experiment: str, folder: Path, arguments: list[str]) -> None:
    """Compute the scores of one experiment; raise an error that names it if that fails."""
    config = ["--config", f"experiment={experiment}", f"experiments={folder}"]
    command = [sys.executable, "-m", "snakemake", *arguments, *config, "--", "metrics"]
    logger.info(" ".join(command[2:]))
    if subprocess.run(command, check=False).returncode:
        raise SettingsError(f"{experiment} failed, see above. Finished steps are kept; run the same command again")


def read_outcome(study: "Study", variant: str, experiment: dict[str, Any]) -> "Outcome":
    """Return the results of a finished variant."""
    from img2height.comparison.record import read_metrics
    from img2height.io.tables import read_geotable
    from img2height.scenes.listing import tested_scenes
    from img2height.scoring.tiles import read_tiles
    from img2height.studies.outcome import Outcome
    from img2height.studies.study import BASELINE
    from img2height.tiles.record import read_audit

    results, folds = Path("results") / experiment["name"], Path("data/folds") / experiment["name"]
    seed = experiment.get("seeds", [0])[0]
    tested = tested_scenes(folds / "scenes.json", read_geotable(folds / "areas.parquet"))
    gsd_m = min(scene.grid.gsd_m for scene in tested)
    return Outcome(
        label=study.variants[variant].label,
        tiles={m: read_tiles(results / m / f"oof/seed{seed}/tiles.parquet") for m in (study.method, BASELINE)},
        block_px=round(read_metrics(results / "metrics.json").protocol.block_m / gsd_m),
        training_km2=read_audit(folds / "audit.json").mean_area_m2("train") / 1e6,
    )


if __name__ == "__main__":
    run(main, flags)
