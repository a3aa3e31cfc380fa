"""The parts that the ground of an experiment is divided into, and the roles that its scenes have."""

from typing import Literal, get_args

Part = Literal["train", "val", "test"]
Role = Literal["train", "val", "test", "split"]

PARTS: tuple[Part, ...] = get_args(Part)
SPLIT: Role = "split"  # a scene that holds all parts
PART_TITLES: dict[Part, str] = {"train": "training", "val": "validation", "test": "test"}


def parts_of(role: Role) -> tuple[Part, ...]:
    """Return the parts that a scene has ground of."""
    return tuple(part for part in PARTS if role in (part, SPLIT))
