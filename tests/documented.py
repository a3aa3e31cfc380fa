"""The commands and files in README, CONTRIBUTING and docs that readers are asked to run and to write."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`]+)`")
PROGRAMS = ("snakemake", "img2height", "python", "pytest", "make", "dvc", "rio", "pip")
PATTERN = re.compile(r"\.\.\.|…")  # a placeholder for the reader


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    language: str
    text: str


def blocks() -> Iterator[Block]:
    """Yield the fenced blocks of all pages."""
    for page in PAGES:
        for language, text in FENCED.findall(page.read_text(encoding="utf-8")):
            yield Block(str(page.relative_to(ROOT)), language, text)


def commands() -> list[str]:
    """Return every command once: lines of blocks without a language, and inline code that runs a program."""
    found = []
    for block in blocks():
        if not block.language:
            lines = (line.partition(" #")[0].strip() for line in block.text.splitlines())
            found += [command for line in lines if line for command in line.split(" && ")]
    for page in PAGES:
        text = FENCED.sub("", page.read_text(encoding="utf-8"))
        spans = (" ".join(span.split()) for span in INLINE.findall(text))
        found += [span for span in spans if span.startswith(tuple(f"{name} " for name in PROGRAMS))]
    return sorted({command for command in found if not PATTERN.search(command)})


def files(page: str) -> dict[str, str]:
    """Return the files that a page shows in full, by their path, which is the comment in their first line."""
    shown = (block.text for block in blocks() if block.page == page and block.language)
    named = (text.partition("\n") for text in shown if re.match(r"# \S+/\S+\.\w+\n", text))
    return {first.removeprefix("# "): rest for first, _, rest in named}
