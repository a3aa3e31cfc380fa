"""Every file that a raster or vector is read from is found, and files that may change unnoticed are refused."""

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine

from img2height.errors import DataError
from img2height.io.parts import parts_of


def raster(path):
    profile = {"driver": "GTiff", "width": 8, "height": 8, "count": 1, "dtype": "uint8", "crs": "EPSG:32633"}
    with rasterio.open(path, "w", **profile, transform=Affine(1, 0, 5e5, 0, -1, 5.8e6)) as out:
        out.write(np.ones((1, 8, 8), np.uint8))
    return path


def names(path):
    return sorted(part.name for part in parts_of(path))


def test_sidecars_of_a_raster_count_and_other_images_do_not(tmp_path):
    raster(tmp_path / "eo.tif")
    for name in ("eo.tif.aux.xml", "eo.tfw", "eo.tif.msk", "eo.prj", "eo.tif.ovr", "other.tfw"):
        (tmp_path / name).touch()
    raster(tmp_path / "eo.tiff")
    for name in ("eo.city.json", "eo.city.jsonl", "eo.fgb", "eo.pmtiles", "eo.laz", "eo.json"):  # results beside it
        (tmp_path / name).touch()
    assert names(tmp_path / "eo.tif") == ["eo.prj", "eo.tfw", "eo.tif", "eo.tif.aux.xml", "eo.tif.msk", "eo.tif.ovr"]


def test_mosaics_of_mosaics_are_followed_with_their_sidecars(tmp_path):
    raster(tmp_path / "tile.tif")
    rasterio.shutil.copy(tmp_path / "tile.tif", tmp_path / "inner.vrt", driver="VRT")
    outer = (tmp_path / "inner.vrt").read_text().replace("tile.tif", "inner.vrt")
    (tmp_path / "outer.vrt").write_text(outer)
    (tmp_path / "tile.tfw").touch()
    assert names(tmp_path / "outer.vrt") == ["inner.vrt", "outer.vrt", "tile.tfw", "tile.tif"]


def test_a_vector_mosaic_is_followed(tmp_path):
    (tmp_path / "houses.shp").touch()
    (tmp_path / "houses.dbf").touch()
    text = "<OGRVRTDataSource><OGRVRTLayer name='houses'><SrcDataSource>houses.shp</SrcDataSource></OGRVRTLayer>"
    (tmp_path / "town.vrt").write_text(text + "</OGRVRTDataSource>")
    assert names(tmp_path / "town.vrt") == ["houses.dbf", "houses.shp", "town.vrt"]


def test_a_geodatabase_is_all_its_files(tmp_path):
    (tmp_path / "town.gdb").mkdir()
    for name in ("a1.gdbtable", "gdb"):
        (tmp_path / "town.gdb" / name).touch()
    assert names(tmp_path / "town.gdb") == ["a1.gdbtable", "gdb"]


def test_a_broken_mosaic_is_one_line(tmp_path):
    (tmp_path / "eo.vrt").write_text("<VRTDataset>")
    with pytest.raises(DataError, match="cannot be read as a raster"):
        parts_of(tmp_path / "eo.vrt")
