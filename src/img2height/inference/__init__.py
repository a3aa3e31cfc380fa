"""Inference: predicts height maps with a model folder, in memory that does not grow with the height of the image."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from img2height.inference.predict import predict_raster
    from img2height.models.folder import load_model

__all__ = ["load_model", "predict_raster"]


def __getattr__(name: str) -> object:
    """Return the prediction functions, imported on first access, because joining rasters needs no torch."""
    if name == "load_model":
        from img2height.models.folder import load_model

        return load_model
    if name == "predict_raster":
        from img2height.inference.predict import predict_raster

        return predict_raster
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
