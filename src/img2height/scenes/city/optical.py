"""The optical image of a city: Lambertian surfaces under sun and sky, cast shadows, haze, blur and sensor noise."""

import numpy as np
from scipy import ndimage

from img2height.scenes.city.geometry import direction
from img2height.scenes.city.light import cast_shadows, horizon, normals, sky_share
from img2height.scenes.city.model import City, Material
from img2height.scenes.city.terrain import smooth_noise
from img2height.scenes.city.view import Sight, View, line_of_sight, nearest, wall_directions

BANDS = ("red", "green", "blue", "nir")
# Diffuse light in units of the direct sun, by band; in the near infrared most of it comes from surrounding plants.
SKY = np.array([0.12, 0.16, 0.23, 0.15], np.float32)
PATH = np.array([0.018, 0.026, 0.040, 0.010], np.float32)  # path radiance at full haze
WALL_TINT = np.array([1.0, 0.93, 0.82, 1.05], np.float32)
BLUR_M = 0.28  # standard deviation of the point spread function
# 8-bit images are stretched like photographs, and balanced so that grey in the sun is grey.
GAIN = np.array([1.95, 1.88, 1.78, 1.9], np.float32)
GAMMA = 2.0
RNG_STAGE = 100
# Reflectance in red, green, blue and near infrared; strength of fine texture; spread between objects of the class.
REFLECTANCE = {
    Material.GRASS: (0.095, 0.130, 0.055, 0.42, 0.15, 0.20),
    Material.SOIL: (0.24, 0.18, 0.125, 0.29, 0.14, 0.15),
    Material.ASPHALT: (0.125, 0.125, 0.13, 0.135, 0.06, 0.10),
    Material.CONCRETE: (0.29, 0.28, 0.26, 0.30, 0.06, 0.12),
    Material.BRICK: (0.27, 0.16, 0.12, 0.30, 0.10, 0.15),
    Material.GRAVEL: (0.36, 0.33, 0.28, 0.38, 0.10, 0.12),
    Material.WATER: (0.030, 0.045, 0.045, 0.015, 0.04, 0.0),
    Material.CROWN: (0.045, 0.075, 0.032, 0.38, 0.16, 0.30),
    Material.TILE_RED: (0.31, 0.145, 0.10, 0.35, 0.09, 0.18),
    Material.TILE_BROWN: (0.185, 0.125, 0.095, 0.23, 0.09, 0.18),
    Material.SLATE: (0.125, 0.13, 0.145, 0.15, 0.08, 0.20),
    Material.BITUMEN: (0.10, 0.10, 0.105, 0.11, 0.08, 0.25),
    Material.METAL: (0.34, 0.36, 0.38, 0.37, 0.04, 0.20),
    Material.MEMBRANE: (0.46, 0.455, 0.43, 0.46, 0.05, 0.15),
    Material.CAR: (0.25, 0.25, 0.26, 0.25, 0.0, 0.75),
    Material.PAINT: (0.50, 0.50, 0.48, 0.50, 0.0, 0.0),
    Material.TURF: (0.26, 0.13, 0.10, 0.29, 0.04, 0.05),
}


def render(city: City) -> np.ndarray:
    """Return the image of a city for the sun and the sensor of its settings: red, green, blue, nir, 4xHxW uint8."""
    settings = city.settings
    light = radiance(city)
    if settings.off_nadir_deg > 0:
        sight = Sight(settings.off_nadir_deg, settings.off_nadir_azimuth_deg)
        light = seen(city, light, line_of_sight(city, sight, city.dtm))
    light += (settings.haze * PATH)[:, None, None]
    return expose(light, GAIN, settings.gsd_m, settings.noise, np.random.default_rng([settings.seed, RNG_STAGE]))


def seen(city: City, light: np.ndarray, view: View) -> np.ndarray:
    """Return the radiance that reaches the pixels of a view from roofs, ground and walls, 4xHxW float32.

    Args:
        city: the truth.
        light: radiance of roofs and ground, 4xHxW float32, see `radiance`.
        view: the surface point at each pixel.
    """
    places = np.stack([view.rows, view.cols])
    surface = np.stack([ndimage.map_coordinates(band, places, order=1, mode="nearest") for band in light])
    return np.where(view.wall, _walls(city, view), surface)


def expose(light: np.ndarray, gain: np.ndarray, gsd_m: float, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Return the camera's response to radiance: blurred, stretched and noisy grey values, CxHxW uint8.

    Args:
        light: radiance, CxHxW float32.
        gain: factor of each band, C float32.
        gsd_m: pixel size in metres.
        noise: standard deviation of the noise in grey values.
        rng: draws the noise.
    """
    blur_px = max(BLUR_M / gsd_m, 0.45)
    blurred = np.stack([ndimage.gaussian_filter(band, blur_px, truncate=3) for band in light])
    grey = 255 * (gain[:, None, None] * blurred) ** (1 / GAMMA)
    grey += noise * rng.standard_normal(grey.shape, np.float32)
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)


def _sun(city: City) -> np.ndarray:
    """Return the unit vector towards the sun: x east, y south, z up."""
    elevation = np.radians(city.settings.sun_elevation_deg)
    right, down = direction(city.settings.sun_azimuth_deg)
    return np.array([right * np.cos(elevation), down * np.cos(elevation), np.sin(elevation)], np.float32)


def radiance(city: City) -> np.ndarray:
    """Return the radiance of roofs and ground, in units of a white surface facing the sun, 4xHxW float32."""
    settings = city.settings
    facing = np.maximum(np.tensordot(_sun(city), normals(city.dsm, settings.gsd_m), 1), 0)
    lit = facing * ~cast_shadows(city.dsm, settings.gsd_m, settings.sun_azimuth_deg, settings.sun_elevation_deg)
    sky = SKY[:, None, None] * sky_share(city.dsm, settings.gsd_m)
    return reflectance(city) * (lit + sky)


def _walls(city: City, view: View) -> np.ndarray:
    """Return the radiance of visible walls: plaster with rows of windows, 4xHxW float32."""
    settings = city.settings
    right, down = (part[view.roof] for part in wall_directions(city))
    sun = _sun(city)
    facing = np.maximum(sun[0] * right + sun[1] * down, 0)
    hidden = horizon(city.dsm, settings.gsd_m, settings.sun_azimuth_deg, settings.sun_elevation_deg)
    # A wall pixel belongs to the roof above it; it has the light of the place two pixels in front of the wall.
    rows, cols = (
        nearest(place + 2 * step, settings.size_px) for place, step in zip(view.roof, (down, right), strict=True)
    )
    lit = facing * (city.dtm[rows, cols] + view.above_m > hidden[rows, cols])
    along = settings.gsd_m * (view.cols * down - view.rows * right)
    window = (view.above_m % 3.0 > 1.0) & (view.above_m % 3.0 < 2.4) & (along % 2.8 < 1.3)
    rng = np.random.default_rng([settings.seed, RNG_STAGE, 2])
    plaster = rng.uniform(0.15, 0.5, int(city.instance.max()) + 1).astype(np.float32)
    albedo = np.where(window, np.float32(0.06), plaster[city.instance[view.roof]])
    return WALL_TINT[:, None, None] * albedo * (lit + 0.5 * SKY[:, None, None])


def reflectance(city: City) -> np.ndarray:
    """Return the reflectance of the surface with its texture, red, green, blue, nir, 4xHxW float32."""
    rng = np.random.default_rng([city.settings.seed, RNG_STAGE, 1])
    table = np.array([REFLECTANCE[material] for material in Material], np.float32)  # materials x 6
    shape, gsd_m = city.dsm.shape, city.settings.gsd_m
    fine = rng.standard_normal(shape, dtype=np.float32)
    mottled = (
        0.5 * fine + 0.5 * smooth_noise(shape, max(1.5 / gsd_m, 1.5), rng) + 0.6 * smooth_noise(shape, 9 / gsd_m, rng)
    )
    objects = int(city.instance.max()) + 1
    tint = rng.normal(size=objects).astype(np.float32)
    hue = 0.14 * rng.normal(size=(4, objects)).astype(np.float32)
    strength, spread = table[city.material, 4], table[city.material, 5]
    common = strength * mottled + spread * tint[city.instance]
    bands = [table[city.material, b] * np.exp(common + spread * hue[b][city.instance]) for b in range(4)]
    return np.clip(np.stack(bands), 0, 0.85)
