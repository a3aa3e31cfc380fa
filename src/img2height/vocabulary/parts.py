"""The parts into which the scenes of an experiment are split, and the roles of its scenes."""

from typing import Literal, get_args

Part = Literal["train", "val", "test"]
Role = Literal["train", "val", "test", "split"]

PARTS: tuple[Part, ...] = get_args(Part)
SPLIT: Role = "split"  # a scene that contains all parts
PART_TITLES: dict[Part, str] = {"train": "training", "val": "validation", "test": "test"}


def parts_of(role: Role) -> tuple[Part, ...]:
    """Return the parts of a scene with this role."""
    return tuple(part for part in PARTS if role in (part, SPLIT))
