"""All rules of the workflow, in an order in which they can run.

The rules take their logs from this table, the report its programs, and dvc.yaml the rules that some stages may run:

python workflow/rules/steps.py EXPERIMENT STAGE...

Tests compare the scripts, the rules and the groups of the SLURM profile with it.
"""

import sys
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import NamedTuple

import paths

SCENE = "{dataset}/{scene}"
EXPERIMENT = "{experiment}"
MODEL = "{experiment}/{method}/fold{fold}_seed{seed}"
RESULT = "{experiment}/{method}/seed{seed}/{scene}"


class Step(NamedTuple):
    """A rule.

    Args:
        rule: its name.
        stage: the stage of dvc.yaml that makes its files.
        group: the jobs that a cluster runs as one job; empty if each is submitted alone.
        job: what one job works on; its log and its times are named after it.
        file: the first file that a job makes and keeps; empty if no other job reads it.
        script: the script that it runs, if its name is not that of the rule.
    """

    rule: str
    stage: str
    group: str
    job: str
    file: str = ""
    script: str = ""

    @property
    def program(self) -> str:
        """Return the name of the script."""
        return self.script or self.rule

    @property
    def log(self) -> str:
        """Return the path of a job's log."""
        return paths.LOG.format(rule=self.rule, job=self.job)

    @property
    def benchmarks(self) -> str:
        """Return the folder of Snakemake's measurements of its jobs."""
        return paths.BENCHMARKS.format(rule=self.rule)

    @property
    def benchmark(self) -> str:
        """Return the path of the measurements of one job."""
        return f"{self.benchmarks}/{self.job}.tsv"

    @property
    def by_method(self) -> bool:
        """Return whether each job belongs to one method."""
        return self.job.startswith("{experiment}/{method}")


TABLE = (
    Step("make_city", "scenes", "scenes", SCENE),
    Step("make_land", "scenes", "scenes", SCENE),
    Step("prepare_scene", "scenes", "scenes", SCENE, paths.SCENE),
    Step("describe_dataset", "scenes", "folds", "{dataset}", paths.ABOUT),
    Step("index_tiles", "folds", "scenes", f"{{experiment}}/{SCENE}", paths.TILES),
    Step("list_scenes", "folds", "folds", EXPERIMENT, paths.LISTING),
    Step("split_folds", "folds", "folds", EXPERIMENT, paths.AREAS),
    Step("audit_folds", "folds", "folds", EXPERIMENT, paths.FOLDS_AUDIT),
    Step("augment_samples", "models", "", MODEL, f"{paths.SAMPLES}/samples.parquet"),
    Step("audit_coverage", "models", "folds", "{experiment}/{method}", paths.COVERAGE),
    Step("train", "models", "", MODEL, f"{paths.MODEL}/card.json"),
    Step("calibrate_intervals", "models", "", MODEL, paths.CALIBRATION),
    Step("find_familiarity", "models", "", MODEL, paths.FAMILIARITY),
    Step("audit_statistics", "models", "collect", EXPERIMENT, paths.STATISTICS_AUDIT),
    Step("describe_models", "models", "collect", EXPERIMENT),
    Step("predict", "results", "predict_{method}_seed{seed}", f"{RESULT}_{{height}}", f"{paths.RESULT}/{{height}}.tif"),
    Step(
        "predict_footprints",
        "results",
        "predict_{method}_seed{seed}",
        RESULT,
        f"{paths.RESULT}/height.tif",
        script="predict",
    ),
    Step("merge_pairs", "results", "finish_{method}_seed{seed}", RESULT, f"{paths.RESULT}/height.tif"),
    Step("height_intervals", "results", "finish_{method}_seed{seed}", RESULT, f"{paths.RESULT}/interval.tif"),
    Step("score_familiarity", "results", "finish_{method}_seed{seed}", RESULT, f"{paths.RESULT}/unfamiliar.tif"),
    Step("residuals", "results", "finish_{method}_seed{seed}", RESULT, f"{paths.RESULT}/residuals.tif"),
    Step("extract_buildings", "results", "finish_{method}_seed{seed}", RESULT, f"{paths.RESULT}/buildings.parquet"),
    Step("evaluate", "results", "", "{experiment}/{method}/seed{seed}", paths.SCORES),
    Step("collect_metrics", "results", "collect", EXPERIMENT, paths.METRICS),
    Step("report", "results", "", EXPERIMENT, paths.REPORT),
    Step("view", "results", "", EXPERIMENT),
    Step("quality", "results", "", EXPERIMENT),
    Step("crate", "results", "", EXPERIMENT),
    Step("published_table", "results", "", "{experiment}/{table}"),
    Step("published_figure", "results", "", "{experiment}/{figure}"),
)
STEPS = {step.rule: step for step in TABLE}


def is_recorded(stage: str, experiment: str, records: Path = Path(".snakemake/metadata")) -> bool:
    """Return whether Snakemake has records of files that a stage has made here.

    Without them, as in a worktree of a queued experiment, it would take files that DVC has put there for up to date,
    whatever has changed: it compares parameters and code with its records only.
    """
    files = [step.file.replace("{experiment}", experiment) for step in TABLE if step.stage == stage and step.file]
    made = tuple(file.partition("{")[0] for file in files)
    names = ("".join(path.relative_to(records).parts) for path in records.rglob("*") if path.is_file())
    return any(urlsafe_b64decode(name.replace("@", "")).decode().startswith(made) for name in names)


if __name__ == "__main__":
    experiment, *stages = sys.argv[1:]
    print(*(step.rule for step in TABLE if step.stage in stages))
    if not all(is_recorded(stage, experiment) for stage in stages):
        print("--forceall")
