"""Writes a city to disk in the form in which a provider would deliver it."""

from pathlib import Path

import geopandas
import numpy as np

from img2height.io.grid import Grid
from img2height.io.rasters import Band, height_band, write_cog
from img2height.io.tables import write_geopackage
from img2height.scenes.city.model import City
from img2height.scenes.city.optical import BANDS
from img2height.scenes.city.sar import BANDS as POLARISATIONS
from img2height.scenes.city.stereo import Stereo
from img2height.scenes.synthetic import EPSG, synthetic_grid
from img2height.vocabulary.layers import NODATA


def write_city(city: City, eo: np.ndarray, folder: Path, *, sar: np.ndarray | None, stereo: Stereo | None) -> None:
    """Write the rasters and building footprints of a city to a folder; `city.write` lists them."""
    folder = Path(folder)
    grid = synthetic_grid(city.settings)
    write_cog(folder / "eo.tif", eo, grid, [Band(name) for name in BANDS])
    for name in ("dsm", "dtm", "ndsm"):
        write_cog(folder / f"{name}.tif", getattr(city, name), grid, [height_band(name)], nodata=NODATA)
    for name in ("building", "water", "forest"):
        write_cog(folder / f"{name}.tif", getattr(city, name).astype(np.uint8), grid, [Band(name)], categorical=True)
    _write_buildings(city, folder / "buildings.gpkg")
    if sar is not None:
        write_cog(folder / "sar.tif", sar, grid, [Band(name, "dB") for name in POLARISATIONS], nodata=np.nan)
    if stereo is not None:
        _write_stereo(stereo, grid, folder)


def _write_stereo(stereo: Stereo, grid: Grid, folder: Path) -> None:
    raw = np.where(np.isfinite(stereo.raw), stereo.raw, np.float32(NODATA))
    write_cog(folder / "dsm_initial.tif", raw, grid, [height_band("dsm")], nodata=NODATA)
    for number, view in enumerate(stereo.views, 1):
        write_cog(folder / f"view_{number}.tif", view, grid, [Band("pan")])
    stereo.pairs.to_csv(folder / "pairs.csv", index=False)


def _write_buildings(city: City, path: Path) -> None:
    columns = ("building_id", "height_m", "eaves_m", "ground_m", "roof")
    frame = geopandas.GeoDataFrame(
        {name: [getattr(building, name) for building in city.buildings] for name in columns},
        geometry=[building.polygon for building in city.buildings],
        crs=EPSG,
    )
    write_geopackage(frame, path, "buildings")
