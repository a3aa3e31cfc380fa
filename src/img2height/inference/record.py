"""The record of a prediction: everything that its bytes depend on, stored with the finished strips.

Finished strips are used only if nothing in the record has changed.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from img2height.errors import Img2HeightError
from img2height.inference.engines import OPENVINO_INT8
from img2height.inference.engines.choose import package_versions
from img2height.inference.engines.eager import device_of
from img2height.inference.plan import Task
from img2height.io.atomic import file_digest
from img2height.io.parts import parts_of
from img2height.io.tables import read_json, write_json
from img2height.models.engines import INT8
from img2height.provenance.digest import code_digest
from img2height.provenance.versions import versions
from img2height.samples.inputs import layers_read
from img2height.settings.installed import network_modules

logger = logging.getLogger(__name__)

RECORD = "record.json"


def record_of(task: Task, devices: Sequence[str], threads: int) -> dict[str, object]:
    """Return plain values that differ if the bytes of a prediction may differ.

    The model is identified by its card, which contains the digest of its weights.

    Args:
        task: the prediction.
        devices: torch's names.
        threads: compute threads on a CPU.

    Raises:
        DataError: a raster is in an archive or on a server.
    """
    model = task.model
    read = layers_read(model.inputs, task.scene, task.views, model.recipe.optional)
    layers = [name for parts in read.values() for name, _ in parts]
    inputs = files_of([task.scene.path(name) for name in layers])
    return {
        "model": hashlib.sha256(json.dumps(model.card.to_json(), sort_keys=True).encode()).hexdigest(),
        "inputs": inputs,
        "units": [task.scene.layers[name].unit for name in layers],
        "settings": task.settings.model_dump(mode="json"),
        "area": hashlib.sha256(task.area.wkb).hexdigest() if task.area is not None else None,
        "int8": file_digest(model.folder / INT8) if task.settings.engine == OPENVINO_INT8 and model.folder else None,
        "draws": task.draws,
        "seed": task.seed,
        "code": code_digest("img2height.inference.compute", *_also(task)),
        "versions": versions() | package_versions([task.settings.engine]),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "devices": sorted({device_of(device).type for device in devices}),
        "threads": threads,
    }


def _also(task: Task) -> tuple[str, ...]:
    """Return the modules that a prediction runs but that `compute` does not import by name."""
    return network_modules()[task.model.recipe.network], "img2height.scenes.initial", "img2height.inference.rescaled"


def files_of(rasters: Iterable[Path]) -> list[list[str | int]]:
    """Return path, size and modification time of each file of the rasters, in order.

    A digest of the content would require reading a large image once more; a rewritten file has a different time.

    Raises:
        DataError: a file is in an archive or on a server.
    """
    files = [part.resolve() for raster in rasters for part in parts_of(raster)]
    return [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]


@contextmanager
def resumable(folder: Path, record: dict[str, object]) -> Iterator[None]:
    """Keep the content of a folder if it was made with the same record, else empty it, and run the block.

    After an error the folder keeps the finished strips, so that the same call resumes. It is removed if there are none
    and the user has to change something, or if it contains nothing else.

    Args:
        folder: of one prediction only.
        record: see `record_of`.
    """
    record = json.loads(json.dumps(record))  # as it will be read
    before = read_json(folder / RECORD) if (folder / RECORD).is_file() else None
    if before == record:
        logger.info("%s: resuming an earlier run", folder)
    else:
        if before is not None:
            changed = sorted(key for key in before | record if before.get(key) != record.get(key))
            logger.info("%s: starting over, because these have changed: %s", folder, ", ".join(changed))
        shutil.rmtree(folder, ignore_errors=True)
        write_json(record, folder / RECORD)
    try:
        yield
    except BaseException as error:
        finished = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        if finished == [RECORD] or (isinstance(error, Img2HeightError) and not any(map(_is_strip, finished))):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _is_strip(name: str) -> bool:
    return name.endswith((".npy", ".tif"))  # or a finished raster of several
