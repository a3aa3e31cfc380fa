"""dvc.yaml and the workflow describe the same run: stages, rules, parameters and outputs fit each other."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from img2height.settings.protocol import Params

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())
TEXT = (ROOT / "dvc.yaml").read_text()
DVC = yaml.safe_load(re.sub(r"\$\{(\w+)\}", lambda found: CONFIG[found[1]], TEXT))
STAGES = DVC["stages"]
SMK = {path.stem: path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk")}
TARGETS = re.findall(r"^rule (\w+):", SMK.pop("targets"), re.M)
RULE = re.compile(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", re.M | re.S)
RULES = {name: body for text in SMK.values() for name, body in RULE.findall(text)}
VARIANTS = {name: base for text in SMK.values() for base, name in re.findall(r"^use rule (\w+) as (\w+)", text, re.M)}


def call(stage: str) -> tuple[list[str], list[str]]:
    """Return the allowed rules and the targets of a stage's command."""
    words = shlex.split(STAGES[stage]["cmd"])
    start, end = words.index("--allowed-rules") + 1, words.index("--config")
    return words[start:end], words[words.index("--") + 1 :]


def outs(stage: str) -> list[str]:
    return [out if isinstance(out, str) else next(iter(out)) for out in STAGES[stage]["outs"]]


@pytest.fixture(scope="module")
def outputs() -> dict[str, set[str]]:
    """Return what each rule makes in the default experiment, as a fresh checkout would say it."""
    command = ["snakemake", "--summary", "--quiet", "all"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines() if line.count("\t") >= 5][1:]
    made: dict[str, set[str]] = {}
    for row in rows:
        made.setdefault(row[2], set()).add(row[0])
    return made


def test_all_rules_belong_to_one_stage():
    fenced = [rule for stage in STAGES for rule in call(stage)[0]]
    assert sorted(fenced) == sorted([*RULES, *VARIANTS])


@pytest.mark.parametrize("stage", STAGES)
def test_targets_exist(stage):
    assert set(call(stage)[1]) <= {*TARGETS, "all", "report"}


@pytest.mark.parametrize("stage", STAGES)
def test_outs_hold_what_the_rules_make(stage, outputs):
    made = [outputs.get(rule, set()) for rule in call(stage)[0]]  # not every rule has work in the default experiment
    files = {file for found in made for file in found if not file.startswith("scratch/")}
    kept = [file for file in files if any(file.startswith(f"{out}/") for out in outs(stage))]
    assert sorted(files) == sorted(kept)
    assert [out for out in outs(stage) if not any(file.startswith(f"{out}/") for file in files)] == []


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_those_that_the_rules_read(stage):
    bodies = "".join(RULES[VARIANTS.get(rule, rule)] for rule in call(stage)[0])
    used = set(re.findall(r'SECTIONS\["(\w+)"\]', bodies))
    if "project.params.model_dump_json()" in bodies:
        used = set(Params.model_fields)
    assert used <= set(Params.model_fields)
    assert used == set(STAGES[stage].get("params", []))


@pytest.mark.parametrize("stage", STAGES)
def test_deps_are_the_scripts_and_rule_files(stage):
    rules = {VARIANTS.get(rule, rule) for rule in call(stage)[0]}
    deps = set(STAGES[stage]["deps"])
    scripts = {script for rule in rules for script in re.findall(r"scripts/\w+\.py", RULES[rule])}
    files = {f"workflow/rules/{name}.smk" for name, text in SMK.items() for rule in rules if f"rule {rule}:\n" in text}
    assert scripts | files | {"workflow/rules/common.smk", "src/img2height"} <= deps
    made = {out for other in STAGES for out in outs(other)}
    assert [dep for dep in deps - made if not (ROOT / dep).exists()] == []


@pytest.mark.parametrize("stage", STAGES)
def test_the_command_names_no_machine(stage):
    command = STAGES[stage]["cmd"]
    assert not re.search(r"--(cores|jobs|resources)", command)
    assert r'--profile "\${SNAKEMAKE_PROFILE:-workflow/profiles/local}"' in command


def test_stages_are_in_the_order_of_the_data():
    owner = {out: stage for stage in STAGES for out in outs(stage)}
    for index, stage in enumerate(STAGES):
        before = [owner[dep] for dep in STAGES[stage]["deps"] if dep in owner]
        assert all(list(STAGES).index(other) < index for other in before)


@pytest.mark.parametrize("rule", RULES)
def test_rules_follow_one_pattern(rule):
    body = RULES[rule]
    order = [
        "input",
        "output",
        "log",
        "benchmark",
        "wildcard_constraints",
        "conda",
        "threads",
        "resources",
        "params",
        "message",
        "shell",
    ]
    found = re.findall(r"^    (\w+):", body, re.M)
    assert found == [name for name in order if name in found]
    assert {"output", "log", "benchmark", "threads", "resources", "params", "message", "shell"} <= set(found)
    assert f"logs/{rule}/" in body
    assert f"logs/benchmarks/{rule}/" in body
    assert f"scripts/{rule}.py" in body
    assert re.search(r"mem_mb=scaled\(\d+\),\n\s+runtime=scaled\(\d+\)", body)
    assert re.search(r"exec &>\{log(\.text)?:q\}", body)


def test_every_script_is_called():
    called = {script for body in RULES.values() for script in re.findall(r"scripts/(\w+)\.py", body)}
    assert called == {path.stem for path in (ROOT / "scripts").glob("*.py")}


@pytest.mark.parametrize("rule", RULES)
def test_every_script_has_its_digest(rule):
    called = re.findall(r"scripts/(\w+)\.py", RULES[rule])
    assert set(called) <= set(re.findall(r'code_of(?:_method)?\("(\w+)"\)', RULES[rule]))
