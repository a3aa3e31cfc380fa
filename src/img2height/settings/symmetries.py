"""The symmetries of the square that a recipe may draw from. Its imports are light: settings are checked with it."""

from collections.abc import Mapping

from img2height.errors import SettingsError
from img2height.settings.recipe import Recipe
from img2height.vocabulary.layers import RADAR

SYMMETRIES = 8
MIRROR = 4  # from this number on, an array is mirrored before it is rotated
SAME_LOOK_DEG = 10.0  # smaller differences of look direction do not count; flight lines of one survey have them


def keeps_look(symmetry: int, look_azimuth_deg: float) -> bool:
    """Return whether a symmetry keeps the look direction of a radar image."""
    return abs((turned_look(symmetry, look_azimuth_deg) - look_azimuth_deg + 180) % 360 - 180) <= SAME_LOOK_DEG


def turned_look(symmetry: int, look_azimuth_deg: float) -> float:
    """Return the look azimuth of a radar image after a symmetry, in degrees clockwise from its top."""
    mirrored = -look_azimuth_deg if symmetry >= MIRROR else look_azimuth_deg
    return mirrored - 90 * (symmetry % 4)


def drawn_symmetries(method: str, recipe: Recipe, looks_deg: Mapping[str, float | None]) -> list[int]:
    """Return the symmetries from which the training samples of a method are drawn.

    Args:
        method: its name, for the message.
        recipe: its recipe.
        looks_deg: look azimuth of the radar layer by training scene, None if not declared.

    Raises:
        SettingsError: the method has a radar input, and a symmetry would change its look direction: shadow and layover
            would appear where they never occur.
    """
    augmentation = recipe.augmentation
    symmetries = list(range(SYMMETRIES)) if augmentation.dihedral else [0, MIRROR] if augmentation.mirror else [0]
    if RADAR not in recipe.inputs or augmentation.ignore_sar_look or symmetries == [0]:
        return symmetries
    for scene, look_deg in looks_deg.items():
        if look_deg is None or not all(keeps_look(symmetry, look_deg) for symmetry in symmetries):
            found = "is not declared (sar: look_azimuth_deg)" if look_deg is None else f"is {look_deg:g} degrees"
            chosen = "dihedral" if augmentation.dihedral else "mirror"
            raise SettingsError(
                f"method {method}: augmentation.{chosen} would change the look direction of the radar of scene "
                f"{scene}, whose look azimuth {found}; left-right mirrors suit a radar looking from north or south: "
                f"set {chosen}: false, or ignore_sar_look: true to train on it anyway"
            )
    return symmetries
