"""Stereo products of a city: a raw surface model, and panchromatic views orthorectified with it, errors included."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from img2height.scenes.city.matching import match
from img2height.scenes.city.model import City
from img2height.scenes.city.optical import PATH, expose, radiance, seen
from img2height.scenes.city.view import Sight, line_of_sight
from img2height.scenes.holes import fill_holes

PAN = np.array([0.30, 0.25, 0.15, 0.30], np.float32)  # share of red, green, blue and near infrared
PAN_GAIN = 1.9
RNG_STAGE = 310


@dataclass(frozen=True)
class Stereo:
    """The products of stereo, all rasters HxW.

    Attributes:
        raw: matched surface above the vertical datum, float32 metres, NaN in holes.
        filled: the same with its holes interpolated; NaN only in the middle of very wide holes.
        filled_mask: where `filled` was interpolated, bool.
        views: panchromatic images orthorectified with `filled`, NxHxW uint8.
        pairs: every pair of views: first, second (from 1), base_to_height, convergence_deg.
    """

    raw: np.ndarray
    filled: np.ndarray
    filled_mask: np.ndarray
    views: np.ndarray
    pairs: pd.DataFrame


def render_stereo(city: City) -> Stereo:
    """Return the stereo products of a city for `settings.stereo`; the surface is matched from the first two views.

    Args:
        city: the truth.

    Raises:
        SettingsError: the settings of the city have no stereo.
    """
    sights = [Sight(*view) for view in city.stereo.views]
    light = radiance(city)
    raw = match(city, _develop(city, light, 1.0, 0.0, 0), (sights[0], sights[1]))
    filled = fill_holes(raw)
    views = orthoviews(city, np.where(np.isnan(filled), city.dtm, filled), light)
    return Stereo(raw, filled, np.isnan(raw) & np.isfinite(filled), views, view_pairs(sights))


def orthoviews(city: City, surface_m: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Return the panchromatic views of `settings.stereo`, orthorectified with a surface, NxHxW uint8.

    An error of the surface moves the content of a view by error * tan(off_nadir), so that two views disagree by
    error * base-to-height ratio; places that one sensor does not see show the roof in front of them.

    Args:
        city: the truth.
        surface_m: the surface, right or wrong, HxW float32 metres without gaps.
        light: radiance of roofs and ground, 4xHxW float32, see `optical.radiance`.
    """
    views = []
    for number, view in enumerate(city.stereo.views, 1):
        rng = np.random.default_rng([city.settings.seed, RNG_STAGE, number])
        gain, noise = rng.uniform(0.85, 1.15), rng.uniform(0.8, 1.4) * city.settings.noise
        look = line_of_sight(city, Sight(*view), surface_m)
        views.append(_develop(city, seen(city, light, look), gain, noise, number))
    return np.stack(views)


def _develop(city: City, light: np.ndarray, gain: float, noise: float, number: int) -> np.ndarray:
    """Return the panchromatic grey values of radiance in four bands, HxW uint8."""
    pan = np.tensordot(PAN, light, 1) + city.settings.haze * (PAN @ PATH)
    rng = np.random.default_rng([city.settings.seed, RNG_STAGE, number, 1])
    return expose(pan[None], np.array([PAN_GAIN * gain], np.float32), city.settings.gsd_m, noise, rng)[0]


def view_pairs(sights: list[Sight]) -> pd.DataFrame:
    """Return every pair of views: first, second (from 1), base_to_height and convergence_deg.

    Args:
        sights: the positions of the sensors.
    """
    rows = [
        (first, second, np.linalg.norm(one.lean - other.lean), _angle_deg(one, other))
        for (first, one), (second, other) in combinations(enumerate(sights, 1), 2)
    ]
    return pd.DataFrame(rows, columns=["first", "second", "base_to_height", "convergence_deg"])


def _angle_deg(one: Sight, other: Sight) -> float:
    """Return the angle between two lines of sight in degrees."""
    towards = [np.append(sight.lean, 1) / np.linalg.norm(np.append(sight.lean, 1)) for sight in (one, other)]
    return float(np.degrees(np.arccos(np.clip(towards[0] @ towards[1], -1, 1))))
