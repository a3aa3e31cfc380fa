"""What a strip depends on: strips of a killed prediction are taken up only where nothing of it has changed."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from rasterio.io import DatasetReader
from safetensors.torch import save

from img2height.errors import DataError
from img2height.io.rasters import open_raster
from img2height.models.folder import LoadedModel
from img2height.provenance import code_digest, versions
from img2height.settings.installed import network_modules


def of_model(model: LoadedModel) -> dict:
    """Return plain values that differ between models, versions of the code and of the libraries, and kinds of CPU."""
    weights = save({name: value.contiguous() for name, value in model.network.state_dict().items()})
    code = code_digest(Path(__file__).with_name("compute.py"), network_modules()[model.recipe.network])
    return {
        "weights": hashlib.sha256(weights).hexdigest(),
        "network": hashlib.sha256(repr(model.network).encode()).hexdigest(),  # options leave no weights
        "recipe": model.recipe.model_dump(mode="json"),
        "normalisation": model.normalisation.to_json(),
        "code": code,
        "versions": versions(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
    }


def of_rasters(rasters: Iterable[DatasetReader]) -> list[list]:
    """Return path, size and time of change of each file that rasters consist of, in their order.

    A whole digest would read a large image once more; a file that was written again has another time.

    Raises:
        DataError: a file lies in an archive or on a server.
    """
    files = [Path(name).resolve() for raster in rasters for name in _files(raster)]
    return [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def _files(raster: DatasetReader) -> Iterator[str]:
    """Yield the files of a raster, and of the mosaics that a mosaic is made of."""
    for name in raster.files:
        if name.startswith("/vsi"):
            raise DataError(f"{raster.name}: is made of {name}, which may change unseen; unpack or copy it here first")
        yield name
        if name != raster.name and name.lower().endswith(".vrt"):
            with open_raster(name) as part:
                yield from _files(part)
