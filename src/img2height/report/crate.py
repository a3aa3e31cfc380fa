"""A finished experiment as one file that a repository takes: a Workflow Run RO-Crate.

The archive has the workflow, settings, manifests of scenes, models, results and report at their places in the project,
and `ro-crate-metadata.json`, which gives the SHA-256 digest of each, papers, and licences of data and weights.
Profiles: https://w3id.org/ro/wfrun/workflow/0.5 and https://w3id.org/workflowhub/workflow-ro-crate/1.0.
"""

import mimetypes
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from img2height.errors import DataError
from img2height.io.atomic import SUFFIX, atomic_path, file_digest
from img2height.models.card import CARD, read_card
from img2height.models.sources import licences_of, read_sources
from img2height.report.origins import all_versions
from img2height.scenes.about import ABOUT
from img2height.scenes.scene import Scene
from img2height.settings.dataset import About
from img2height.settings.recipe import Paper
from img2height.vocabulary.licences import restricted

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
MIT = "https://spdx.org/licenses/MIT"


@dataclass(frozen=True)
class Finished:
    """A finished experiment.

    Attributes:
        title: of the experiment.
        workflow: the main file of the workflow.
        language: of the workflow.
        scenes: all of the experiment.
        papers: of its methods, by method.
        about: the origin of their datasets, by name.
        citations: what to cite for the data, by dataset; those without are left out.
        seeds: of its trainings.
        settings: files and folders that the results depend on.
        outputs: files and folders of models and results.
        left_out: files and folders in them that are not archived.
    """

    title: str
    workflow: Path
    language: str
    scenes: Sequence[Scene]
    papers: Mapping[str, Paper]
    about: Mapping[str, About]
    citations: Mapping[str, str]
    seeds: Sequence[int]
    settings: Sequence[Path]
    outputs: Sequence[Path]
    left_out: Sequence[Path] = ()


def write_crate(run: Finished, out: Path) -> None:
    """Write the archive; all paths of the run are relative to the current folder, and so are those in it.

    Args:
        run: the experiment.
        out: the archive, .zip.

    Raises:
        DataError: there are no results.
    """
    manifests = {scene.folder / "scene.json" for scene in run.scenes}
    origins = {scene.folder.parent / ABOUT for scene in run.scenes}
    given = sorted(_files(run.settings) | manifests | origins - {run.workflow})
    made = sorted(path for path in _files(run.outputs) if not {path, *path.parents} & {out, *run.left_out})
    if not made:
        raise DataError(f"{', '.join(map(str, run.outputs))}: nothing is there; run the experiment first")
    crate = ROCrate(version="1.1")  # the version of the profiles
    crate.metadata.extra_terms.update(TERMS)
    models = [path.parent for path in made if path.name == CARD]
    crate.name, crate.description = run.title, f"{run.title}: data, models, heights, buildings, scores and report."
    crate.datePublished = _date(made)
    crate.root_dataset["license"] = _terms(crate, _licences(run.about, models))
    papers = [_paper(crate, paper) for paper in _distinct(run.papers.values())]
    crate.root_dataset["citation"] = papers + [
        _data(crate, name, about, run.citations.get(name)) for name, about in run.about.items()
    ]
    crate.root_dataset["conformsTo"] = [_profile(crate, url, name) for url, name in PROFILES.items()]
    workflow = crate.add_workflow(
        run.workflow, str(run.workflow), main=True, lang=run.language,
        properties={
            "name": run.title, "license": {"@id": MIT}, **_described(run.workflow),
            "softwareRequirements": [f"{name} {version}" for name, version in all_versions().items()],
        },
    )  # fmt: skip
    objects = [crate.add_file(path, str(path), properties=_described(path)) for path in given]
    results = [crate.add_file(path, str(path), properties=_described(path)) for path in made]
    seeds = ContextEntity(
        crate, "#seeds", {"@type": "PropertyValue", "name": "seeds", "value": ", ".join(map(str, run.seeds))}
    )
    action = crate.add_action(workflow, object=[*objects, crate.add(seeds)], result=results, properties={
        "name": f"Run of {run.title}", "description": crate.description, "endTime": _date(made),
    })  # fmt: skip
    crate.root_dataset["mentions"] = [action]
    with atomic_path(out) as temporary:
        crate.write_zip(temporary)


def _files(parts: Iterable[Path]) -> set[Path]:
    """Return the files of folders, without those of programs that were killed."""
    found = [file for part in parts for file in ([part] if part.is_file() else part.rglob("*"))]
    kept = {file for file in found if file.is_file() and "__pycache__" not in file.parts}
    return {file for file in kept if not any(place.endswith(SUFFIX) for place in file.parts)}


def _described(path: Path) -> dict[str, Any]:
    media = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return {"sha256": file_digest(path), "contentSize": str(path.stat().st_size), "encodingFormat": media}


def _date(made: Sequence[Path]) -> str:
    """Return when the last file was made."""
    return datetime.fromtimestamp(max(int(path.stat().st_mtime) for path in made), UTC).isoformat()


def _licences(about: Mapping[str, About], models: Sequence[Path]) -> dict[str, str | None]:
    """Return the licences of all data and weights that the results were made from."""
    found: dict[str, str | None] = {dataset: origin.licence for dataset, origin in about.items()}
    for folder in models:
        card = read_card(folder / CARD)
        for name, licence in licences_of(card, read_sources(folder, card.weights_sha256)).items():
            found.setdefault(name, licence)
    return found


def _terms(crate: ROCrate, licences: Mapping[str, str | None]) -> ContextEntity:
    """Return the terms of the results, which were made from data and weights under these licences."""
    made_from = "; ".join(f"{name}: {text or 'not recorded'}" for name, text in licences.items())
    forbidden = ", ".join(restricted(dict(licences)))
    note = f" Not for commercial use: the licence of {forbidden} does not allow it." if forbidden else ""
    properties = {"@type": "CreativeWork", "name": "Terms of data and weights", "description": f"{made_from}.{note}"}
    return crate.add(ContextEntity(crate, "#terms", properties))


def _distinct(papers: Iterable[Paper]) -> list[Paper]:
    return list({paper.url: paper for paper in papers}.values())


def _paper(crate: ROCrate, paper: Paper) -> ContextEntity:
    properties = {"@type": "ScholarlyArticle", "name": paper.title, "datePublished": str(paper.year)}
    return crate.add(ContextEntity(crate, paper.url, properties))


def _data(crate: ROCrate, dataset: str, about: About, citation: str | None) -> ContextEntity:
    """Return a dataset, with what its file says of source, licence and citation."""
    properties = {
        "@type": "CreativeWork", "name": about.title, "creditText": about.source, "license": about.licence,
        **({"citation": citation} if citation else {}),
    }  # fmt: skip
    return crate.add(ContextEntity(crate, f"#data-{dataset}", properties))


def _profile(crate: ROCrate, url: str, name: str) -> ContextEntity:
    properties = {"@type": "CreativeWork", "name": name, "version": url.rsplit("/", 1)[1]}
    return crate.add(ContextEntity(crate, url, properties))
