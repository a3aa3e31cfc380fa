"""The multispectral image of a landscape: ten bands of surface reflectance without terrain correction.

Lambertian slopes under sun and sky, cast shadows, haze in the valleys, blurred coarser bands, sensor noise.
"""

import numpy as np
from scipy import ndimage

from img2height.scenes.city.geometry import direction
from img2height.scenes.city.light import cast_shadows, normals
from img2height.scenes.city.terrain import smooth_noise
from img2height.scenes.land import Land
from img2height.scenes.land.cover import CULTIVATED, Cover

# Sentinel-2 B2, B3, B4, B5, B6, B7, B8, B8A, B11, B12.
BANDS = ("blue", "green", "red", "re1", "re2", "re3", "nir", "nir08", "swir16", "swir22")
SCALE = 10_000
RNG_STAGE = 100
# Diffuse light in units of the direct sun; also the constant of a C correction.
SKY = np.array([0.30, 0.24, 0.19, 0.17, 0.15, 0.14, 0.13, 0.12, 0.07, 0.06], np.float32)
PATH = np.array([0.060, 0.042, 0.029, 0.024, 0.019, 0.016, 0.014, 0.013, 0.004, 0.002], np.float32)  # at full haze
HAZE_HEIGHT_M = 900.0  # haze falls to a third over this height
# Standard deviation of the point spread function in pixels: blue, green, red and nir have full resolution, others half.
BLUR_PX = (0.45, 0.45, 0.45, 1.0, 1.0, 1.0, 0.45, 1.0, 1.0, 1.0)
REFLECTANCE = {
    Cover.WATER: (0.028, 0.036, 0.026, 0.021, 0.014, 0.014, 0.012, 0.011, 0.007, 0.005),
    Cover.CROP: (0.030, 0.062, 0.034, 0.098, 0.300, 0.390, 0.415, 0.430, 0.200, 0.100),
    Cover.CEREAL: (0.070, 0.108, 0.145, 0.185, 0.230, 0.255, 0.280, 0.300, 0.360, 0.250),
    Cover.SOIL: (0.070, 0.096, 0.130, 0.155, 0.172, 0.190, 0.208, 0.222, 0.300, 0.262),
    Cover.MEADOW: (0.036, 0.068, 0.050, 0.115, 0.255, 0.310, 0.330, 0.348, 0.235, 0.135),
    Cover.BROADLEAF: (0.020, 0.040, 0.022, 0.070, 0.255, 0.340, 0.360, 0.380, 0.170, 0.076),
    Cover.CONIFER: (0.016, 0.027, 0.017, 0.042, 0.135, 0.172, 0.186, 0.200, 0.092, 0.042),
    Cover.SHRUB: (0.034, 0.054, 0.050, 0.092, 0.178, 0.212, 0.230, 0.246, 0.215, 0.130),
    Cover.ROCK: (0.110, 0.128, 0.145, 0.158, 0.168, 0.178, 0.188, 0.196, 0.235, 0.210),
    Cover.SNOW: (0.800, 0.800, 0.790, 0.780, 0.770, 0.750, 0.740, 0.710, 0.095, 0.075),
    Cover.SETTLEMENT: (0.098, 0.114, 0.124, 0.142, 0.178, 0.196, 0.210, 0.220, 0.218, 0.182),
}
DRY = (0.062, 0.092, 0.110, 0.150, 0.205, 0.228, 0.248, 0.264, 0.330, 0.225)  # green plants when dried out
# Strength of the texture between pixels and between stands, and the largest share of dry plants.
TEXTURE = {
    Cover.WATER: (0.03, 0.12, 0.0),
    Cover.CROP: (0.04, 0.12, 0.45),
    Cover.CEREAL: (0.04, 0.12, 0.0),
    Cover.SOIL: (0.05, 0.18, 0.0),
    Cover.MEADOW: (0.07, 0.14, 0.7),
    Cover.BROADLEAF: (0.10, 0.10, 0.25),
    Cover.CONIFER: (0.11, 0.14, 0.0),
    Cover.SHRUB: (0.13, 0.16, 0.5),
    Cover.ROCK: (0.14, 0.18, 0.0),
    Cover.SNOW: (0.03, 0.06, 0.0),
    Cover.SETTLEMENT: (0.26, 0.10, 0.6),
}


def render(land: Land) -> np.ndarray:
    """Return the image of a landscape for the sun and the sensor of its settings, in the order of `BANDS`.

    Returns:
        Reflectance x 10000, 10xHxW uint16, at least 1.
    """
    settings = land.settings
    surface = reflectance(land)
    lit, open_sky, flat = _light(land)
    noise = np.random.default_rng([settings.seed, RNG_STAGE, 1])
    drift = np.exp(0.35 * smooth_noise(land.dtm.shape, 3000 / settings.gsd_m, noise))
    air = settings.haze * drift * np.exp(-(land.dtm - settings.base_m) / HAZE_HEIGHT_M)
    image = np.empty(surface.shape, np.uint16)
    for band, (sky, path, blur_px) in enumerate(zip(SKY, PATH, BLUR_PX, strict=True)):
        seen = surface[band] * (lit + sky * open_sky) / (flat + sky) + path * air
        seen = ndimage.gaussian_filter(seen, blur_px, truncate=3)
        seen += settings.noise * noise.standard_normal(seen.shape, np.float32)
        image[band] = np.clip(np.rint(SCALE * seen), 1, np.iinfo(np.uint16).max)
    return image


def _light(land: Land) -> tuple[np.ndarray, np.ndarray, float]:
    """Return direct light and share of the sky on the slopes, HxW float32, and the direct light of level ground."""
    settings = land.settings
    elevation = np.radians(settings.sun_elevation_deg)
    right, down = direction(settings.sun_azimuth_deg)
    level = float(np.sin(elevation))
    sun = np.array([right * np.cos(elevation), down * np.cos(elevation), level], np.float32)
    normal = normals(land.dtm, settings.gsd_m)
    shadow = cast_shadows(land.dtm, settings.gsd_m, settings.sun_azimuth_deg, settings.sun_elevation_deg)
    return np.maximum(np.tensordot(sun, normal, 1), 0) * ~shadow, (1 + normal[2]) / 2, level


def reflectance(land: Land) -> np.ndarray:
    """Return the reflectance of the surface with its texture and season, 10xHxW float32."""
    settings, shape = land.settings, land.dtm.shape
    rng = np.random.default_rng([settings.seed, RNG_STAGE])
    table = np.array([REFLECTANCE[cover] for cover in Cover], np.float32)  # classes x 10
    fine_strength, stand_strength, driest = np.array([TEXTURE[cover] for cover in Cover], np.float32)[
        land.cover
    ].transpose(2, 0, 1)
    fine = 0.8 * rng.standard_normal(shape, dtype=np.float32) + 0.6 * smooth_noise(shape, 3, rng)
    wide, middle = (smooth_noise(shape, max(size_m / settings.gsd_m, 2), rng) for size_m in (2500, 200))
    # A field is one stand; woods and meadows merge into each other.
    fields = np.isin(land.cover, CULTIVATED)
    stand = np.where(fields, rng.standard_normal(land.parcel.max() + 1, np.float32)[land.parcel], middle)
    hue = 0.05 * rng.standard_normal((len(BANDS), land.parcel.max() + 1), np.float32)
    common = fine_strength * fine + stand_strength * stand
    # Plants on high, sunny slopes dry out first.
    rise = (land.dtm - settings.base_m) / settings.relief_m
    dry = driest * np.clip(0.3 + 0.35 * wide + 0.2 * stand + 0.3 * (rise - 0.3), 0, 1)
    bands = []
    for band, dry_reflectance in enumerate(DRY):
        mixed = table[land.cover, band] * (1 - dry) + np.float32(dry_reflectance) * dry
        bands.append(mixed * np.exp(common + np.where(fields, hue[band][land.parcel], 0)))
    return np.clip(np.stack(bands), 0, 1)
