"""The files of a release, unpacked where there is neither git nor DVC, make the same results."""

import os
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

import pytest
from workflow_events import clean_environment
from workflow_tree import Tree

pytestmark = pytest.mark.slow

# Modules that DVC brings; imports of them fail as if they were not installed.
GUARD = """
import sys

def refuse(event, arguments):
    if event == "import" and arguments[0].split(".")[0] in {"dvc", "dvclive", "scmrepo"}:
        raise ModuleNotFoundError(arguments[0] + " is not installed")

sys.addaudithook(refuse)
"""
PROGRAMS = {"snakemake": "snakemake.cli:main", "img2height": "img2height.cli.app:app"}


def unpacked(tree: Tree, folder: Path) -> Path:
    """Return a folder with the files of the last commit, as `git archive` writes them for a release."""
    for command in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=tests", "-c", "user.email=tests", "commit", "--quiet", "--message", "A release"],
        ["archive", "--output", folder / "release.tar", "HEAD"],
    ):
        subprocess.run(["git", *map(str, command)], cwd=tree.folder, check=True)
    with tarfile.open(folder / "release.tar") as archive:
        archive.extractall(folder / "unpacked", filter="data")
    return folder / "unpacked"


def programs(folder: Path) -> Path:
    """Return the programs of an environment with the libraries of the tests, but without DVC, and with a broken git."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    own = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    (own / "guard.py").write_text(GUARD)
    # A plain path: .pth files in it are not followed, and one of them leads to the checkout.
    (own / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\nimport guard\n")
    scripts = dict.fromkeys(("git", "dvc"), "#!/bin/sh\nexit 127\n")
    for name, entry in PROGRAMS.items():
        module, function = entry.split(":")
        scripts[name] = f"#!{folder}/bin/python\nfrom {module} import {function}\n{function}()\n"
    for name, text in scripts.items():
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    return folder / "bin"


def test_an_archive_without_git_and_dvc_makes_the_same_results(small, tmp_path):
    project, own = unpacked(Tree(tmp_path / "project").with_one_method(), tmp_path), programs(tmp_path / "environment")
    assert not (project / ".git").exists()
    path = os.pathsep.join([str(own), *os.get_exec_path()])
    environment = clean_environment() | {"PATH": path, "PYTHONPATH": str(project / "src")}

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout[-6000:]}"
        return done.stdout

    assert run("python", "-c", "try: import dvclive\nexcept ImportError: print('none')") == "none\n"
    run("snakemake", "--cores", "2")
    assert Tree(project).digests() == small.digests()
    assert "DVCLive is not installed" in (project / "logs/train/tiny/unet/fold0_seed0.log").read_text()
    run("snakemake", "--cores", "2", "--", "crate")
    assert run("img2height", "verify", "results/tiny").endswith("as recorded\n")
