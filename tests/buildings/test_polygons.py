import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis.extra.numpy import arrays
from rasterio.crs import CRS
from scipy.ndimage import gaussian_filter
from shapely.geometry import Polygon, box

from img2height.buildings import extract, polygons
from img2height.buildings.polygons import COLUMNS
from img2height.errors import DataError

UTM = CRS.from_epsg(25832)
HALF_METRE = Affine(0.5, 0, 500_000, 0, -0.5, 5_400_000)


def town() -> tuple[np.ndarray, np.ndarray]:
    """Heights and footprint of a block with a courtyard and of a house."""
    footprint = np.zeros((40, 60), np.uint8)
    footprint[4:24, 10:30] = 1
    footprint[10:16, 16:22] = 0
    footprint[20:30, 40:56] = 1
    height = np.where(footprint == 1, 6.0, 0.0).astype(np.float32)
    height[20:30, 40:56] = 10
    height[20, 40] = 60  # a mast
    height[21, 41] = np.nan
    return height, footprint


def test_a_given_mask_gives_the_expected_polygons():
    height, footprint = town()
    frame = extract(height, footprint, HALF_METRE, UTM, ground=np.full(height.shape, 320.5, np.float32))
    assert frame.building_id.tolist() == [1, 2]
    assert frame.area_m2.tolist() == [(400 - 36) / 4, 160 / 4]
    assert frame.outline.tolist() == ["regularised"] * 2
    assert frame.touches_edge.tolist() == [False, False]
    assert frame.height_m.tolist() == [6.0, 10.0]
    assert frame.height_p95_m.tolist() == [6.0, 10.0]
    assert frame.height_max_m.tolist() == [6.0, 60.0]
    assert frame.ground_m.tolist() == [320.5, 320.5]
    assert frame.roof_m.tolist() == [326.5, 330.5]
    assert frame.volume_m3.tolist() == pytest.approx([91 * 6, 40 * (158 * 10 + 60) / 159])
    assert frame.roof.tolist() == ["flat", "flat"]
    assert frame.geometry[1].equals(box(500_020, 5_399_985, 500_028, 5_399_990))
    assert len(frame.geometry[0].interiors) == 1
    assert frame.crs.to_epsg() == 25832


def test_buildings_at_the_edge_or_beside_missing_pixels_are_marked():
    footprint = np.zeros((30, 50), np.uint8)
    footprint[0:8, 5:15], footprint[10:20, 20:30], footprint[12:20, 38:46], footprint[22:30, 2:10] = 1, 1, 1, 1
    footprint[15, 30], footprint[11, 37] = 255, 255  # beside the second; only at a corner of the third
    frame = extract(np.ones(footprint.shape), footprint, HALF_METRE, UTM)
    assert frame.touches_edge.tolist() == [True, True, False, True]


def test_missing_heights_give_nan_and_not_zero():
    height, footprint = town()
    height[footprint == 1] = np.nan
    frame = extract(height, footprint, HALF_METRE, UTM)
    assert frame[["height_m", "height_max_m", "ground_m"]].isna().all(axis=None)


def test_no_buildings_give_an_empty_table_with_the_same_columns():
    height, footprint = town()
    full, empty = extract(height, footprint, HALF_METRE, UTM), extract(height, footprint * 255, HALF_METRE, UTM)
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()
    assert {name: str(kind) for name, kind in empty.dtypes.items()} == COLUMNS | {"geometry": "geometry"}
    assert empty.crs == full.crs


def test_outlines_are_simplified_within_the_tolerance():
    row, col = np.mgrid[:60, :60]
    footprint = (np.abs(row - 30) + np.abs(col - 30) < 20).astype(np.uint8)
    raw = extract(np.ones(footprint.shape), footprint, HALF_METRE, UTM, simplify_m=0.0)
    smooth = extract(np.ones(footprint.shape), footprint, HALF_METRE, UTM, simplify_m=1.0)
    assert raw.area_m2[0] == footprint.sum() / 4
    assert len(smooth.geometry[0].exterior.coords) < len(raw.geometry[0].exterior.coords) / 4
    assert smooth.geometry[0].hausdorff_distance(raw.geometry[0]) <= 1.0


@given(arrays(bool, (12, 12)))
def test_outlines_are_valid_and_cover_the_mask(footprint):
    height = np.arange(144.0).reshape(12, 12)
    raw = extract(height, footprint, HALF_METRE, UTM, simplify_m=0.0)
    assert raw.area_m2.sum() == footprint.sum() / 4
    for frame in (raw, extract(height, footprint, HALF_METRE, UTM, simplify_m=0.8)):
        assert frame.is_valid.all()
        assert all(isinstance(outline, Polygon) for outline in frame.geometry)
        assert frame.building_id.tolist() == list(range(1, len(frame) + 1))


@pytest.mark.parametrize("seed", [11, 14, 15])
def test_outlines_stay_valid_with_a_coarse_tolerance(seed):
    noise = gaussian_filter(np.random.default_rng([seed]).normal(size=(80, 80)), 0.6)
    frame = extract(np.ones(noise.shape), noise > 0, HALF_METRE, UTM, simplify_m=2.0)
    assert frame.is_valid.all()
    assert (frame.area_m2 > 0).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"crs": CRS.from_epsg(4326)}, "metres"),
        ({"crs": None}, "metres"),
        ({"footprint": np.zeros((3, 3))}, "footprint"),
        ({"ground": np.zeros((3, 3))}, "ground"),
    ],
)
def test_invalid_input_is_named(changes, words):
    height, footprint = town()
    with pytest.raises(DataError, match=words):
        extract(**{"height": height, "footprint": footprint, "transform": HALF_METRE, "crs": UTM} | changes)


def test_a_group_of_buildings_that_is_too_large_is_named(monkeypatch):
    monkeypatch.setattr(polygons, "LARGEST_GROUP_PX", 100)
    with pytest.raises(DataError, match=r"52 x 32 pixels from column 7 and row 1;.*simplify_m"):
        extract(*town(), HALF_METRE, UTM)


@pytest.mark.parametrize("pixels", [np.zeros, np.ones], ids=["none", "all"])
@pytest.mark.parametrize("metres", [6.0, np.nan, -9999.0])
def test_masks_without_an_outline_are_handled(pixels, metres):
    frame = extract(np.full((30, 40), metres), pixels((30, 40), np.uint8), HALF_METRE, UTM, split_step_m=0.5)
    assert len(frame) == pixels(1)
    assert frame.area_m2.sum() == pixels(1) * 300
    assert frame.touches_edge.all()


def test_single_pixels_keep_their_outlines():
    footprint = (np.indices((30, 40)).sum(axis=0) % 2).astype(np.uint8)
    frame = extract(np.full((30, 40), 6.0), footprint, HALF_METRE, UTM, split_step_m=0.5)
    assert len(frame) == 600
    assert (frame.area_m2 == 0.25).all()
    assert shapely.coverage_is_valid(frame.geometry.to_numpy())
