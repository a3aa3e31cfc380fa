"""Provenance of the numbers: versions, seeds, and digests of code, settings and data."""

import hashlib
import importlib.metadata
import json

from pydantic import BaseModel

from img2height.provenance.modules import PACKAGE
from img2height.provenance.versions import versions
from img2height.report.run import Run
from img2height.scenes.scene import Scene


def all_versions() -> dict[str, str]:
    """Return the versions of the package, Python and the libraries, the same on machines with and without a GPU."""
    try:
        own = importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        own = "not installed"
    return {PACKAGE: own} | {name: version.split("+")[0] for name, version in versions().items()}


def origins(run: Run) -> dict[str, str]:
    """Return the versions, digests of code and settings, pretrained weights, and seeds of an experiment.

    Args:
        run: the experiment.
    """
    settings = {"protocol (params)": run.params, "experiment": run.experiment}
    recipes = {f"recipe of {name}": recipe for name, recipe in run.recipes.items()}
    return (
        {f"version of {name}": version for name, version in all_versions().items()}
        | {f"code of {program}": code for program, code in run.code.items()}
        | {f"SHA-256 of {name}": digest(value) for name, value in (settings | recipes).items()}
        | {f"encoder weights of {name}": str(origin) for name, origin in run.pretrained.items()}
        | {"seeds": ", ".join(map(str, run.experiment.seeds))}
    )


def data_digests(scene: Scene) -> dict[str, str]:
    """Return the SHA-256 of each layer of a scene, as stated in its manifest."""
    return {name: layer.sha256 for name, layer in scene.layers.items()}


def digest(settings: BaseModel) -> str:
    """Return the SHA-256 of checked settings, independent of the order and layout of their file."""
    text = json.dumps(settings.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
