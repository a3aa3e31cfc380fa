"""dvc.yaml, the table of rules and the workflow describe the same run: rules, stages, parameters and outputs fit."""

import shlex
import shutil
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from types import SimpleNamespace

import paths
import pytest
import yaml
from dvc.dependency import ParamsDependency
from dvc.repo import Repo
from dvc.stage import PipelineStage
from settings_file import SettingsFile
from starts import starts_of
from steps import STEPS, TABLE, is_recorded
from workflow_rules import ROOT, TARGETS, Workflow, directives, file_of, loaded_workflow, pattern

from img2height.provenance.digest import code_digest
from img2height.settings.protocol import Params

EXPERIMENT = yaml.safe_load((ROOT / "config/config.yaml").read_text())["experiment"]
STAGES = tuple(dict.fromkeys(step.stage for step in TABLE))
CODE = {"workflow/Snakefile", "workflow/rules", "scripts", "src/img2height"}
ORDER = (
    "input", "output", "log", "benchmark", "register_wildcard_constraints", "priority", "conda", "threads", "resources",
    "params", "message", "shellcmd",
)  # fmt: skip


@pytest.fixture(scope="module")
def workflow() -> Iterator[Workflow]:
    with loaded_workflow() as loaded:
        yield loaded


@pytest.fixture(scope="module")
def stages() -> dict[str, PipelineStage]:
    with Repo(ROOT) as repo:
        return by_name(repo)


def by_name(repo: Repo) -> dict[str, PipelineStage]:
    return {stage.name: stage for stage in repo.index.stages if isinstance(stage, PipelineStage)}


def of_experiment(pattern: str) -> str:
    return pattern.replace("{experiment}", EXPERIMENT)


def outs(stage: PipelineStage) -> list[str]:
    return [out.def_path for out in stage.outs]


def keys(stage: PipelineStage) -> set[str]:
    """Return the keys of params.yaml on which a stage depends."""
    return {key for dep in stage.deps if isinstance(dep, ParamsDependency) for key in dep.params}


def made_by(workflow: Workflow, rule: str) -> list[str]:
    """Return the patterns of the files that a rule makes and keeps."""
    made = [of_experiment(pattern(path)) for path in workflow.get_rule(rule).output]
    return [path for path in made if not path.startswith("scratch/")]


def test_the_table_has_every_rule_once(workflow):
    found = [rule.name for rule in workflow.rules if file_of(rule) not in ("Snakefile", TARGETS)]
    assert sorted(found) == sorted(step.rule for step in TABLE)


def test_the_table_has_every_script():
    assert {step.program for step in TABLE} == {path.stem for path in (ROOT / "scripts").glob("*.py")}


def test_the_table_is_in_an_order_in_which_the_rules_can_run(workflow):
    made = {path: place for place, rule in enumerate(STEPS) for path in made_by(workflow, rule)}
    for place, rule in enumerate(STEPS):
        needed = [of_experiment(pattern(path)) for path in workflow.get_rule(rule).input if isinstance(path, str)]
        assert [path for path in needed if made.get(path, -1) >= place] == []


def test_trainings_start_in_the_order_of_the_methods(workflow):
    """After what can refuse a training, and before what needs none."""
    train = workflow.get_rule("train").priority
    found = [train(SimpleNamespace(method=method)) for method in workflow.globals["METHODS"]]
    assert found == sorted(found, reverse=True) and len(set(found)) == len(found)
    first = [workflow.get_rule(rule).priority for rule in ("audit_coverage", "augment_samples")]
    assert min(first) > max(found) and min(found) > max(workflow.get_rule(r).priority for r in ("predict", "evaluate"))


def test_stages_are_in_the_order_of_the_table(stages):
    assert tuple(stages) == STAGES
    owner = {out: name for name, stage in stages.items() for out in outs(stage)}
    for name, stage in stages.items():
        before = [owner[dep.def_path] for dep in stage.deps if dep.def_path in owner]
        assert all(STAGES.index(other) < STAGES.index(name) for other in before)


@pytest.mark.parametrize("name", STAGES)
def test_the_command_of_a_stage_uses_the_table_and_sets_no_resources(stages, workflow, tmp_path, name):
    flags = '--profile "${SNAKEMAKE_PROFILE:-workflow/profiles/local}" --allowed-rules'
    rules = f"$(python workflow/rules/steps.py {EXPERIMENT} {name})"
    command, targets = stages[name].cmd.split(" -- ")
    if name == "scenes":
        loop = f"rules={rules} && for name in $(python workflow/rules/starts.py) {EXPERIMENT}; do "
        assert command == f"{loop}snakemake {flags} $rules --config experiment=$name"
        targets = targets.removesuffix(" || exit 1; done")
    else:
        assert command == f"snakemake {flags} {rules} --config experiment={EXPERIMENT}"
    found = {rule.name for rule in workflow.rules if rule.norun} | {"report"}
    assert set(targets.split()) <= found
    listed = subprocess.run(
        [sys.executable, ROOT / "workflow/rules/steps.py", EXPERIMENT, name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.split() == [*(step.rule for step in TABLE if step.stage == name), "--forceall"]


@pytest.mark.parametrize("name", STAGES)
def test_outs_are_the_outputs_of_the_rules(stages, workflow, name):
    files = [path for step in TABLE if step.stage == name for path in made_by(workflow, step.rule)]
    for out in outs(stages[name]):
        assert any(within(file, out) for file in files), out
    for file in files:
        assert any(within(file, out) for out in outs(stages[name])), file


def within(file: str, out: str) -> bool:
    return file == out or file.startswith(f"{out}/")


@pytest.mark.parametrize("name", STAGES)
def test_params_are_those_that_the_rules_read(stages, workflow, name):
    rules = [workflow.get_rule(step.rule) for step in TABLE if step.stage == name]
    read = {given.name for rule in rules for given in rule.params if isinstance(given, SettingsFile)}
    used = set(Params.model_fields) if "params" in read else read & set(Params.model_fields)
    assert used == keys(stages[name])


@pytest.mark.parametrize("name", STAGES)
def test_deps_exist_and_contain_all_code(stages, name):
    deps = {dep.def_path for dep in stages[name].deps}
    assert deps >= CODE
    made = {out for stage in stages.values() for out in outs(stage)}
    delivered = [dep for dep in deps if not any(within(out, dep) for out in made)]
    assert [dep for dep in delivered if not (ROOT / dep).exists()] == []


@pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # in DVC's graph
def test_the_models_of_another_experiment_are_made_first_and_tracked(tmp_path, stages):
    """The stage for them does the same for another experiment, and no stage runs before those whose files it needs."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text().replace("foreach: []", "foreach: [base]"))
    with Repo.init(tmp_path, no_scm=True) as repo:
        found = by_name(repo)
        follows = {name: {other.name for other in repo.index.graph[stage]} for name, stage in found.items()}
    start, own = found["starts@base"], (stages["folds"], stages["models"])
    assert follows["starts@base"] == {"scenes"}
    assert "starts@base" in follows["models"]
    record = paths.START.format(experiment=EXPERIMENT, start="base")
    assert record in outs(start) and f">{record}" in start.cmd
    made = set(outs(start)) - {record}
    assert all(any(within(out.replace(EXPERIMENT, "base"), other) for other in made) for s in own for out in outs(s))
    deps = {dep.def_path.replace(EXPERIMENT, "base") for stage in own for dep in stage.deps}
    assert deps - made == {dep.def_path for dep in start.deps}
    assert keys(start) == {key for stage in own for key in keys(stage)}


def test_a_stage_is_recorded_if_snakemake_knows_a_file_of_it(tmp_path):
    """Names of records are encoded paths; long ones are divided into folders that begin with @."""
    path = b"models/own/" + 200 * b"m" + b"/fold0/seed0/card.json"
    name = urlsafe_b64encode(path).decode()
    (tmp_path / f"@{name[:254]}").mkdir()
    (tmp_path / f"@{name[:254]}" / name[254:]).touch()
    found = {
        (stage, experiment): is_recorded(stage, experiment, tmp_path)
        for stage in STAGES
        for experiment in ("own", "ow")
    }
    assert [key for key, recorded in found.items() if recorded] == [("models", "own")]


def test_starts_are_the_other_experiments_of_the_recipes():
    recipes = {"a": None, "b": {"lr": 1}, "c": {"init_from": "models/own/c/fold0/seed0"}}
    others = {name: {"init_from": f"models/{name}/unet/fold0/seed0"} for name in ("second", "first")}
    assert starts_of({"name": "own", "recipes": {**recipes, **others, "d": {"init_from": "data/raw/model"}}}) == [
        *others
    ]
    assert starts_of({"name": "own"}) == []


@pytest.mark.parametrize("step", TABLE, ids=lambda step: step.rule)
def test_a_rule_runs_its_script_and_logs_as_the_table_says(workflow, step):
    rule = workflow.get_rule(step.rule)
    assert pattern(rule.log[0]) in (step.log, of_experiment(step.log))
    assert pattern(rule.benchmark) in (step.benchmark, of_experiment(step.benchmark))
    first, *lines = rule.shellcmd.strip().splitlines()
    assert first in ("exec &>{log:q}", "exec &>{log.text:q}")
    (call,) = [line for line in map(str.strip, lines) if not line.startswith(("#", "-", "{"))]
    assert shlex.split(call.removeprefix("exec "))[:2] == ["python", f"scripts/{step.program}.py"]


@pytest.mark.parametrize("step", TABLE, ids=lambda step: step.rule)
def test_a_rule_has_the_digest_of_its_code(workflow, step):
    digest = workflow.get_rule(step.rule).params.code
    assert callable(digest) or digest == code_digest(ROOT / f"scripts/{step.program}.py")


@pytest.mark.parametrize("step", TABLE, ids=lambda step: step.rule)
def test_a_rule_requests_more_at_each_attempt(workflow, step):
    for resource in ("mem_mb", "runtime"):
        amount = workflow.get_rule(step.rule).resources[resource]
        first, second = (amount.evaluate(None, attempt=attempt).value for attempt in (1, 2))
        assert second == 2 * first > 0


def test_rules_follow_one_pattern(workflow):
    for rule, found in directives(workflow).items():
        if rule in STEPS:
            assert found == [name for name in ORDER if name in found], rule
            assert set(ORDER) - {"input", "register_wildcard_constraints", "priority"} <= set(found), rule


def test_every_path_is_used():
    files = [path.read_text() for path in (ROOT / "workflow").rglob("*") if path.suffix in (".smk", ".py")]
    used = "".join([*files, (ROOT / "workflow/Snakefile").read_text()])
    names = [name for name in vars(paths) if name.isupper()]
    assert [name for name in names if f"paths.{name}" not in used and f"{{{name}}}" not in used] == []
