import importlib.metadata

import pytest

from img2height.provenance.versions import versions


def test_versions_name_what_a_result_depends_on():
    assert {"python", "torch", "numpy", "rasterio"} <= set(versions())
    assert all(type(version) is str for version in versions().values())


def test_the_library_of_an_extra_may_be_missing(monkeypatch: pytest.MonkeyPatch):
    """Lightning is not needed for predictions."""
    monkeypatch.setattr("img2height.provenance.versions.LIBRARIES", ("a-library-that-nobody-has", "torch"))
    assert versions().keys() == {"python", "torch"}
    assert versions()["torch"] == importlib.metadata.version("torch")
