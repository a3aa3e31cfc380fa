"""The life of a project: a run, an experiment, a remote, a clone elsewhere, and the way back to the first results."""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
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
