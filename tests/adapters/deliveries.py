"""Tiny deliveries with the names, types, nodata and oddities of the real ones; one writer per adapter.

Every writer fills a folder with views of one hilly town in map coordinates, so that neighbouring tiles fit together.
"""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import geopandas
import laspy
import numpy as np
import pandas
import rasterio
from affine import Affine
from pyproj import CRS
from rasterio.features import shapes
from shapely import box
from shapely.geometry import shape

HOUSE_M, TREE_M, HIGHEST_M = 6, 4, 6
WRITERS: dict[str, Callable[[Path], None]] = {}


def writer(function: Callable[[Path], None]) -> Callable[[Path], None]:
    """Register the writer of the adapter with the name of the function."""
    WRITERS[function.__name__] = function
    return function


def scattered(*numbers: np.ndarray | int) -> np.ndarray:
    """Return pseudo-random numbers from 0 to 1 that belong to whole numbers, such as the coordinates of a pixel."""
    mixed = np.uint64(0)
    for number in numbers:
        mixed = (mixed ^ np.asarray(number).astype(np.int64).astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2**53


class Town:
    """The town seen through one grid: north-up, square pixels.

    Args:
        west: left border in map coordinates.
        north: upper border.
        gsd: side of a pixel.
        shape: rows and columns.
        unit: side of the squares of which houses consist, in map units; by default a pixel.
    """

    def __init__(self, west: float, north: float, gsd: float, shape: tuple[int, int], unit: float | None = None):
        self.transform = Affine(gsd, 0, west, 0, -gsd, north)
        rows, columns = np.indices(shape)
        self.east, self.north = west + gsd * (columns + 0.5), north - gsd * (rows + 0.5)
        self.x, self.y = (np.floor(place / (unit or gsd)).astype(np.int64) for place in (self.east, self.north))
        width, height, left, top = (4 + 4 * scattered(self.x // 12, self.y // 12, number) for number in range(4))
        along, across = self.x % 12 - left + 4, self.y % 12 - top + 4
        self.house = (along >= 0) & (along < width) & (across >= 0) & (across < height)

    @property
    def terrain(self) -> np.ndarray:
        """Terrain in metres, float32."""
        return (40 + 3 * np.sin(self.east / 60) + 2 * np.cos(self.north / 50)).astype(np.float32)

    @property
    def above(self) -> np.ndarray:
        """Height above ground in metres, float32: houses, and trees between them."""
        tree = (self.x % 12 >= 10) & (self.y % 12 >= 10)
        return np.where(self.house, HOUSE_M, np.where(tree, TREE_M, 0)).astype(np.float32)

    @property
    def surface(self) -> np.ndarray:
        """Surface in metres, float32."""
        return self.terrain + self.above

    def image(self, bands: int, dtype: str = "uint8", scale: int = 1) -> np.ndarray:
        """Return an image: noise that belongs to the place, and bright houses; no value is 0."""
        noise = np.stack([scattered(self.x, self.y, band) for band in range(bands)])
        return ((noise * 90 + 60 + 90 * self.house) * scale).astype(dtype)

    def write_points(self, path: Path, part: tuple[slice, slice], crs: str) -> None:
        """Write the surface of a part as points at the centres of the pixels, with the classes of ground and others."""
        cloud = laspy.create(point_format=6, file_version="1.4")
        cloud.header.add_crs(CRS.from_user_input(crs), keep_compatibility=False)
        cloud.x, cloud.y, cloud.z = self.east[part].ravel(), self.north[part].ravel(), self.surface[part].ravel()
        cloud.classification = np.where(self.above[part].ravel() > 0, 1, 2).astype(np.uint8)
        cloud.write(path)

    def classes(self, house: int, other: int) -> np.ndarray:
        """Return a map of classes, uint8."""
        return np.where(self.house, house, other).astype(np.uint8)

    def write(
        self, path: Path, array: np.ndarray, crs: str | None, *, nodata: float | None = None, **options: object,
    ) -> None:  # fmt: skip
        """Write an array HxW or CxHxW as delivered; without a CRS it has no place either."""
        path.parent.mkdir(parents=True, exist_ok=True)
        stack = array[None] if array.ndim == 2 else array
        place = {"crs": crs, "transform": self.transform} if crs else {}
        profile = {"count": len(stack), "height": stack.shape[1], "width": stack.shape[2], "dtype": stack.dtype}
        drivers = {".jp2": "JP2OpenJPEG", ".png": "PNG", ".jpg": "JPEG"}
        with rasterio.open(
            path, "w", driver=drivers.get(path.suffix, "GTiff"), nodata=nodata, **profile, **place, **options
        ) as out:
            out.write(stack)


LOSSLESS = {"QUALITY": "100", "REVERSIBLE": "YES"}


@writer
def folder(root: Path) -> None:
    for number, name in enumerate(("North Side", "south")):
        town = Town(500_000, 5_800_000 - 5000 * number, 1, (32, 160))
        place = root / name
        town.write(place / "rgb.tif", town.image(3), "EPSG:32633")
        town.write(place / "dsm.tif", town.surface, "EPSG:32633", nodata=-9999)
        town.write(place / "dtm.tif", town.terrain, "EPSG:32633", nodata=-9999)
        town.write(place / "buildings.tif", town.house.astype(np.uint8), "EPSG:32633")


@writer
def geonrw(root: Path) -> None:
    cities = {"aachen": 294, "bergisch": 340, "neuss": 336}
    for city, east in cities.items():
        for column, row in ((0, 0), (1, 0), (0, 1)):  # one tile of the square is missing
            name, side = f"{east + column}_{5628 - row}", 64
            town = Town((east + column) * side, (5629 - row) * side, 1, (side, side))
            town.write(root / f"{city}/{name}_rgb.jp2", town.image(3), "EPSG:25832", **LOSSLESS)
            town.write(root / f"{city}/{name}_dem.tif", town.surface, "EPSG:25832")
            town.write(root / f"{city}/{name}_seg.tif", town.classes(10, 3), "EPSG:25832")
            town.write(root / f"dgm1/dgm1_32_{name}_1_nw_2021.tif", town.terrain, "EPSG:25832", nodata=-9999)


@writer
def odm(root: Path) -> None:
    wide, near = Town(500_000, 5_800_000, 0.5, (24, 96)), Town(500_004, 5_799_998, 0.25, (32, 160))
    image = near.image(4)
    image[3] = 255
    image[:, :, :9] = 0  # outside the flight: transparent
    near.write(root / "odm_orthophoto/odm_orthophoto.tif", image, "EPSG:32633", photometric="RGB", alpha="YES")
    wide.write(root / "odm_dem/dsm.tif", wide.surface, "EPSG:32633", nodata=-9999)
    wide.write(root / "odm_dem/dtm.tif", wide.terrain, "EPSG:32633", nodata=-9999)


def tile_row(west: float, north: float, gsd: float, count: int, unit: float | None = None) -> list[Town]:
    """Return square tiles of 32 units side by side from west to east."""
    side = round(32 * (unit or gsd) / gsd)
    return [Town(west + number * side * gsd, north, gsd, (side, side), unit) for number in range(count)]


def world_file(town: Town, path: Path) -> None:
    """Write the place of an image that states no coordinate system."""
    t = town.transform
    path.write_text("\n".join(str(number) for number in (t.a, t.d, t.b, t.e, t.c + t.a / 2, t.f + t.e / 2)) + "\n")


@writer
def dfc2019(root: Path) -> None:
    for number, place in enumerate(("JAX_004", "JAX_028", "OMA_132")):
        for view in ("006", "011"):  # two views of the same area
            town = Town(1000 * number, 5000, 0.5, (32, 32))
            classes, heights = town.classes(6, 2), town.above - np.float32(0.1)
            classes[0], heights[1, 1] = 65, np.nan
            image = town.image(3)
            image[:, :2, :2] = 0  # beyond the image
            town.write(root / f"Track1-RGB/{place}_{view}_RGB.tif", image, None)
            town.write(root / f"Track1-Truth/{place}_{view}_AGL.tif", heights, None)
            town.write(root / f"Track1-Truth/{place}_{view}_CLS.tif", classes, None)
    town.write(root / "Validate-Track1/JAX_236_002_RGB.tif", town.image(3), None)  # without heights


@writer
def dfc2018(root: Path) -> None:
    town = Town(272_056, 3_290_290, 0.5, (32, 160))
    surface = town.surface
    surface[5, 7] = 3.4028235e38  # a void
    lidar = root / "Lidar GeoTiff Rasters"
    town.write(lidar / "DSM_C12/UH17c_GEF051.tif", surface - 60, "EPSG:26915")
    town.write(lidar / "DEM_C123_3msr/UH17_GEG051.tif", town.terrain - 60, "EPSG:26915")
    for east in (272_056, 272_096):
        near = Town(east, 3_290_290, 0.05, (320, 800), 0.5)
        near.write(root / f"Final RGB HR Imagery/UH_NAD83_{east}_3289689.tif", near.image(3), "EPSG:26915")


@writer
def dfc2023(root: Path) -> None:
    names = ("GF2_Barcelona_41.4158_2.1975", "GF2_Rio_-22.9034_-43.1801", "SV_Berlin_52.5163_13.3777")
    for number, name in enumerate(names):
        town = Town(1000 * number, 5000, 0.5, (32, 32))
        town.write(root / f"track2/train/rgb/{name}.tif", town.image(3), None)
        town.write(root / f"track2/train/sar/{name}.tif", town.image(1), None)
        town.write(root / f"track2/train/dsm/{name}.tif", town.above, None)
    town.write(root / "track2/val/rgb/P_0199.tif", town.image(3), None)  # without heights


@writer
def gbh(root: Path) -> None:
    data = root / "data"
    for number in range(6):
        town = Town(1000 * number, 5000, 3, (32, 32))
        town.write(data / f"gbh/image/{number:05}_IMG.tif", town.image(3), None)
        town.write(data / f"gbh/ndsm/{number:05}_AGL.tif", town.above, None)
        town.write(data / f"gbh/mask/{number:05}_BLG.tif", town.house.astype(np.uint8), None)
    for split in ("split1+", "SAO+"):
        (data / split).mkdir()
        for part, chips in {"train": "00000\n00003\n00004\n", "val": "00001\n", "test": "00002\n00005\n"}.items():
            (data / split / f"{part}.txt").write_text(chips)


@writer
def nyu2(root: Path) -> None:
    rows: dict[str, list[str]] = {"train": [], "test": []}
    for number, room in enumerate(("basement_0001a_out", "kitchen_0045a_out")):
        town = Town(1000 * number, 5000, 1, (48, 64))
        for photo in (1, 2):
            name = f"data/nyu2_train/{room}/{photo}"
            town.write(root / f"{name}.jpg", town.image(3), None, QUALITY="95")
            town.write(root / f"{name}.png", np.rint(town.above * 25.5).astype(np.uint8), None)
            rows["train"].append(f"{name}.jpg,{name}.png")
    town = Town(9000, 5000, 1, (48, 64))
    name = "data/nyu2_test/00000"
    town.write(root / f"{name}_colors.png", town.image(3), None)
    town.write(root / f"{name}_depth.png", (town.above * 1000).astype(np.uint16), None)
    rows["test"].append(f"{name}_colors.png,{name}_depth.png")
    for part, lines in rows.items():
        (root / f"data/nyu2_{part}.csv").write_text("\n".join(lines) + "\n")


@writer
def open_canopy(root: Path) -> None:
    data = root / "canopy_height"
    wide = Town(870_000, 6_540_000, 1.5, (32, 160))
    wide.write(data / "2021/spot/compressed_pansharpened_0870_6540.tif", wide.image(4, "uint16", 9), "EPSG:2154")
    decimetres = (wide.above * 10).astype(np.uint16)
    wide.write(data / "2021/lidar/compressed_lidar_0870_6540.tif", decimetres, "EPSG:2154", nodata=65535)
    edges = {"train": (0, 100), "buffer": (100, 110), "val": (110, 170), "test": (170, 240)}
    areas = [box(870_000 + west, 6_539_900, 870_000 + east, 6_540_100) for west, east in edges.values()]
    table = geopandas.GeoDataFrame({"split": list(edges), "lidar_year": 2021}, geometry=areas, crs=2154)
    table.to_file(data / "geometries.geojson")


@writer
def sentinel2_dem(root: Path) -> None:
    image = root / "S2A_MSIL2A_20210714.SAFE/GRANULE/L2A_T32TPS_A031654_20210714T101559/IMG_DATA"
    for band in ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"):
        fine = band in ("B02", "B03", "B04", "B08")
        gsd = 10 if fine else 20
        town = Town(600_000, 5_100_000, gsd, (320 // gsd, 1600 // gsd), 20)
        name = f"R{gsd}m/T32TPS_20210714T101559_{band}_{gsd}m.jp2"
        town.write(image / name, town.image(1, "uint16", 9), "EPSG:32632", **LOSSLESS)
    rows, columns = np.indices((60, 90))
    heights = (300 + rows + columns // 2).astype(np.int16)
    place = SimpleNamespace(transform=Affine(1 / 3600, 0, 10.285, 0, -1 / 3600, 46.055))
    Town.write(place, root / "AW3D30/ALPSMLC30_N046E010_DSM.tif", heights, "EPSG:4326", nodata=-9999)


@writer
def resdepth(root: Path) -> None:
    town, data = Town(500_000, 5_250_000, 0.25, (32, 320)), root / "data"
    noise = np.float32(0.5) * (scattered(town.x, town.y, 9).astype(np.float32) - np.float32(0.5))
    initial = town.surface + noise
    initial[10:14, 20:24] = -9999  # a hole
    town.write(data / "dsm/DSM_Zurich_initial.tif", initial, "EPSG:32632", nodata=-9999)
    town.write(data / "dsm/DSM_Zurich_ground_truth.tif", town.surface, "EPSG:32632", nodata=-9999)
    town.write(data / "mask/Zurich_building_mask.tif", town.house.astype(np.uint8), "EPSG:32632")
    views = [f"satellite_views/WV2_{number}.tif" for number in (1, 2)]
    for view in views:
        town.write(data / view, town.image(1, "uint16", 9), "EPSG:32632")
    lists = data / "image_selection"
    lists.mkdir()
    (lists / "imagelist.txt").write_text("\n".join(f"/home/author/demo/data/{view}" for view in views) + "\n")
    (lists / "pairlist_training.txt").write_text("WV2_1, WV2_2\n")
    (lists / "pairlist_validation.txt").write_text("WV2_2, WV2_1\n")
    selection = "data/image_selection"
    entry = {
        "name": "Zurich", "raster_in": "data/dsm/DSM_Zurich_initial.tif",
        "raster_gt": "data/dsm/DSM_Zurich_ground_truth.tif", "mask_building": "data/mask/Zurich_building_mask.tif",
        "path_image_list": f"{selection}/imagelist.txt",
    }  # fmt: skip
    pairs = {
        f"path_pairlist_{part}": f"data/image_selection/pairlist_{part}.txt" for part in ("training", "validation")
    }
    tested = {"path_pairlist": f"{selection}/pairlist_training.txt", "allocation_strategy": "entire"}
    (root / "config_train.json").write_text(json.dumps({"datasets": [entry | pairs], "model": {}}))
    (root / "config_test.json").write_text(json.dumps({"datasets": [entry | tested], "model": {}}))


def labels(town: Town) -> np.ndarray:
    """Return the colours of the ISPRS labels: buildings blue, everything else grass."""
    return np.stack([np.zeros_like(town.x), np.where(town.house, 0, 255), np.full_like(town.x, 255)]).astype(np.uint8)


@writer
def isprs_potsdam(root: Path) -> None:
    for number, tile in enumerate(("2_10", "2_11", "2_13")):
        town = Town(366_676 + 10 * number, 5_808_958, 0.05, (48, 48))
        padded = f"0{tile}"
        for name, array in (
            ("4_Ortho_RGBIR/top_potsdam_{}_RGBIR", town.image(4)),
            ("5_Labels_all/top_potsdam_{}_label", labels(town)),
        ):
            path = root / f"{name.format(tile)}.tif"
            town.write(path, array, None)
            world_file(town, path.with_suffix(".tfw"))
        town.write(root / f"1_DSM/dsm_potsdam_{padded}.tif", town.surface, "EPSG:32633")
        steps = (town.above[:, 1:] * 20).astype(np.uint8)  # a column less, and no metres
        town.write(root / f"1_DSM_normalisation/dsm_potsdam_{padded}_normalized_lastools.jpg", steps, None)


@writer
def isprs_vaihingen(root: Path) -> None:
    for number, area in enumerate((1, 3, 2)):
        town = Town(496_000 + 20 * number, 5_419_000, 0.09, (48, 48))
        for name, array in (
            ("top/top_mosaic_09cm_area", town.image(3)), ("dsm/dsm_09cm_matching_area", town.surface + 220),
            ("gts_for_participants/top_mosaic_09cm_area", labels(town)),
        ):  # fmt: skip
            path = root / f"{name}{area}.tif"
            town.write(path, array, None)
            world_file(town, path.with_suffix(".tfw"))
        eroded = root / f"gts_eroded_for_participants/top_mosaic_09cm_area{area}_noBoundary.tif"
        town.write(eroded, labels(town), None)


STRIPS = {  # by distance to the east; the first two show the same area
    "20190804111224_20190804111453": 0, "20190804113009_20190804113242": 0, "20190823122550_20190823122850": 90,
}  # fmt: skip
SN6 = "SN6_Train_AOI_11_Rotterdam"
HEIGHTS = [f"{kind}_Building_Height" for kind in ("Mean", "Median", "StdDev")]


@writer
def spacenet6(root: Path) -> None:
    data, rows = root / "train/AOI_11_Rotterdam", []
    for strip, east in STRIPS.items():
        for number in (1, 2):
            name = f"{strip}_tile_{number + 90}"
            town = Town(590_000 + east + 40 * (number - 1), 5_746_000, 0.5, (32, 80))
            image = town.image(4, "uint16", 7)
            radar = np.stack([-10 - 5 * scattered(town.x, town.y, band) for band in range(4)]).astype(np.float32)
            image[:, :, :1] = radar[:, :, :1] = 0  # outside the strip
            town.write(data / f"PS-RGBNIR/{SN6}_PS-RGBNIR_{name}.tif", image, "EPSG:32631")
            town.write(data / f"SAR-Intensity/{SN6}_SAR-Intensity_{name}.tif", radar, "EPSG:32631")
            outlines = shapes(town.house.astype(np.uint8), town.house, 4, town.transform)
            table = geopandas.GeoDataFrame(geometry=[shape(outline) for outline, _ in outlines], crs=32631)
            (data / "geojson_buildings").mkdir(exist_ok=True)
            table.insert(0, "TileBuildingId", range(len(table)))
            table.to_file(data / f"geojson_buildings/{SN6}_Buildings_{name}.geojson")
            rows += [(name, building, "POLYGON ((0 0, 1 0, 1 1, 0 0))", 5.9, HOUSE_M, 0.4) for building in table.index]
    rows.append(("20190804111224_20190804111453_tile_99", -1, "POLYGON EMPTY", None, None, None))
    summary = data / "SummaryData"
    summary.mkdir()
    frame = pandas.DataFrame(rows, columns=["ImageId", "TileBuildingId", "PolygonWKT_Pix", *HEIGHTS])
    frame.to_csv(summary / f"{SN6}_Buildings.csv", index=False)
    text = "\n".join(f"{strip} {number % 2}" for number, strip in enumerate(STRIPS))
    (summary / "SAR_orientations.txt").write_text(text + "\n")


@writer
def ahn_pdok(root: Path) -> None:
    town, near = Town(80_000, 450_000, 0.5, (32, 160)), Town(80_000, 450_000, 0.25, (64, 320), 0.5)
    near.write(root / "2022_orthoHR.tif", near.image(3), "EPSG:28992")
    void = np.float32(3.4028235e38)
    terrain = np.where(town.house, void, town.terrain)  # buildings are cut out
    town.write(root / "R_37FZ1.TIF", town.surface, "EPSG:7415", nodata=void)
    town.write(root / "M_37FZ1.TIF", terrain, "EPSG:7415")


@writer
def swisstopo(root: Path) -> None:
    for number, (town, near) in enumerate(
        zip(tile_row(2_600_000, 1_201_000, 0.5, 5), tile_row(2_600_000, 1_201_000, 0.25, 5, 0.5), strict=True)
    ):
        tile = f"{2600 + number}-1200"
        near.write(root / f"swissimage-dop10_2021_{tile}_0.1_2056.tif", near.image(3), "EPSG:2056")
        town.write(
            root / f"swisssurface3d-raster_2019_{tile}_0.5_2056_5728.tif", town.surface, "EPSG:2056+5728", nodata=-9999
        )
        town.write(root / f"swissalti3d_2019_{tile}_0.5_2056_5728.tif", town.terrain, "EPSG:2056+5728", nodata=-9999)


@writer
def ign_fr(root: Path) -> None:
    image = Town(870_000, 6_541_000, 0.2, (80, 400), 0.5)
    image.write(root / "ORTHOHR/69-2023-0870-6545-LA93-0M20-E080.jp2", image.image(3), "EPSG:2154", **LOSSLESS)
    for number, town in enumerate(tile_row(869_999.75, 6_541_000.25, 0.5, 6)):  # pixel centres on the kilometre
        for product, array in (("MNS", town.surface), ("MNT", town.terrain), ("MNH", town.above)):
            name = f"LHD_FXX_{870 + number:04}_6541_{product}_O_0M50_LAMB93_IGN69.tif"
            town.write(root / name, array, "EPSG:2154", nodata=-9999)


@writer
def nrw(root: Path) -> None:
    for number, (town, near) in enumerate(
        zip(tile_row(361_000, 5_689_000, 0.5, 5), tile_row(361_000, 5_689_000, 0.1, 5, 0.5), strict=True)
    ):
        near.write(root / f"dop10rgbi_32_{361 + number}_5688_1_nw_2025.jp2", near.image(4), "EPSG:25832", **LOSSLESS)
        town.write(root / f"ndom50_32{361 + number}_5688_1_nw_2023.tif", town.above, "EPSG:25832", nodata=-9999)
        town.write(root / f"dgm1_32_{361 + number}_5688_1_nw_2022.tif", town.terrain, "EPSG:25832+7837", nodata=-9999)


@writer
def berlin(root: Path) -> None:
    image = Town(390_000, 5_820_000, 0.5, (32, 160))
    image.write(root / "dop20rgbi_33_390_5818_2_be_2021.jp2", image.image(4), "EPSG:25833", **LOSSLESS)
    for number, town in enumerate(tile_row(390_000, 5_820_000, 0.5, 5)):
        for product, array in (("DOM1", town.surface), ("DGM1", town.terrain)):
            rows = zip(town.east.ravel(), town.north.ravel(), array.ravel(), strict=True)
            text = "".join(f"{x:.2f} {y:.2f} {z:.2f}\n" for x, y, z in rows)
            (root / f"{product}_{390 + number}_5818.txt").write_text(text)


@writer
def usgs(root: Path) -> None:
    town = Town(700_000, 4_200_000, 0.6, (32, 160))
    town.write(root / "m_3808401_ne_16_060_20220713.tif", town.image(4), "EPSG:26916")
    land = Town(699_990, 4_200_010, 1, (40, 120))
    tile = "USGS_1M_16_x69y420_KY_Statewide_2019_A19.tif"
    land.write(root / tile, land.terrain, "EPSG:26916+5703", nodata=-999999)
    for number, half in enumerate((np.s_[:, :80], np.s_[:, 80:])):
        town.write_points(root / f"USGS_LPC_KY_Statewide_2019_A19_{number}.laz", half, "EPSG:26916+5703")
