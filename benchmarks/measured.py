"""Trained models with measured engines, for benchmarks: copies, so that nothing in the experiment changes."""

import shutil
from pathlib import Path

from img2height.inference.defaults import protocol
from img2height.inference.measure import measure_engines
from img2height.inference.quantise import quantise
from img2height.io.tables import read_geotable
from img2height.models.engines import ENGINES, MeasuredEngines, write_engines
from img2height.models.folder import LoadedModel, load_model
from img2height.scenes.listing import all_scenes


def measured_copy(experiment: str, method: str, folder: Path) -> tuple[LoadedModel, MeasuredEngines]:
    """Copy the trained model of the first fold and seed into a new folder, and measure its engines there."""
    model = load_model(shutil.copytree(f"models/{experiment}/{method}/fold0/seed0", folder))
    scenes = all_scenes(Path(f"data/folds/{experiment}/scenes.json"))
    areas, settings = read_geotable(f"data/folds/{experiment}/areas.parquet"), protocol().inference
    quantise(model, scenes, areas, 0, settings.window_px)
    measured = measure_engines(model, scenes, areas, 0, settings)
    write_engines(measured, folder / ENGINES)
    return model, measured
