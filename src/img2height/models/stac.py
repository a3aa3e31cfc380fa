"""A model as a STAC item with the Machine Learning Model extension, so that catalogues find it and services can run it.

https://github.com/stac-extensions/mlm, version 1.5.
"""

from typing import Any

import shapely

from img2height.io.grid import Grid
from img2height.io.projections import GEOGRAPHIC
from img2height.models.card import CARD, SealedCard
from img2height.models.folder import WEIGHTS

EXTENSIONS = [
    "https://stac-extensions.github.io/mlm/v1.5.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
]
# A model is valid at any time: the range that the extension recommends for it.
ALWAYS = {"datetime": None, "start_datetime": "1900-01-01T00:00:00Z", "end_datetime": "9999-12-31T23:59:59Z"}
ANYWHERE = (-180.0, -90.0, 180.0, 90.0)
DIM_ORDER = ["batch", "channel", "height", "width"]
SHA256 = "1220"  # prefix of a multihash: the function, and the length of 32 bytes
Z_SCORES = ("zscore", "imagenet")  # of the normalisations, those that the extension has a word for


def stac_item(card: SealedCard) -> dict[str, Any]:
    """Return the item of a model folder; its place is that of the training areas, or the globe if unrecorded."""
    name, place = f"{card.method}-{card.weights_sha256[:12]}", _place(card)
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": EXTENSIONS,
        "id": name,
        "geometry": shapely.geometry.mapping(shapely.box(*place)),
        "bbox": list(place),
        "properties": {**ALWAYS, "title": card.recipe.title, "gsd": card.gsd_m, "license": "other", **_model(card)},
        "links": [],
        "assets": {
            "weights": {
                "href": f"./{WEIGHTS}", "type": "application/octet-stream", "roles": ["mlm:model", "mlm:weights"],
                "mlm:artifact_type": "safetensors", "file:checksum": SHA256 + card.weights_sha256,
            },
            "card": {"href": f"./{CARD}", "type": "application/json", "roles": ["metadata"]},
        },
    }  # fmt: skip


def _model(card: SealedCard) -> dict[str, Any]:
    """Return the fields of the extension."""
    shape = [-1, 1, card.tile_px or -1, card.tile_px or -1]  # -1: any
    found: dict[str, Any] = {
        "mlm:name": card.method,
        "mlm:architecture": card.recipe.network,
        "mlm:tasks": ["regression"],
        "mlm:framework": "pytorch",
        "mlm:framework_version": (card.versions or {}).get("torch"),
        "mlm:total_parameters": card.trainable_parameters,
        "mlm:pretrained_source": str(card.pretrained) if card.pretrained else None,
        "mlm:input": [_input(card, layer, bands) for layer, bands in card.inputs.items()],
        "mlm:output": [
            {
                "name": card.recipe.target, "tasks": ["regression"],
                "result": {"shape": shape, "dim_order": DIM_ORDER, "data_type": "float32"},
            }
        ],
    }  # fmt: skip
    return {key: value for key, value in found.items() if value is not None}


def _input(card: SealedCard, layer: str, bands: list[str]) -> dict[str, Any]:
    shape = [-1, len(bands), card.tile_px or -1, card.tile_px or -1]
    structure = {"shape": shape, "dim_order": DIM_ORDER, "data_type": card.dtypes.get(layer) or "float32"}
    found: dict[str, Any] = {"name": layer, "bands": bands, "input": structure}
    statistics = card.normalisation.image.get(layer)
    if statistics and card.normalisation.image_mode in Z_SCORES:
        found["value_scaling"] = [
            {"type": "z-score", "mean": mean, "stddev": deviation} for mean, deviation in statistics.values()
        ]
    return found


def _place(card: SealedCard) -> tuple[float, float, float, float]:
    """Return the box around all training areas in degrees."""
    grids = [Grid.from_json(used.grid) for used in (card.trained_on.areas if card.trained_on else [])]
    if not grids:
        return ANYWHERE
    west, south, east, north = shapely.union_all([grid.to_crs(grid.extent, GEOGRAPHIC) for grid in grids]).bounds
    return west, south, east, north
