"""Quantities: what they are compared with, learnt from, and ranked with."""

import pytest

from img2height.vocabulary.layers import LAYERS
from img2height.vocabulary.quantities import ABOVE_GROUND, GROUPS, QUANTITIES, TARGETS, quantity_of


def test_quantities_refer_to_declared_layers() -> None:
    for quantity in QUANTITIES.values():
        named = {*quantity.references, *quantity.needs, *filter(None, [quantity.learnt_from])}
        assert named <= LAYERS.keys()
        assert GROUPS[quantity.group.name] is quantity.group


def test_lists_of_quantities() -> None:
    assert TARGETS == ("ndsm", "building_height", "dsm", "dem")
    assert ABOVE_GROUND == ("ndsm", "building_height")
    assert list(GROUPS) == ["heights", "building_height", "relative"]


@pytest.mark.parametrize(
    ("quantity", "layers", "reference"),
    [
        ("ndsm", {"ndsm", "dtm"}, "ndsm"), ("dsm", {"ndsm", "dtm"}, "ndsm"), ("dem", {"ndsm", "dtm"}, "dtm"),
        ("relative", {"ndsm", "dtm"}, "ndsm"), ("relative", {"dtm"}, "dtm"), ("relative", set(), "ndsm"),
    ],
)  # fmt: skip
def test_errors_are_measured_against_the_first_available_reference(quantity, layers, reference) -> None:
    assert quantity_of(quantity).reference(layers) == reference


def test_only_the_first_group_needs_no_reason() -> None:
    assert [bool(group.reason) for group in GROUPS.values()] == [False, True, True]
