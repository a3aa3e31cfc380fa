"""Engines are judged by what they do to the scores on validation windows, with known numbers."""

from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from inference_cases import FirstBand, as_model, windows

from img2height.errors import ModelError
from img2height.inference.admission import Pixels, judged, relative_change
from img2height.inference.measure import measure_engines
from img2height.io.rasters import Band, open_raster, read_heights, write_cog
from img2height.scenes.scene import Scene, SceneLayer

WINDOWS, PX = 20, 2000


def pixels(scale: float = 1.0, offset_m: float = 0.0, tall_scale: float = 1.0, spikes: int = 0) -> list[Pixels]:
    """Return windows with exact errors of 1 m; those of the engine are scaled, on houses of 12 m differently."""
    rng, found = np.random.default_rng(0), []
    for _ in range(WINDOWS):
        truth = np.repeat([0.0, 12.0], PX // 2)
        error = rng.choice([-1.0, 1.0], PX)
        other = truth + error * np.where(truth > 0, tall_scale, scale) + offset_m
        other[:spikes] += 5
        found.append(Pixels(truth + error, {"engine": other}, truth, truth))
    return found


def test_the_changes_of_scores_are_those_of_the_errors() -> None:
    found = judged(pixels(1.002, tall_scale=1.002), "engine")
    assert (found.rmse.value, found.mae.value) == (pytest.approx(0.002), pytest.approx(0.002))
    assert found.rmse.low == pytest.approx(0.002) == found.rmse.high  # the same in each window
    assert found.classes == {"height_0_3": pytest.approx(0.002), "height_10_20": pytest.approx(0.002)}
    assert (found.mean_m, found.most_m) == (pytest.approx(0.002), pytest.approx(0.002))
    assert found.refused == []


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"scale": 1.01, "tall_scale": 1.01}, "RMSE may be 1.00% worse, more than 0.5%"),
        ({"scale": 0.96, "tall_scale": 1.03}, "RMSE of height_10_20 is 3.0% worse, more than 2%"),
        ({"spikes": 4}, "one pixel in a thousand changes by 5.00 m, more than the RMSE, 1.00 m"),
        ({"offset_m": 0.2}, "RMSE may be"),
    ],
)
def test_a_worse_engine_is_refused(changed: dict[str, float], reason: str) -> None:
    assert any(reason in each for each in judged(pixels(**changed), "engine").refused)


def test_the_interval_covers_the_change_of_the_whole() -> None:
    """Windows of random sums, whose true change is one per cent."""
    rng, covered = np.random.default_rng(0), 0
    for _ in range(400):
        before = rng.gamma(4.0, size=30)
        found = relative_change(before, before * (1.01 + rng.normal(0, 0.01, 30)))
        covered += found.low <= 0.01 <= found.high
    assert 0.92 <= covered / 400 <= 0.98


def areas(scene: Scene, area: shapely.Polygon) -> geopandas.GeoDataFrame:
    row = {"fold": 0, "part": "val", "dataset": scene.dataset, "scene": scene.name}
    return geopandas.GeoDataFrame([row], geometry=[area])


def test_engines_are_measured_in_the_validation_area(
    district: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image is the reference with errors of 0.3 m, and the network returns it: rounding is all that engines do."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with open_raster(district.path("ndsm")) as reference:
        truth = read_heights(reference)
    image = (truth + np.random.default_rng(0).normal(2, 0.3, truth.shape)).astype(np.float32)
    write_cog(tmp_path / "eo.tif", image[None], district.grid, [Band("red")])
    scene = replace(district, layers={**district.layers, "eo": SceneLayer.of(tmp_path / "eo.tif", ["red"])})
    scene.layers["eo"] = replace(scene.layers["eo"], file=str(tmp_path / "eo.tif"))
    model, west = as_model(FirstBand(), target="ndsm"), shapely.box(0, 0, 128, 256)
    found = measure_engines(model, [scene], areas(scene, west), 0, windows(window_px=32))
    assert (found.scenes, found.windows, found.window_px) == (["demo/district"], 32, 32)
    error_m = (image - truth)[:, :128]
    assert found.rmse_m == pytest.approx(np.sqrt(np.square(error_m).mean()), rel=1e-4)
    assert found.mae_m == pytest.approx(np.abs(error_m).mean(), rel=1e-4)
    assert found.engines["openvino"].most_m < 1e-5
    assert found.engines["openvino"].refused == []
    with pytest.raises(ModelError, match="only 0 windows of 32 px in the validation area"):
        measure_engines(model, [scene], areas(scene, shapely.Polygon()), 0, windows(window_px=32))
