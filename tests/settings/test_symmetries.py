"""The symmetries that keep the look direction of a radar, by the geometry of the image itself."""

import numpy as np
import pytest

from img2height.errors import SettingsError
from img2height.methods import recipes_folder
from img2height.samples.augment import transform
from img2height.settings.project import load_recipe
from img2height.settings.symmetries import MIRROR, SYMMETRIES, drawn_symmetries, keeps_look


@pytest.mark.parametrize("look_deg", [0.0, 90.0, 180.0, 270.0, 45.0, 120.0])
@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_a_symmetry_keeps_the_look_if_the_shadow_still_falls_away_from_the_sensor(symmetry, look_deg):
    """A post in the middle casts its shadow away from the sensor, and must still do so after the symmetry."""
    image = np.zeros((101, 101))
    reach = np.arange(5, 40)
    azimuth = np.radians(look_deg)
    rows, columns = (np.rint(50 - reach * part).astype(int) for part in (-np.cos(azimuth), np.sin(azimuth)))
    image[rows, columns] = 1
    assert keeps_look(symmetry, look_deg) == np.array_equal(transform(image, symmetry), image)


def test_neighbouring_flight_lines_have_the_same_look():
    assert keeps_look(MIRROR, 184.0)
    assert not keeps_look(MIRROR, 150.0)


def with_radar(**augmentation: bool):
    changes = {"inputs": {"sar": ["hh"]}, "augmentation": {"dihedral": False, **augmentation}}
    return load_recipe(recipes_folder(), "unet", changes)


def test_a_radar_method_refuses_symmetries_that_change_the_look_unless_allowed():
    assert drawn_symmetries("m", with_radar(), {"d/a": None}) == [0]
    assert drawn_symmetries("m", with_radar(mirror=True), {"d/a": 180.0, "d/b": 2.0}) == [0, MIRROR]
    assert drawn_symmetries("m", with_radar(dihedral=True, ignore_sar_look=True), {"d/a": 90.0}) == list(range(8))
    with pytest.raises(
        SettingsError, match=r"method m: augmentation\.dihedral .* d/a, whose look azimuth is 180 degrees"
    ):
        drawn_symmetries("m", with_radar(dihedral=True), {"d/a": 180.0})
    with pytest.raises(SettingsError, match=r"augmentation\.mirror .* d/b, whose look azimuth is 90 degrees"):
        drawn_symmetries("m", with_radar(mirror=True), {"d/a": 180.0, "d/b": 90.0})
    with pytest.raises(SettingsError, match="is not declared"):
        drawn_symmetries("m", with_radar(mirror=True), {"d/a": None})


def test_optical_methods_draw_from_all_eight():
    recipe = load_recipe(recipes_folder(), "unet")
    assert drawn_symmetries("unet", recipe, {"d/a": 90.0}) == list(range(8))
