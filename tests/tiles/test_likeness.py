import io

import numpy as np
import pandas
import pytest
from grid_cases import bare_scene
from matplotlib.image import imread, imsave
from scipy.ndimage import gaussian_filter

from img2height.io.rasters import Band, write_cog
from img2height.scenes.scene import Scene, SceneLayer
from img2height.tiles.likeness import find_copies, likeness, tile_details

SIZE = 128


def texture(seed: int, size: int = SIZE) -> np.ndarray:
    """Return fine and coarse structure like that of an aerial image, bytes."""
    rng = np.random.default_rng(seed)
    octaves = [gaussian_filter(rng.normal(size=(size, size)), width) * width for width in (0.7, 2, 5, 12)]
    return np.clip(128 + 40 * sum(octaves), 0, 255).astype(np.uint8)


def jpeg(image: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    imsave(stream, np.repeat(image[..., None], 3, axis=2), format="jpg", pil_kwargs={"quality": 60})
    stream.seek(0)
    return imread(stream, format="jpg")[..., 0]


CHANGES = {
    "the same": lambda image: image,
    "brighter": lambda image: np.clip(image.astype(int) + 40, 0, 255),
    "less contrast": lambda image: image // 2 + 60,
    "coded again": jpeg,
    "moved by a pixel": lambda image: np.pad(image, ((1, 0), (0, 1)), mode="reflect")[:-1, 1:],
    "mirrored": lambda image: image[:, ::-1],
    "turned": lambda image: np.rot90(image),
    "all of it": lambda image: np.rot90(np.roll(jpeg(image[::-1] // 2 + 70), 1, axis=0), 3),
}


@pytest.fixture
def details(tmp_path):
    """Return a function that gives the details of images laid side by side as tiles of one scene."""

    def of(images: list[np.ndarray]) -> np.ndarray:
        size = images[0].shape[0]
        place = bare_scene(size * len(images), size)
        strip = np.concatenate(images, axis=1).astype(np.uint8)
        write_cog(tmp_path / "eo.tif", strip[None], place.grid, [Band("red")])
        layers = {"eo": SceneLayer.of(tmp_path / "eo.tif", ["red"])}
        scene = Scene(tmp_path, place.dataset, place.name, place.grid, layers)
        columns = {
            "dataset": "d",
            "scene": "s",
            "col_off": size * np.arange(len(images)),
            "row_off": 0,
            "size_px": size,
        }
        return tile_details([scene], pandas.DataFrame(columns))

    return of


def parts_of(count: int) -> np.ndarray:
    """Return parts in which the last tile is for testing and all others for training."""
    return np.array([[0]] * (count - 1) + [[2]])


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found(details, change):
    images = [texture(seed) for seed in range(6)]
    found = find_copies(details([*images, CHANGES[change](images[2])]), parts_of(7))
    assert found == [(2, 6)]


def test_a_copy_in_the_same_part_or_in_none_is_not_a_leak(details):
    images = details([texture(0), texture(0)])
    assert find_copies(images, np.array([[0, 2], [0, -1]])) == []
    assert find_copies(images, np.array([[0, 2], [-1, 1]])) == [(0, 1)]


def test_similar_terrain_is_not_a_copy(details):
    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[:SIZE, :SIZE]
    slope = 60 + rows / 4 + cols / 8
    flat = [np.full((SIZE, SIZE), 90.0)] * 3
    water = [40 + rng.integers(0, 2, (SIZE, SIZE)) for _ in range(8)]
    meadows = [slope + 6 * rng.normal(size=slope.shape) for _ in range(8)]
    specks = [np.where((rows == 30) & (cols == 30 + n), 200, 90) for n in range(3)]
    edges = [np.where(rows + cols > 128, 180, 90) + 8 * rng.normal(size=slope.shape) for _ in range(8)]
    tiles = details([*flat, *water, *meadows, *specks, *edges])
    assert find_copies(tiles, np.arange(len(tiles))[:, None]) == []


def test_a_row_of_similar_houses_is_not_a_copy(details):
    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[:SIZE, :SIZE]
    street = np.where((abs(rows - 64) < 20) & (cols % 32 < 20), 200, 90)
    tiles = details([street + 25 * gaussian_filter(rng.normal(size=street.shape), 1) for _ in range(6)])
    assert find_copies(tiles, np.arange(6)[:, None]) == []


def test_missing_pixels_are_not_an_edge(tmp_path):
    place = bare_scene(2 * SIZE, SIZE)
    valid = np.tile(np.tri(SIZE, dtype=bool), 2)
    image = np.where(valid, np.concatenate([texture(1), texture(2)], axis=1), 0).astype(np.uint8)
    write_cog(tmp_path / "eo.tif", image[None], place.grid, [Band("red")], valid=valid)
    scene = Scene(tmp_path, "d", "s", place.grid, {"eo": SceneLayer.of(tmp_path / "eo.tif", ["red"])})
    columns = {"dataset": "d", "scene": "s", "col_off": [0, SIZE], "row_off": 0, "size_px": SIZE}
    first, second = tile_details([scene], pandas.DataFrame(columns))
    assert likeness(first, first) == pytest.approx(1, abs=1e-5)
    assert likeness(first, second) < 0.4


def test_one_copy_among_thousands_is_found():
    tiles = np.random.default_rng(0).normal(size=(3000, 64, 64)).astype(np.float32)
    tiles[2999] = tiles[4, ::-1]
    tiles /= np.linalg.norm(tiles, axis=(1, 2), keepdims=True)
    assert find_copies(tiles, np.arange(3000)[:, None] % 3) == [(4, 2999)]
