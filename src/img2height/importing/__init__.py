"""From a folder as it was delivered to a dataset file: what an adapter declares, and what is written from it."""

from img2height.importing.adapter import Adapter, Declared, Pieces, Scene
from img2height.importing.matching import by_patterns, gather, in_sheets

__all__ = ["Adapter", "Declared", "Pieces", "Scene", "by_patterns", "gather", "in_sheets"]
