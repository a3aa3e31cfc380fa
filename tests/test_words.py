"""The package, its messages, its pages and its tests use the same plain words for the same things."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("src", "scripts", "studies", "workflow", "config", "docs", "benchmarks", "findings", "tests")
FILES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "params.yaml", "Makefile", "dvc.yaml")
SUFFIXES = (".py", ".smk", ".md", ".yaml", ".html", ".rst", ".sh")
NOUNS = (
    "JSON|YAML|text|raster|vector file|table|model|module|pickle|folder|file|checkpoint|multiple|number|ResNet|colour"
)
PER = "tile|scene|row|method|band|pair|fold|cell|score|building|region|view|window|validation|device|page|line|key"
WORDS = {  # pattern: what to write instead
    r"\b(test|training|validation) grounds?\b": "test area, training area; ground is terrain",
    r"(-> |: |\[)Ground\b|\bGround =|\b(by|same|audit|test|train|val)_ground|\bground_of\b|\bgrounds\b": "area, areas",
    r"\bunknown\b(?! key)": "missing or nodata; unrecorded; of a key or word: not available",
    r"(\bany_|\.|def )known\b|\bknown( =|\[|\(|\.\w|: \w+[,)])": "valid, estimated, tested, available",
    r", for (it|they|there|these|those|its|their|otherwise|nothing|nobody|some)\b": "because",
    rf"\b(is|are|be) no ({NOUNS})\b": "is not a ...",
    r"\b(tells?|told)\b": "reports, predicts, shows, is asked",
    r"\b(go|goes|going|went) on\b": "continues, resumes",
    r"\blearn(s|ed|t)? nothing\b": "has no skill; an untrained baseline",
    r"\bfingerprint": "digest",
    r"\b(really|mended|undisturbed|wholly)\b": "significant; fixed; uninterrupted; completely",
    rf"\bone \w+ an? ({PER})\b": "one ... per ...",
}


def pages() -> list[Path]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    return sorted([*found, *(ROOT / name for name in FILES)])


@pytest.mark.parametrize(("pattern", "instead"), WORDS.items(), ids=WORDS.values())
def test_words(pattern: str, instead: str) -> None:
    found = [
        f"{page.relative_to(ROOT)}:{number}: {line.strip()}"
        for page in pages()
        if page != Path(__file__)
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(pattern, line)
    ]
    assert not found, f"write {instead}:\n" + "\n".join(found)
