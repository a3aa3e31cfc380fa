"""The life of a project: a run, an experiment, a remote, a clone elsewhere, and the way back to the first results."""

import csv
import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from own_environment import own_environment
from polling import wait_for
from workflow_events import clean_environment
from workflow_tree import METRICS, Tree

pytestmark = pytest.mark.slow

CHANGE = "buildings.min_area_m2=0.0"
PACKAGES = ("dvc-s3==3.3.0", "moto[server]==5.2.5")
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def directory(folder: Path) -> Iterator[tuple[str, Path | str, list[str]]]:
    """Yield the address of a remote, a DVC that can use it, and its further settings."""
    yield str(folder / "store"), "dvc", []


@contextmanager
def bucket(folder: Path) -> Iterator[tuple[str, Path | str, list[str]]]:
    """Yield the same for a bucket of a server on this machine, with DVC's S3 support in an environment of its own."""
    programs = own_environment(folder / "s3", *PACKAGES)
    log = folder / "server.log"
    with log.open("w") as stream, subprocess.Popen(
        [programs / "moto_server", "--host", "127.0.0.1", "--port", "0"], stdout=stream, stderr=stream
    ) as server:  # fmt: skip
        try:
            wait_for(lambda: "Press CTRL" in log.read_text(), server, log.read_text)
            url = log.read_text().partition("Running on ")[2].split()[0]
            make = "import boto3, sys; boto3.client('s3', endpoint_url=sys.argv[1]).create_bucket(Bucket='store')"
            environment = clean_environment() | KEYS
            subprocess.run([programs / "python", "-c", make, url], check=True, env=environment)
            yield "s3://store/project", programs / "dvc", ["endpointurl", url]
        finally:
            server.terminate()


def done(tree: Tree, *command: str | Path) -> str:
    """Return the output of a command, which has to succeed."""
    found = tree.run(*map(str, command), environment=clean_environment() | KEYS)
    assert found.returncode == 0, f"{command}\n{found.stdout[-4000:]}"
    return found.stdout


def commit(tree: Tree, message: str) -> str:
    """Commit all and return the revision."""
    done(tree, "git", "add", "--all")
    done(tree, "git", "-c", "user.name=tests", "-c", "user.email=tests", "commit", "--quiet", "--message", message)
    return done(tree, "git", "rev-parse", "HEAD").strip()


def results(tree: Tree) -> dict[str, str]:
    return {name: digest for name, digest in tree.digests().items() if not name.startswith("data/raw")}


@pytest.mark.parametrize("remote", [directory, bucket])
def test_results_travel_and_come_back(tree: Tree, tmp_path: Path, remote) -> None:
    origin = tree.copied(tmp_path / "origin")
    done(origin, "git", "init", "--quiet")
    with remote(tmp_path) as (address, dvc, settings):
        done(origin, dvc, "remote", "add", "--default", "store", address)
        if settings:
            done(origin, dvc, "remote", "modify", "store", *settings)
        done(origin, dvc, "repro")
        first, made, scores = commit(origin, "A run"), results(origin), origin.numbers()
        done(origin, dvc, "push")

        done(origin, dvc, "exp", "run", "--set-param", CHANGE)
        shown = json.loads(done(origin, dvc, "metrics", "diff", "--json"))[METRICS]
        assert any(value["old"] != value["new"] for value in shown.values())
        assert "min_area_m2" in done(origin, dvc, "exp", "show", "--csv")
        second, changed = commit(origin, "Smaller buildings"), results(origin)
        assert changed != made
        assert origin.numbers() != scores
        done(origin, dvc, "push")

        done(origin, "git", "clone", "--quiet", origin.folder, tmp_path / "clone")
        clone = Tree(tmp_path / "clone")
        assert done(clone, "git", "rev-parse", "HEAD").strip() == second
        done(clone, dvc, "pull")
        pulled(clone, dvc)
        assert results(clone) == changed

        done(clone, "git", "checkout", "--quiet", first)
        done(clone, dvc, "pull")
        pulled(clone, dvc)
        assert results(clone) == made
        clone.make("--cores", "1", "--", "crate")
        assert done(clone, "img2height", "verify", "results/tiny").endswith("as recorded\n")


def test_a_training_from_a_model_of_another_experiment_follows_it(tree: Tree, tmp_path: Path) -> None:
    """DVC refuses what it does not track, trains again after a change there, and brings both to a clone."""
    project = tree.copied(tmp_path / "project")
    experiments = project.folder / "config/test/experiments"
    fine = yaml.safe_load((experiments / "tiny.yaml").read_text()) | {"name": "fine", "methods": ["unet"]}
    fine["recipes"] = {"unet": {"init_from": "models/tiny/unet/fold0/seed0"}}
    (experiments / "fine.yaml").write_text(yaml.safe_dump(fine))
    replace(project, "config/config.yaml", "experiment: tiny", "experiment: fine")
    done(project, "git", "init", "--quiet")
    commit(project, "Settings")  # DVCLive needs one
    done(project, "dvc", "remote", "add", "--default", "store", tmp_path / "store")
    refused = project.run("dvc", "repro")
    assert refused.returncode != 0
    assert "models/tiny/unet/fold0/seed0/model.safetensors, which DVC does not track" in refused.stdout

    replace(project, "dvc.yaml", "foreach: []", "foreach: [tiny]")
    assert ran(done(project, "dvc", "repro")) == ["starts@tiny", "models", "results"]
    first = results(project)
    with project.edited("config/test/experiments/tiny.yaml", "samples: 16", "samples: 24"):
        assert ran(done(project, "dvc", "repro")) == ["scenes", "starts@tiny", "models", "results"]
        second = results(project)
        done(project, "dvc", "status", "--quiet")
        weights = [f"models/{name}/unet/fold0/seed0/model.safetensors" for name in ("tiny", "fine")]
        assert [first[name] == second[name] for name in weights] == [False, False]
        assert project.planned() == {}
        commit(project, "A run")
        done(project, "dvc", "push")
    done(project, "git", "clone", "--quiet", project.folder, tmp_path / "clone")
    clone = Tree(tmp_path / "clone")
    done(clone, "dvc", "pull")
    done(clone, "make", "--old-file", ".venv/.ready", "pulled")
    assert clone.planned() == clone.planned("--config", "experiment=tiny", "--", "models") == {}
    assert results(clone) == {name: second[name] for name in results(clone)}
    assert set(weights) < results(clone).keys()


def ran(said: str) -> list[str]:
    """Return the stages that DVC ran, in order."""
    return re.findall(r"^Running stage '(.+)':", said, re.MULTILINE)


def replace(tree: Tree, file: str, old: str, new: str) -> None:
    """Replace text in a file for good."""
    text = (tree.folder / file).read_text()
    assert old in text
    (tree.folder / file).write_text(text.replace(old, new, 1))


def test_queued_experiments_run_in_worktrees_of_their_own(tree: Tree, tmp_path: Path) -> None:
    """And have the scores of an experiment that runs here."""
    project = tree.copied(tmp_path / "project")
    done(project, "git", "init", "--quiet")
    done(project, "dvc", "repro")
    commit(project, "A run")
    made, scores = results(project), project.numbers()
    names = {"small": "0.0", "large": "400.0"}
    for name, area in names.items():
        done(project, "dvc", "exp", "run", "--queue", "--name", name, "--set-param", f"buildings.min_area_m2={area}")
    done(project, "dvc", "queue", "start", "--jobs", "1")
    for name in names:  # one after the other; each has the usual patience
        wait_for(
            lambda name=name: "Success" in state(project, name), said=lambda: done(project, "dvc", "queue", "status")
        )
    assert (results(project), project.numbers()) == (made, scores)
    rows = list(csv.DictReader(done(project, "dvc", "exp", "show", "--csv").splitlines()))
    assert {row["Experiment"]: row["buildings.min_area_m2"] for row in rows if row["Experiment"]} == names
    done(project, "dvc", "exp", "apply", "small")
    applied = results(project)
    done(project, "dvc", "status", "--quiet")
    project.make("--cores", "2")
    assert results(project) == applied != made


def state(tree: Tree, name: str) -> str:
    """Return the row of an experiment in the list of DVC's queue."""
    return next(row for row in done(tree, "dvc", "queue", "status").splitlines() if name in row.split())


@pytest.mark.parametrize("link", ["hardlink", "symlink"])
def test_snakemake_replaces_files_that_are_links_into_the_cache(tree: Tree, tmp_path: Path, link: str) -> None:
    """DVC protects such files; a program that wrote through the link would alter the cache."""
    project = tree.copied(tmp_path / "project")
    done(project, "git", "init", "--quiet")
    done(project, "dvc", "config", "cache.type", link)
    done(project, "dvc", "repro")
    made = results(project)
    with project.edited("params.yaml", "min_area_m2: 20.0", "min_area_m2: 0.0"):
        project.make("--cores", "1")
        assert results(project) != made
    cached = [path for path in (project.folder / ".dvc/cache/files/md5").rglob("*") if path.is_file()]
    altered = [path for path in cached if md5(path) != (path.parent.name + path.name).removesuffix(".dir")]
    assert cached and altered == []
    done(project, "dvc", "checkout", "--force")
    assert results(project) == made


def md5(path: Path) -> str:
    """Return the digest after which DVC names a file of its cache."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def pulled(tree: Tree, dvc: Path | str) -> None:
    """Do what `make pulled` does; both drivers have nothing to do afterwards."""
    done(tree, dvc, "status", "--quiet")
    tree.make("--touch", "--forceall", "--cores", "1")
    assert tree.planned() == {}
    done(tree, dvc, "status", "--quiet")
