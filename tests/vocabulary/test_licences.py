"""Licences that forbid commercial use are recognised by their usual spellings."""

import pytest

from img2height.vocabulary.licences import restricted

FORBID = ("CC BY-NC-SA 4.0", "CC-BY-NC-4.0", "non-commercial", "Noncommercial use", "research only", "academic use")
ALLOW = ("CC0-1.0", "CC BY-SA 4.0", "Apache-2.0", "public domain", "unrecorded", "KyFromAbove, Kentucky", None)


@pytest.mark.parametrize("text", FORBID)
def test_restricted(text: str) -> None:
    assert restricted({"data": text}) == {"data": text}


@pytest.mark.parametrize("text", ALLOW)
def test_unrestricted(text: str | None) -> None:
    assert restricted({"data": text}) == {}
