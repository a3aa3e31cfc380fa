"""The tags of height maps that say what made them; apart from `origin`, because joining maps needs no network."""

from collections.abc import Sequence

from rasterio.io import DatasetReader

TAGS = "IMG2HEIGHT_"  # prefix of the tags of height maps
MODEL_TAG, INPUTS_TAG = f"{TAGS}MODEL_SHA256", f"{TAGS}INPUTS"


def joined(rasters: Sequence[DatasetReader]) -> dict[str, str]:
    """Return the tags of what was made from several height maps: each value that one of them has, once."""
    tags = [{key: text for key, text in raster.tags().items() if key.startswith(TAGS)} for raster in rasters]
    keys = dict.fromkeys(key for found in tags for key in found)
    values = {key: [part for found in tags for part in found.get(key, "").split(", ") if part] for key in keys}
    return {key: ", ".join(dict.fromkeys(parts)) for key, parts in values.items()}
