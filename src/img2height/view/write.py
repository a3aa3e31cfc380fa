"""The folder of a map: the page, its scripts, and one script per tile; the same inputs give the same bytes."""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path

from img2height.errors import DataError
from img2height.io.atomic import atomic_folder
from img2height.io.rasters import bounded_cache
from img2height.view.data import Chunks, write_scene
from img2height.view.sources import Opener

PAGE, DATA, MANIFEST = "index.html", "data", "manifest"
PARTS = ("assets", "vendor")


def write_view(openers: Sequence[Opener], title: str, out: Path) -> None:
    """Write the folder of a map, which replaces an earlier one as a whole.

    Args:
        openers: of the scenes, in order.
        title: of the page.
        out: the folder.

    Raises:
        DataError: the folder exists and holds something else, or a file cannot be read.
    """
    require_replaceable(out)
    with bounded_cache(), atomic_folder(out) as folder:
        for part in PARTS:
            with as_file(files("img2height.view") / part) as source:
                shutil.copytree(source, folder / part)
        (folder / "assets" / PAGE).replace(folder / PAGE)
        chunks = Chunks(folder / DATA)
        scenes = []
        for number, opener in enumerate(openers):
            with ExitStack() as stack:
                scenes.append(write_scene(opener(stack), str(number), chunks))
        chunks.save(MANIFEST, {"title": title, "scenes": scenes})


def require_replaceable(out: Path) -> None:
    """Raise a DataError if a folder exists, is not empty, and is not the folder of a map."""
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / DATA / f"{MANIFEST}.js").exists()):
        raise DataError(f"--out {out}: exists and is not the folder of a map; choose another name")
