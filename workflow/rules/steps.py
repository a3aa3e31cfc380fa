"""Every rule of the workflow once, in an order in which they can run.

The rules take their logs from this table, the report its programs, dvc.yaml what a stage may run:

python workflow/rules/steps.py STAGE

Tests hold the scripts, the rules and the groups of the SLURM profile against it.
"""

import sys
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
        stage: of dvc.yaml, that makes its files.
        group: of jobs that a cluster runs as one; empty for jobs of their own.
        job: what one job works on; its log and its times are named after it.
        script: that it runs, where its name is not that of the rule.
    """

    rule: str
    stage: str
    group: str
    job: str
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
        """Return whether each job works for one method."""
        return self.job.startswith("{experiment}/{method}")


TABLE = (
    Step("make_city", "scenes", "scenes", SCENE),
    Step("make_land", "scenes", "scenes", SCENE),
    Step("prepare_scene", "scenes", "scenes", SCENE),
    Step("index_tiles", "folds", "scenes", f"{{experiment}}/{SCENE}"),
    Step("list_scenes", "folds", "folds", EXPERIMENT),
    Step("split_folds", "folds", "folds", EXPERIMENT),
    Step("audit_folds", "folds", "folds", EXPERIMENT),
    Step("augment_samples", "models", "", MODEL),
    Step("audit_coverage", "models", "folds", "{experiment}/{method}"),
    Step("train", "models", "", MODEL),
    Step("audit_statistics", "models", "collect", EXPERIMENT),
    Step("predict", "results", "predict_{method}_seed{seed}", f"{RESULT}_{{height}}"),
    Step("predict_footprints", "results", "predict_{method}_seed{seed}", RESULT, script="predict"),
    Step("merge_pairs", "results", "finish_{method}_seed{seed}", RESULT),
    Step("residuals", "results", "finish_{method}_seed{seed}", RESULT),
    Step("extract_buildings", "results", "finish_{method}_seed{seed}", RESULT),
    Step("evaluate", "results", "", "{experiment}/{method}/seed{seed}"),
    Step("collect_metrics", "results", "collect", EXPERIMENT),
    Step("report", "results", "", EXPERIMENT),
    Step("published_table", "results", "", "{experiment}/{table}"),
    Step("published_figure", "results", "", "{experiment}/{figure}"),
)
STEPS = {step.rule: step for step in TABLE}


if __name__ == "__main__":
    print(*(step.rule for step in TABLE if step.stage == sys.argv[1]))
