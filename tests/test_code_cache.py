"""Code digests are taken from the last run, unless a source file has changed since."""

import json

import code_cache
import pytest
from code_cache import FILE, cached_digest

from img2height.provenance.digest import code_digest, code_parts

SCRIPT = "scripts/one.py"


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / SCRIPT
    path.parent.mkdir()
    path.write_text("print(1)\n")
    forget()
    yield path
    forget()


def forget() -> None:
    """Forget what is kept in memory, as a new process does."""
    for function in (code_digest, code_parts, code_cache._stored, code_cache._state):
        function.cache_clear()


def test_a_digest_is_kept_until_a_source_file_changes(script):
    first = cached_digest(SCRIPT)
    assert first == code_digest(SCRIPT)
    content = json.loads(FILE.read_text())
    assert content["digests"] == {SCRIPT: first}
    FILE.write_text(json.dumps(content | {"digests": {SCRIPT: "kept"}}))
    forget()
    assert cached_digest(SCRIPT) == "kept"

    script.write_text("print(2)\n")
    forget()
    assert cached_digest(SCRIPT) == code_digest(SCRIPT) != first
    assert json.loads(FILE.read_text())["digests"] == {SCRIPT: code_digest(SCRIPT)}


def test_a_damaged_cache_is_replaced(script):
    FILE.parent.mkdir()
    FILE.write_bytes(b"")
    assert cached_digest(SCRIPT) == code_digest(SCRIPT)
    assert json.loads(FILE.read_text())["digests"] == {SCRIPT: code_digest(SCRIPT)}


def test_modules_that_a_script_loads_by_name_count(script):
    unet, segnet = (cached_digest(SCRIPT, f"img2height.methods.{name}") for name in ("unet", "segnet"))
    assert unet == code_digest(SCRIPT, "img2height.methods.unet") != segnet
    assert len(json.loads(FILE.read_text())["digests"]) == 2


def test_code_of_other_packages_is_not_kept(script):
    """The package is one that ours does not import, because digests follow it from then on."""
    assert cached_digest(SCRIPT, "pluggy") == code_digest(SCRIPT, "pluggy")
    assert not FILE.exists()
