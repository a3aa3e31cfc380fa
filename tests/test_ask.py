"""`img2height why` and `img2height status` on the real workflow."""

import re
import subprocess
from pathlib import Path

import pytest
from polling import wait_for
from typer.testing import CliRunner
from workflow_events import clean_environment
from workflow_tree import Tree

from img2height.cli.app import app

EXPERIMENT = "config/test/experiments/tiny.yaml"
DATASET = "config/test/datasets/tiny.yaml"
REPORT = "results/tiny/report.html"
CARD = "models/tiny/mean_height/fold0/seed0/card.json"
WAITING = "import pathlib, time\nwhile not pathlib.Path('go').exists():\n    time.sleep(0.01)\nraise SystemExit(1)\n"


def why(tree: Tree, *arguments: str) -> list[str]:
    """Return the lines that the command prints."""
    done = tree.run("img2height", "why", *arguments)
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


def status(tree: Tree) -> dict[str, list[list[str]]]:
    """Return state, number of jobs, time and log of each step, as far as the command prints them."""
    done = tree.run("img2height", "status", "tiny")
    assert done.returncode == 0, done.stdout
    head, *rows = (line.split() for line in done.stdout.splitlines())
    assert head == ["step", "state", "jobs", "time", "log"]
    found: dict[str, list[list[str]]] = {}
    for step, *row in rows:
        found.setdefault(step, []).append(row)
    return found


def test_an_up_to_date_target_is_reported_as_such(tree):
    (line,) = why(tree, str(tree.folder / REPORT))
    assert re.fullmatch(rf"{REPORT} is up to date, made on 20\d\d-\d\d-\d\d \d\d:\d\d", line)


def test_each_kind_of_change_is_named(tree):
    """In one plan: a key of the parameters, a definition of a module, an input, the command of a rule."""
    with (
        tree.edited("params.yaml", "min_area_m2: 20.0", "min_area_m2: 12.0"),
        tree.edited("src/img2height/methods/unet.py", "class UNet(", "SIZE = 1\n\n\nclass UNet("),
        tree.edited("src/img2height/comparison/pairwise.py", '("all", "buildings",', '("buildings", "all",'),
        tree.edited(CARD, "", "\n"),
        tree.edited("workflow/rules/evaluate.smk", "--method {wildcards.method:q}", "--method  {wildcards.method:q}"),
    ):
        head, *lines = why(tree, REPORT)
    assert head.startswith(f"{REPORT} is out of date, made on ")
    assert "  train (method unet, fold 0, seed 0): code of img2height.methods.unet (SIZE)" in lines
    assert "  extract_buildings (3 jobs): buildings.min_area_m2 was 20.0, is 12.0" in lines  # another reads CARD too
    assert any(
        re.match(rf"  predict \(.*method mean_height.*\): input {CARD} was changed on 20", line) for line in lines
    )
    assert "  evaluate (4 jobs): the command in workflow/rules/evaluate.smk" in lines
    assert "  collect_metrics: code of img2height.comparison.pairwise (_STRATA)" in lines
    assert "  report: params.buildings.min_area_m2 was 20.0, is 12.0" in lines
    assert (
        "  report: code of img2height.methods.unet (SIZE)" not in lines
    )  # it shows digests of programs, not of networks


def test_an_unrecorded_digest_and_a_missing_file_are_named(tree, tmp_path):
    tree = tree.copied(tmp_path)
    for path in (tree.folder / "logs/code").iterdir():
        path.unlink()
    (tree.folder / "results/tiny/tables/scores.md").unlink()
    with tree.edited("src/img2height/report/page.py", "", "\nwrite_report.edited = True\n"):
        lines = why(tree, "report")
    assert lines == [
        "report is out of date:",
        "  report: results/tiny/tables/scores.md does not exist",
        "  report: code (logs/code has no record of the earlier code)",
    ]


def test_a_file_that_no_rule_makes_is_refused(tree):
    done = tree.run("img2height", "why", "results/other/report.html")
    assert done.returncode != 0
    assert done.stdout.startswith("error: No rule to produce results/other/report.html")
    assert len(done.stdout.splitlines()) == 1


def test_states_of_a_finished_and_of_a_changed_experiment(tree):
    with tree.edited("params.yaml", "min_area_m2: 20.0", "min_area_m2: 12.0"):
        found = status(tree)
    assert {row[0] for step in ("make_city", "train", "predict") for row in found[step]} == {"done"}
    for step in ("extract_buildings", "evaluate", "collect_metrics", "report"):
        assert [row[0] for row in found[step]] == ["stale"]
    ((_, jobs, time, log),) = found["train"]
    assert (jobs, log) == ("4", "logs/train/tiny")
    assert re.fullmatch(r"\d:\d\d:\d\d", time)
    assert found["report"][0][3] == "logs/report/tiny.log"
    assert all((tree.folder / row[3]).exists() for rows in found.values() for row in rows)


def test_states_of_a_running_experiment_and_after_a_failure(tree, tmp_path):
    tree = tree.copied(tmp_path)
    with tree.edited(DATASET, "seed: 11", "seed: 21"), tree.edited("scripts/make_city.py", "", ""):
        (tree.folder / "scripts/make_city.py").write_text(WAITING)
        run = subprocess.Popen(["snakemake", "--cores", "1", "scenes"], cwd=tree.folder, env=clean_environment())
        wait_for(lambda: any((tree.folder / ".snakemake/incomplete").rglob("*")), run)
        found = status(tree)
        assert [row[:2] for row in found["make_city"]] == [["stale", "2"], ["running", "1"]]  # all by the new script
        assert [row[:2] for row in found["prepare_scene"]] == [["stale", "3"]]
        (tree.folder / "go").touch()
        assert run.wait() != 0
        found = status(tree)
        ((_state, jobs, log),) = [row for row in found["make_city"] if row[0] == "failed"]
        assert jobs == "1"
        assert (tree.folder / log).parent == tree.folder / "logs/make_city/tiny"
        lines = why(tree, "scenes")
        assert tree.planned("scenes") == {"make_city": 3, "prepare_scene": 3}  # failed jobs are planned again
    assert "  prepare_scene (dataset tiny, scene east): scene-tiny-east.city.seed was 11, is 21" in lines


def test_outside_a_checkout_both_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (["why", "report"], ["status", "demo"]):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 2
        assert "run this command in the folder of a checkout" in done.output
