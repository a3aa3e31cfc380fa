"""Where buildings come from, as columns of their table."""

from collections.abc import Sequence

import geopandas

from img2height.scenes.scene import Scene

DIGITS = 12  # of a digest: enough to find the model again


def with_origin(
    frame: geopandas.GeoDataFrame, method: str, weights: Sequence[str], scene: Scene, licence: str | None
) -> geopandas.GeoDataFrame:
    """Return the buildings with the columns `method`, `scene`, `model` and `licence`.

    `model` has the first `DIGITS` digits of the digests of the weights, `licence` is that of the scene's data.

    Args:
        frame: as returned by `extract`.
        method: its name.
        weights: SHA-256 digest of the weights of each fold, from the model cards.
        scene: that the heights were predicted for.
        licence: of its data; None if it is not stated, as of a given raster.
    """
    models, name = ",".join(digest[:DIGITS] for digest in weights), f"{scene.dataset}/{scene.name}"
    return frame.assign(method=method, scene=name, model=models, licence=licence).astype({"licence": "object"})
