"""Cast shadows have the length given by the sun, and normals distinguish slopes from walls."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from img2height.scenes.city.geometry import direction
from img2height.scenes.city.light import cast_shadows, normals, sky_share

SIZE = 201
GSD_M = 0.5


def _box(height_m, half_px=10):
    dsm = np.zeros((SIZE, SIZE), np.float32)
    middle = slice(SIZE // 2 - half_px, SIZE // 2 + half_px + 1)
    dsm[middle, middle] = height_m
    return dsm


@pytest.mark.parametrize("elevation", [20, 35, 50, 70])
@pytest.mark.parametrize("azimuth", [0, 90, 155, 180, 225, 270, 315, 340])
def test_shadow_length_is_height_over_tangent_of_elevation(elevation, azimuth):
    height = 9.0
    dsm = _box(height)
    shadow = cast_shadows(dsm, GSD_M, azimuth, elevation) & (dsm == 0)
    right, down = direction(azimuth)
    rows, cols = np.indices(dsm.shape) - SIZE // 2
    # Along the ray through the middle of the box: from the wall where the ray leaves it to the tip of the shadow.
    along, across = -(cols * right + rows * down), cols * down - rows * right
    core = np.abs(across) < 0.5
    wall = 10.5 / max(abs(right), abs(down))
    length_px = along[core & shadow].max() + 0.5 / max(abs(right), abs(down)) - wall
    assert length_px == pytest.approx(height / np.tan(np.radians(elevation)) / GSD_M, abs=1.0)


def test_shadow_falls_away_from_the_sun():
    dsm = _box(8)
    shadow = cast_shadows(dsm, GSD_M, 180, 45)
    assert shadow[:90].any() and not shadow[112:].any()


def test_no_shadow_with_the_sun_in_the_zenith():
    assert not cast_shadows(_box(50), GSD_M, 100, 90).any()


def test_a_slope_gentler_than_the_sun_is_lit():
    ramp = np.broadcast_to(np.arange(SIZE, dtype=np.float32) * GSD_M * 0.8, (SIZE, SIZE))
    assert not cast_shadows(ramp, GSD_M, 90, 42).any()
    assert cast_shadows(ramp, GSD_M, 90, 38)[:, :-1].all()


@settings(max_examples=40, deadline=None)
@given(
    azimuth=st.floats(0, 359), elevation=st.floats(15, 80), seed=st.integers(0, 999), extra=st.floats(0.1, 40),
    corner=st.tuples(st.integers(0, 40), st.integers(0, 40)), size=st.integers(1, 12),
)  # fmt: skip
def test_a_taller_building_never_shortens_a_shadow(azimuth, elevation, seed, extra, corner, size):
    dsm = np.random.default_rng(seed).uniform(0, 6, (56, 56)).astype(np.float32)
    taller = dsm.copy()
    block = np.s_[corner[0] : corner[0] + size, corner[1] : corner[1] + size]
    taller[block] += np.float32(extra)
    elsewhere = np.ones(dsm.shape, bool)
    elsewhere[block] = False
    before, after = (cast_shadows(surface, 0.5, azimuth, elevation) for surface in (dsm, taller))
    assert (after | ~before)[elsewhere].all()


def test_normals_of_a_plane_are_exact_and_walls_do_not_tilt_them():
    rows, cols = np.indices((30, 30))
    plane = (0.25 * cols - 0.5 * rows).astype(np.float32)
    expected = np.array([-0.5, 1.0, 1.0]) / np.linalg.norm([-0.5, 1.0, 1.0])
    assert np.allclose(normals(plane, 0.5), expected[:, None, None], atol=1e-5)
    assert np.allclose(normals(_box(20), 0.5)[2], 1)


def test_a_yard_sees_less_sky_than_a_field():
    share = sky_share(_box(15), GSD_M)
    assert share[SIZE // 2, SIZE // 2 + 12] < 0.8
    assert share[2, 2] == pytest.approx(1, abs=0.02)
    assert (share <= 1).all() and (share > 0).all()
