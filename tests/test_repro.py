"""`dvc repro` after a change runs the stages that depend on it, in them the jobs that do, and no others."""

import pytest
from workflow_tree import Tree, stages_of

pytestmark = pytest.mark.slow

DATASET = "config/test/datasets/tiny.yaml"
EVERY_RULE = {
    "make_city", "prepare_scene", "describe_dataset", "index_tiles", "list_scenes", "split_folds", "audit_folds",
    "augment_samples", "audit_coverage", "train", "calibrate_intervals", "audit_statistics", "describe_models",
    "predict", "height_intervals", "extract_buildings", "evaluate", "collect_metrics", "report", "find_familiarity",
    "score_familiarity",
}  # fmt: skip
REPORTED = {"collect_metrics", "report"}
SCORED = {"evaluate", *REPORTED}
EXTRACTED = {"extract_buildings", *SCORED}
PREDICTED = {"predict", "height_intervals", *EXTRACTED}
CALIBRATED = {"calibrate_intervals", *PREDICTED}
FAMILIAR = {"find_familiarity", "score_familiarity", "report"}
TRAINED = {"train", "audit_statistics", "describe_models", *CALIBRATED, *FAMILIAR}
# One after the other: a change, the stages that DVC runs, the rules of the jobs that run in them.
CHANGES = {
    (DATASET, "seed: 11", "seed: 21"): ("scenes folds models results", EVERY_RULE - {"describe_dataset"}),
    (DATASET, "licence: CC0-1.0", "licence: CC BY 4.0"): (
        "scenes folds models results", {"describe_dataset", "describe_models", *EXTRACTED},
    ),
    # The parts are whole scenes, so that areas, samples and weights stay the same: nothing is predicted again.
    ("params.yaml", "buffer_m: null", "buffer_m: 12.0"): (
        "folds models results",
        {"split_folds", "audit_folds", "augment_samples", *TRAINED - PREDICTED - {"score_familiarity"}, *REPORTED},
    ),
    ("params.yaml", "patience: 10", "patience: 9"): ("models results", {"augment_samples", *TRAINED}),
    ("params.yaml", "overlap: 0.25", "overlap: 0.5"): ("models results", CALIBRATED),
    ("params.yaml", "min_area_m2: 20.0", "min_area_m2: 12.0"): ("results", EXTRACTED),
    ("params.yaml", "instance_iou: 0.5", "instance_iou: 0.4"): ("results", SCORED),
    ("config/methods/unet.yaml", "lr: 2.0e-3", "lr: 1.0e-3"): (
        "models results", {"augment_samples", "audit_coverage", *TRAINED},
    ),
}  # fmt: skip


def repro(tree: Tree) -> tuple[str, set[str]]:
    """Return the stages that DVC ran and the rules of the jobs that ran in them; nothing is left to do afterwards."""
    before = tree.logged()
    done = tree.run("dvc", "repro")
    assert done.returncode == 0, done.stdout[-4000:]
    assert tree.run("dvc", "status", "--quiet").returncode == 0
    assert tree.planned() == {}
    return " ".join(stages_of(done.stdout)), tree.ran_since(before)


def test_a_change_runs_the_stages_and_jobs_that_depend_on_it(tmp_path):
    tree = Tree(tmp_path).with_one_method()
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "Settings"]):
        assert tree.run("git", "-c", "user.name=tests", "-c", "user.email=tests", *command).returncode == 0
    assert repro(tree) == ("scenes folds models results", EVERY_RULE)
    assert repro(tree) == ("", set())
    found = {}
    for change in CHANGES:
        tree.replace(*change)
        found[change] = repro(tree)
    assert found == CHANGES
