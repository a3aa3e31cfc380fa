"""The scenes of result folders of the workflow, with all methods that were run on each."""

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rasterio.io import DatasetReader

from img2height.errors import DataError
from img2height.io.display import Picture
from img2height.io.grid import Grid
from img2height.io.rasters import open_raster
from img2height.io.tables import read_geotable
from img2height.scenes.scene import Scene
from img2height.scoring.buildings import reference_buildings
from img2height.view.frame import Frame
from img2height.view.sources import Method, Opener, ShownScene, compared_readers, plain_reader, quantity_name
from img2height.view.tiles import Reader
from img2height.vocabulary.quantities import REFERENCES, RELATIVE, quantity_of

HEIGHTS, BUILDINGS, MANIFEST = "height.tif", "buildings.parquet", "scene.json"
PLACE = re.compile(r"(?P<method>[^/]+)/(oof|fold\d+)/seed(?P<seed>\d+)/(?P<scene>[^/]+)/height\.tif$")


@dataclass(frozen=True)
class Result:
    """The heights that one method predicted for one scene, and their place among the results."""

    path: Path
    method: str
    seed: str
    scene: str

    @classmethod
    def of(cls, path: Path) -> "Result | None":
        """Return the result at <method>/oof/seed<seed>/<scene>/height.tif; None if the path is another."""
        found = PLACE.search(path.resolve().as_posix())
        return found and cls(path, found["method"], found["seed"], found["scene"])


def scenes_of(folders: Sequence[Path], scenes: Path) -> list[Opener]:
    """Return the scenes of folders of results, each with all methods that were run on it, to be opened one by one.

    Args:
        folders: of an experiment, a method, a seed or a scene.
        scenes: folder of the prepared scenes.

    Raises:
        DataError: a folder holds no results.
    """
    found = [result for folder in folders for result in _results(folder)]
    by_scene = {
        name: [result for result in found if result.scene == name] for name in dict.fromkeys(r.scene for r in found)
    }
    return [partial(_opened, results, scenes) for results in by_scene.values()]


def _results(folder: Path) -> list[Result]:
    """Return the results in a folder, in the order of their paths."""
    if not (found := [result for path in sorted(folder.rglob(HEIGHTS)) if (result := Result.of(path))]):
        raise DataError(
            f"{folder}: contains no <method>/oof/seed<seed>/<scene>/{HEIGHTS}; give a folder of results, for example "
            "results/demo, or the path of a height map"
        )
    return found


def _opened(results: list[Result], scenes: Path, stack: ExitStack) -> ShownScene:
    """Return a scene with the rasters of its methods open."""
    rasters = [stack.enter_context(open_raster(result.path)) for result in results]
    scene = _scene_of(results[0].scene, rasters[0], scenes)
    name = f"scene {scene.dataset}/{scene.name}"
    for raster in rasters:
        Grid.of(raster).require(scene.grid, raster.name, name)
    layers = {key: stack.enter_context(open_raster(scene.path(key))) for key in REFERENCES if key in scene.layers}
    shown = [_method(*pair, layers, results) for pair in zip(results, rasters, strict=True)]
    image = stack.enter_context(open_raster(scene.path(scene.picture)))
    return ShownScene(
        name=scene.name, title=f"{scene.dataset}/{scene.name}", frame=Frame.of(scene.grid, name),
        methods=[method for method, _ in shown],
        picture=Picture.of(image, scene.layers[scene.picture].bands),
        references={method.reference: reference for method, reference in shown if reference is not None},
        footprints=reference_buildings(scene), about=scene.about,
    )  # fmt: skip


def _method(
    result: Result, raster: DatasetReader, layers: Mapping[str, DatasetReader], all_results: list[Result]
) -> tuple[Method, Reader | None]:
    """Return a method and, where the scene has one, what its heights are compared with."""
    seeds = {other.seed for other in all_results if other.method == result.method}
    name = result.method if len(seeds) == 1 else f"{result.method}, seed {result.seed}"
    table = result.path.with_name(BUILDINGS)
    buildings = read_geotable(table) if table.exists() else None
    stated = raster.descriptions[0]
    quantity = quantity_of(stated)
    needed = {quantity.reference(layers), *quantity.needs}
    if stated == RELATIVE or not needed <= layers.keys():
        return Method(name, quantity_name(stated), plain_reader(raster), buildings=buildings), None
    heights, reference = compared_readers(raster, layers)
    return Method(name, quantity_name(stated, compared=True), heights, quantity.name, buildings), reference


def _scene_of(name: str, raster: DatasetReader, scenes: Path) -> Scene:
    """Return the prepared scene of a name that is on the grid of a raster."""
    named = [Scene.load(manifest) for manifest in sorted(scenes.rglob(f"{name}/{MANIFEST}"))]
    fitting = [scene for scene in named if Grid.of(raster).matches(scene.grid)]
    if len(fitting) != 1:
        found = f"{len(named)} scenes of that name, {len(fitting)} of them on its grid"
        raise DataError(
            f"{raster.name}: its scene {name} must be prepared in {scenes} on the same grid; found {found}; give the "
            "folder that holds it with --scenes"
        )
    return fitting[0]
