"""Writes the answer of a study."""

from collections.abc import Mapping
from pathlib import Path

from img2height.io.atomic import atomic_paths
from img2height.report.figures.drawing import drawn, png
from img2height.studies.area import area
from img2height.studies.leakage import leakage
from img2height.studies.outcome import Outcome
from img2height.studies.study import Study
from img2height.studies.transfer import transfer

ANSWERS = {"leakage": leakage, "transfer": transfer, "area": area}


def write_summary(study: Study, outcomes: Mapping[str, Outcome], folder: Path) -> str:
    """Write table.csv, table.md and figure.png and return the main finding.

    Args:
        study: the study.
        outcomes: by variant.
        folder: the output folder.
    """
    answer = ANSWERS[study.question](study, outcomes)
    with atomic_paths(*(folder / name for name in ("table.csv", "table.md", "figure.png"))) as (csv, markdown, figure):
        answer.table.to_csv(csv, index=False)
        markdown.write_text(answer.to_markdown(study.title), encoding="utf-8")
        figure.write_bytes(png(drawn(answer.figure)))
    return answer.finding
