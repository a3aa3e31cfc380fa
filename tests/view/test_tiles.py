import numpy as np
import pytest
from rasterio.windows import Window

from img2height.view.frame import TILE
from img2height.view.tiles import HEIGHTS, PICTURE, SMALLER, Kind, Pyramid, halved_heights, halved_picture


def written(array: np.ndarray, kind: Kind) -> tuple[dict[str, np.ndarray], list[Window], np.ndarray]:
    """Return the tiles of an array, the windows that were read, and the overview."""
    tiles, read = {}, []

    def reader(window: Window) -> np.ndarray:
        read.append(window)
        return array[window.toslices()]

    overview = Pyramid(array.shape[1], array.shape[0], kind).write(reader, tiles.__setitem__)
    return tiles, read, overview


@pytest.mark.parametrize(("height", "width"), [(1, 1), (512, 512), (513, 100), (700, 1300), (300, 2049)])
def test_each_pixel_is_read_once_and_the_first_level_has_them_all(height: int, width: int) -> None:
    array = np.random.default_rng(0).normal(size=(height, width)).astype(np.float32)
    tiles, read, overview = written(array, HEIGHTS)
    assert sum(window.width * window.height for window in read) == height * width
    rows, columns = -(-height // TILE), -(-width // TILE)
    whole = np.block([[tiles[f"0-{column}-{row}"] for column in range(columns)] for row in range(rows)])
    assert (whole[:height, :width] == array).all()
    assert np.isnan(whole).sum() == whole.size - array.size
    last = Pyramid(width, height, HEIGHTS).overview
    assert overview is tiles[f"{last}-0-0"]
    assert max(int(name.split("-")[0]) for name in tiles) == last + SMALLER


def test_a_level_has_the_means_of_the_one_before() -> None:
    array = np.random.default_rng(0).normal(size=(1024, 2048)).astype(np.float32)
    tiles, _, overview = written(array, HEIGHTS)
    means = array.reshape(256, 4, 512, 4).mean(axis=(1, 3))
    assert np.abs(overview[:256] - means).max() < 1e-5
    smaller = tiles["3-0-0"]
    assert np.abs(smaller[:128, :256] - means.reshape(128, 2, 256, 2).mean(axis=(1, 3))).max() < 1e-5
    assert np.isnan(smaller[128:]).all()


def test_missing_heights_are_left_out_of_means() -> None:
    nan = np.nan
    found = halved_heights(np.array([[1, nan, nan, nan], [3, 2, nan, nan]], np.float32))
    assert found[0, 0] == 2
    assert np.isnan(found[0, 1])


def test_missing_colours_are_left_out_of_means() -> None:
    pixels = np.zeros((2, 4, 4), np.uint8)
    pixels[0, 0], pixels[1, 1] = (10, 20, 30, 255), (20, 40, 60, 255)
    assert halved_picture(pixels).tolist() == [[[15, 30, 45, 255], [0, 0, 0, 0]]]
    assert PICTURE.missing.tolist() == [0, 0, 0, 0]
