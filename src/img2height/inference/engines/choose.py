"""Chooses the engine of a prediction: the one that is named, or the fastest that was admitted for the model."""

import logging
from collections.abc import Iterable
from importlib.util import find_spec

from img2height.cpu import computes_in_bfloat16, multiplies_int8
from img2height.errors import ModelError
from img2height.inference.engines import (
    AUTO,
    BFLOAT16,
    EXACT,
    FASTEST_FIRST,
    OF_OPENVINO,
    OPENVINO_BFLOAT16,
    OPENVINO_INT8,
)
from img2height.inference.engines.eager import device_of
from img2height.inference.engines.openvino import INSTALL, PACKAGES
from img2height.models.engines import INT8, MeasuredEngines, read_engines
from img2height.models.folder import LoadedModel
from img2height.provenance.versions import installed

logger = logging.getLogger(__name__)

GRAPH_MAKERS = ("torch", *PACKAGES)  # their versions decide which operations a graph has, in which order


def choose_engine(model: LoadedModel, engine: str, device: str, draws: int = 0) -> str:
    """Return the name of the engine for a prediction, and log why.

    It depends on the files of the model and on what the processor and the installed packages can do, not on the time.

    Args:
        model: with its folder, which contains the measurement of the engines.
        engine: a name, or `auto`.
        device: torch's name, or `auto`.
        draws: number of predictions with active dropout.

    Raises:
        ModelError: the engine that is named cannot be used here, or was refused for the model.
        DataError: the measurement or int8.safetensors was altered.
    """
    if engine == EXACT:
        return EXACT
    measured = read_engines(model.folder, model.card.weights_sha256) if model.folder else None
    if engine != AUTO:
        if why := _obstacle(engine, measured, device, draws):
            raise ModelError(f"engine {engine}: {why}; use exact or auto, or another engine")
        if measured is None:
            logger.warning("engine %s: how it changes the scores of this model was not measured", engine)
        return engine
    if measured is None:
        logger.warning(
            "engine exact: the model has no engines.json, which says which faster engines keep its scores; the "
            "workflow writes it with inference.engine: auto"
        )
        return EXACT
    for name in FASTEST_FIRST:
        why = _obstacle(name, measured, device, draws) or ("" if name in measured.engines else "was not measured")
        if not why:
            logger.info(
                "engine %s: %s on %d validation windows", name, measured.engines[name].summary, measured.windows
            )
            return name
        logger.info("engine %s is not used: %s", name, why)
    return EXACT


def engines_here(model: LoadedModel) -> list[str]:
    """Return the engines other than exact that this machine can run on its CPU with a model, fastest first."""
    quantised = model.folder is not None and (model.folder / INT8).is_file()
    return [name for name in FASTEST_FIRST if not lacking(name) and (quantised or name != OPENVINO_INT8)]


def package_versions(engines: Iterable[str]) -> dict[str, str]:
    """Return the versions of the packages that some engines add to torch, by name."""
    return installed(PACKAGES) if set(engines) & set(OF_OPENVINO) else {}


def engine_in_words(engine: str) -> str:
    """Return the name of an engine with the versions of its packages, e.g. `openvino (openvino 2026.4.1)`."""
    versions = ", ".join(f"{name} {version}" for name, version in package_versions([engine]).items())
    return f"{engine} ({versions})" if versions else engine


def _obstacle(engine: str, measured: MeasuredEngines | None, device: str, draws: int) -> str:
    """Return why an engine cannot be used, empty if it can."""
    on_gpu = device_of(device).type != "cpu"
    if engine in OF_OPENVINO and (on_gpu or draws):
        return "computes on a CPU and without draws only"
    if why := "" if on_gpu else lacking(engine):
        return why
    if engine == OPENVINO_INT8 and (why := _unlike_quantised(measured)):
        return why
    found = measured.engines.get(engine) if measured else None
    return "; ".join(found.refused) if found else ""


def _unlike_quantised(measured: MeasuredEngines | None) -> str:
    """Return why the limits of 8 bits cannot be used, empty if they can: they count the operations of a graph."""
    if measured is None or measured.int8_sha256 is None:
        return f"the model has no measured {INT8}"
    here = installed(GRAPH_MAKERS)
    before = [
        f"{name} {measured.versions.get(name)}" for name in GRAPH_MAKERS if measured.versions.get(name) != here[name]
    ]
    return f"was quantised with {', '.join(before)}, here are other versions" if before else ""


def lacking(engine: str) -> str:
    """Return what an engine lacks on this machine, empty if it lacks nothing."""
    if engine in OF_OPENVINO and (missing := [name for name in PACKAGES if find_spec(name) is None]):
        return f"needs {', '.join(missing)}; {INSTALL}"
    if engine == OPENVINO_INT8 and not multiplies_int8():
        return "the processor has no VNNI, without which sums of 8 bits overflow"
    if engine in (BFLOAT16, OPENVINO_BFLOAT16) and not computes_in_bfloat16():
        return "the processor does not compute in bfloat16"
    return ""
