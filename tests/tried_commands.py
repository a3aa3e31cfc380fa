"""Ways to try the commands of the pages: on tiny districts, by planning them, or by comparing them with their help."""

import re
import shlex
from collections.abc import Callable
from functools import cache

import documented
import preloaded
from workflow_events import clean_environment
from workflow_tree import Tree

METHOD = "plainnet"  # the example of CONTRIBUTING
PLACEHOLDERS = {"<experiment>": "demo", "<dataset>": "demo", "<name>": "demo"}


@cache
def planned(tree: Tree, command: str) -> None:
    """Plan a run of Snakemake once, for any machine."""
    said(tree, command.replace("snakemake", "snakemake -n --quiet rules --cores 1", 1))


def said(tree: Tree, command: str) -> str:
    """Return the output of a command that runs the package of a tree; it has to succeed."""
    environment = clean_environment() | {"PYTHONPATH": str(tree.folder / "src"), "COLUMNS": "200"}
    for_shell = re.search(r"[*$|<>]", re.sub(r"'[^']*'", "", command))
    if re.match(r"(dvc|img2height|pytest|python|rio|snakemake) ", command) and not for_shell:
        done = preloaded.run(shlex.split(command), tree.folder, environment)
    else:
        done = tree.run("bash", "-c", command, environment=environment)
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}"
    return done.stdout


@cache
def printed(tree: Tree, command: str) -> str:
    """Return the output of a command that changes nothing, run once."""
    return said(tree, command)


def small(command: str, finished: Tree) -> None:
    """Run a command on the results of the tiny experiment."""
    small = re.sub(r"\bdemo\b", "tiny", command).replace("tiny/omniheight_eo", "tiny/unet")  # a method that tiny trains
    for out in re.findall(r"--(?:out|buildings) (\S+)", small if " predict " in small else ""):
        (finished.folder / out).unlink(missing_ok=True)
    said(finished, small)


def here(command: str, checkout: Tree) -> None:
    """Run a command as it is."""
    printed(checkout, command)


def plan(command: str, checkout: Tree) -> None:
    """Plan a run that takes long, without running it."""
    if command.startswith("python studies/"):
        said(checkout, f"{command} -n")
    else:
        planned(checkout, re.sub(r" (-n|--cores \d+|--resources gpu=\d+)\b", "", command))


def made(command: str, checkout: Tree) -> None:
    """Plan the files that a command shows, of an experiment that takes long."""
    paths = shlex.split(command)[1:]
    experiment = paths[0].split("/")[1]
    said(checkout, f"snakemake -n --quiet rules --cores 1 --config experiment={experiment} -- {shlex.join(paths)}")


def dry(command: str, checkout: Tree) -> None:
    """Have make list what it would do."""
    said(checkout, command.replace("make", "make --dry-run", 1))


def helped(command: str, checkout: Tree) -> None:
    """Check the flags of a command that takes long, or needs files that are not here, against its help."""
    words = [word for word in shlex.split(command.partition(" -- ")[0]) if "=" not in word]
    flags = [word for word in words if word.startswith("--")]
    program = words[: next((n for n, word in enumerate(words) if word.startswith("-")), len(words))]
    while program and re.search(r"^\d+$", program[-1]):
        program.pop()
    text = printed(checkout, shlex.join([*program, "--help"]))
    assert [flag for flag in flags if flag not in text] == []


def collected(command: str, checkout: Tree) -> None:
    """Collect tests that take long."""
    said(checkout, f"{command} --collect-only --quiet")


def elsewhere(command: str, checkout: Tree) -> None:
    """Leave a command to the test that runs it: tests/test_wheel.py, and for a study tests/studies/."""


HOW: dict[str, Callable[[str, Tree], None]] = {  # the first that matches
    r"img2height import-dataset (?!--list)": helped,
    r"img2height (calibrate\b|predict .*(data/raw/|/omniheight/))": helped,
    r"img2height (export |verify (results/|unet_demo)|(predict|import-resdepth|verify|export)$)": helped,
    r"img2height methods": here,
    r"(img2height|head|bash) |cat results/demo/": small,
    r"cat results/studies/|pip install ": elsewhere,
    r"cat results/": made,
    r"snakemake .*(--report|--conda-create-envs-only|profiles/gridengine)": helped,
    r"snakemake|python studies/": plan,
    r"make ": dry,
    rf"pytest .*-k {METHOD}": here,
    r"pytest ": collected,
    r"(python benchmarks/|dvc|rio|SNAKEMAKE_PROFILE=\S+ dvc)": helped,
}


def how(command: str) -> Callable[[str, Tree], None]:
    """Return how a command is tried."""
    found = [kind for pattern, kind in HOW.items() if re.match(pattern, command)]
    assert found, f"{command!r} is in no class of HOW: say how it is tried"
    return found[0]


def commands(*, run: bool) -> list[str]:
    """Return the commands that are run on the results of the tiny experiment, or all others."""
    return [command for command in documented.commands() if (how(command) is small) == run]


def attempt(command: str, tree: Tree) -> None:
    """Try a command in its way; names stand for placeholders."""
    kind = how(command)
    for placeholder, name in PLACEHOLDERS.items():
        command = command.replace(placeholder, name)
    kind(command, tree)
