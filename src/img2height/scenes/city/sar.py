"""The radar image of a city: four polarisations, layover, shadow, double bounce, volume return, noise and speckle."""

from itertools import chain

import numpy as np
from scipy import ndimage

from img2height.scenes.city.light import horizon
from img2height.scenes.city.model import ROOF_MATERIALS, City, Material
from img2height.scenes.city.sar_backscatter import raised, surfaces, walls
from img2height.scenes.city.sar_geometry import Look, add_echoes

BANDS = ("hh", "hv", "vh", "vv")
NOISE_FLOOR_DB = -23.0  # noise-equivalent sigma nought
BLUR_PX = 0.45  # standard deviation of the point spread function
ALIKE = 0.7  # share of the glitter that is common to all polarisations
COMMON = 0.5  # share of the speckle that HH has in common with VV, and HV with VH
UNSEEN = (0.02, 0.05)  # share of the district beyond the far edge of the strip
SKEW = 0.05  # largest tangent of the angle between the edge of the strip and the lines of equal range
RNG_STAGE = 200


def render_sar(city: City) -> np.ndarray:
    """Return sigma nought in dB by band (hh, hv, vh, vv), 4xHxW float32, NaN beyond the far edge of the strip.

    The image is in ground range and geocoded on the terrain: a point at height h above it appears h / tan(incidence)
    nearer to the sensor.

    Args:
        city: the truth; its settings must have a radar (`sar`).
    """
    decibel = 10 * np.log10(intensity(city, clutter(city)) * _speckle(city))
    return np.where(_covered(city), decibel, np.nan).astype(np.float32)


def clutter(city: City) -> np.ndarray:
    """Return the brightness of each place relative to its material, by band, 4xHxW float32, mean 1.

    Objects differ; roofs, crowns and cars also glitter, partly differently in each polarisation. Open ground is uniform
    within one object, so that its speckle is determined by the number of looks.
    """
    rng = np.random.default_rng([city.settings.seed, RNG_STAGE])
    glitter = np.zeros(len(Material), np.float32)
    glitter[list(ROOF_MATERIALS)] = 1.2
    glitter[[Material.CROWN, Material.CAR]] = 0.6, 1.2
    spread = np.where(glitter > 0, np.float32(0.3), np.float32(0.12))[city.material]
    tint = rng.standard_normal(int(city.instance.max()) + 1, np.float32)[city.instance]
    strength = glitter[city.material]
    common, hh, cross, vv = rng.standard_normal((4, *city.dsm.shape), np.float32)
    spots = ALIKE**0.5 * common + (1 - ALIKE) ** 0.5 * np.stack([hh, cross, cross, vv])
    return np.exp(spread * tint - spread**2 / 2 + strength * spots - strength**2 / 2)


def intensity(city: City, clutter: np.ndarray) -> np.ndarray:
    """Return the expected intensity of the image with noise, without speckle, 4xHxW float64, linear.

    Args:
        city: the truth.
        clutter: brightness of each place relative to its material, 4xHxW.
    """
    radar = city.radar
    look = Look.of(radar, city.settings.gsd_m)
    hidden = horizon(city.ndsm, look.gsd_m, radar.look_azimuth_deg, 90 - radar.incidence_deg)
    power = surfaces(city, look, hidden, clutter)
    image = np.where(city.ndsm > 0, 0.0, power)
    for points in chain(raised(city, look, power), walls(city, look, hidden, clutter)):
        add_echoes(image, look, points)
    blurred = np.stack([ndimage.gaussian_filter(band, BLUR_PX, truncate=4) for band in image])
    return blurred + 10 ** (NOISE_FLOOR_DB / 10)


def _speckle(city: City) -> np.ndarray:
    """Return multiplicative speckle, gamma-distributed with shape looks and mean 1, 4xHxW float64."""
    rng = np.random.default_rng([city.settings.seed, RNG_STAGE, 1])
    looks, shape = city.radar.looks, city.dsm.shape
    # The sum of two gammas of one scale is a gamma whose shapes add up: bands share the first and own the second.
    like, cross = rng.standard_gamma(COMMON * looks, (2, *shape))
    own = rng.standard_gamma((1 - COMMON) * looks, (4, *shape))
    return (own + np.stack([like, cross, cross, like])) / looks


def _covered(city: City) -> np.ndarray:
    """Return where the strip covers the district, HxW bool; its far edge is a straight line, slightly oblique."""
    rng = np.random.default_rng([city.settings.seed, RNG_STAGE, 2])
    look = Look.of(city.radar, city.settings.gsd_m)
    rows, cols = np.indices(city.dsm.shape)
    near = cols * look.right + rows * look.down
    along = rows * look.right - cols * look.down
    edge = near + rng.uniform(-SKEW, SKEW) * along
    return np.asarray(edge >= np.quantile(edge, rng.uniform(*UNSEEN)))
