"""From a folder as it was delivered to a dataset file: what an adapter declares, and what is written from it."""

from img2height.importing.adapter import Adapter, Declared, Scene
from img2height.importing.matching import gather

__all__ = ["Adapter", "Declared", "Scene", "gather"]
