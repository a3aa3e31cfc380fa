import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio.crs import CRS
from rasterio.features import rasterize
from rasterio.windows import Window
from scipy.ndimage import gaussian_filter, label

from img2height.buildings import outlines
from img2height.buildings.outlines import MIN_IOU, REACH
from img2height.io.grid import Grid

UTM = CRS.from_epsg(25832)


def outlines_of(labels: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the outlines in pixels, and their kinds."""
    window = Window(0, 0, labels.shape[1], labels.shape[0])
    groups = np.ones_like(labels)
    return outlines.outlines_of(
        labels, groups, window, Grid(UTM, Affine.identity(), window.width, window.height), tolerance
    )


def house(corners: list[tuple[float, float]], turn_deg: float, side: int = 100) -> tuple[np.ndarray, shapely.Polygon]:
    """Pixels of a polygon turned about the middle, and the polygon."""
    middle = side / 2
    outline = shapely.affinity.rotate(shapely.Polygon(corners), turn_deg, origin=(0, 0))
    outline = shapely.affinity.translate(outline, middle + 0.3, middle + 0.2)
    return rasterize([outline], (side, side)).astype(np.int32), outline


def iou(one: shapely.Polygon, other: shapely.Polygon) -> float:
    return one.intersection(other).area / one.union(other).area


def is_right_angled(outline: shapely.Polygon) -> bool:
    steps = np.diff(shapely.get_coordinates(outline.exterior), axis=0)
    turns = np.diff(np.arctan2(steps[:, 1], steps[:, 0]))
    return bool(np.allclose(np.abs(np.sin(turns)), 1, atol=1e-6))


RECTANGLE = [(-12, -8), (12, -8), (12, 8), (-12, 8)]
L_SHAPE = [(-20, -12), (20, -12), (20, 4), (0, 4), (0, 20), (-20, 20)]


@pytest.mark.parametrize("corners", [RECTANGLE, L_SHAPE], ids=["rectangle", "l_shape"])
@pytest.mark.parametrize("turn_deg", [0, 3, 11, 26, 45, 78])
def test_right_angles_are_found(corners, turn_deg):
    labels, true = house(corners, turn_deg)
    (outline,), (kind,) = outlines_of(labels, 2.0)
    assert kind == "regularised"
    assert len(outline.exterior.coords) - 1 == len(corners)
    assert is_right_angled(outline)
    assert iou(outline, true) > 0.95
    assert outline.area == pytest.approx(labels.sum(), rel=0.02)


def test_neighbours_share_a_straight_wall():
    labels, _ = house([(-30, -8), (30, -8), (30, 8), (-30, 8)], 20)
    part, _ = house([(-30, -8), (4, -8), (4, 8), (-30, 8)], 20)
    labels = np.where((labels > 0) & (part == 0), 2, labels)
    found, kinds = outlines_of(labels, 2.0)
    assert kinds.tolist() == ["regularised"] * 2
    assert shapely.coverage_is_valid(found)
    assert all(len(outline.exterior.coords) == 5 for outline in found)
    assert shapely.length(shapely.intersection(*found)) == pytest.approx(16, abs=1)


def test_a_round_building_is_left_alone():
    y, x = np.mgrid[:80, :80] - 39.6
    labels = (np.hypot(x, y) < 30).astype(np.int32)
    (outline,), (kind,) = outlines_of(labels, 2.0)
    assert kind == "simplified"
    assert iou(outline, shapely.Point(40.1, 40.1).buffer(30)) > 0.9


def test_a_cut_corner_is_completed():
    labels, true = house(RECTANGLE, 15)
    row, column = np.nonzero(labels)
    labels[row[:3], column[:3]] = 0
    labels[row[-3:], column[-3:]] = 0
    (outline,), _ = outlines_of(labels, 2.0)
    assert len(outline.exterior.coords) == 5
    assert iou(outline, true) > 0.94


def test_courtyards_and_buildings_inside_them_stay():
    labels = np.zeros((70, 70), np.int32)
    labels[5:65, 5:65], labels[15:55, 15:55], labels[28:40, 26:44] = 1, 0, 2
    labels[15:17, 40] = 0
    found, kinds = outlines_of(labels, 2.0)
    assert kinds.tolist() == ["regularised"] * 2
    assert found[0].equals(shapely.box(5, 5, 65, 65) - shapely.box(15, 15, 55, 55))
    assert found[1].equals(shapely.box(26, 28, 44, 40))
    labels[15:55, 15:55] = 2  # now it fills the courtyard
    found, _ = outlines_of(labels, 2.0)
    assert shapely.coverage_is_valid(found)
    assert shapely.area(found).tolist() == [3600 - 1600, 1600]


def checked(labels: np.ndarray, tolerance: float) -> None:
    """Assert that outlines keep their promises."""
    exact, _ = outlines_of(labels, 0.0)
    assert shapely.area(exact).tolist() == np.bincount(labels.ravel())[1:].tolist()
    assert (rasterize(zip(exact, range(1, len(exact) + 1), strict=True), labels.shape) == labels).all()
    found, kinds = outlines_of(labels, tolerance)
    assert shapely.is_valid(found).all()
    assert shapely.coverage_is_valid(found)
    assert {type(outline) for outline in found} == {shapely.Polygon}
    assert min(iou(outline, pixels) for outline, pixels in zip(found, exact, strict=True)) >= MIN_IOU
    assert shapely.hausdorff_distance(found, exact).max() <= REACH * tolerance
    assert (shapely.area(found) == shapely.area(exact))[kinds == "pixels"].all()


@given(arrays(np.int32, (12, 14), elements=st.integers(0, 3)).filter(np.any), st.sampled_from([0.7, 1.4, 3.0]))
def test_outlines_of_noise_are_valid(values, tolerance):
    parts = [label(values == value)[0] for value in (1, 2, 3)]
    labels = np.zeros(values.shape, np.int32)
    for part in parts:
        labels = np.where(part > 0, part + labels.max(), labels)
    checked(labels, tolerance)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tolerance", [1.0, 2.5, 5.0])
def test_outlines_of_blobs_are_valid(seed, tolerance):
    noise = gaussian_filter(np.random.default_rng([seed]).normal(size=(2, 120, 120)), (0, 2, 2))
    labels, _ = label(noise[0] > 0)
    other, _ = label((labels > 0) & (noise[1] > 0))
    both = np.where(other > 0, other + labels.max(), labels)
    parts = np.zeros_like(both)
    for value in np.unique(both[both > 0]):
        part, _ = label(both == value)
        parts = np.where(part > 0, part + parts.max(), parts)
    checked(parts, tolerance)


def test_the_outline_of_noise_is_that_of_its_pixels(monkeypatch):
    monkeypatch.setattr(outlines, "MOST_CORNERS", 100)
    labels, _ = label(np.random.default_rng([1]).random((60, 60)) > 0.35)
    found, kinds = outlines_of(labels, 2.0)
    assert set(kinds) == {"pixels"}
    assert shapely.area(found).tolist() == np.bincount(labels.ravel())[1:].tolist()
