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
from img2height.scenes.about import about_of
from img2height.scenes.scene import Scene
from img2height.scoring.buildings import reference_buildings
from img2height.view.frame import Frame
from img2height.view.names import ends
from img2height.view.sources import Method, Opener, ShownScene, compared_readers, plain_reader, quantity_name
from img2height.view.tiles import Reader
from img2height.vocabulary.quantities import BUILDINGS as BUILDING_HEIGHTS
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

    @property
    def experiment(self) -> Path:
        """The folder of the methods."""
        return self.path.resolve().parents[4]

    @classmethod
    def of(cls, path: Path) -> "Result | None":
        """Return the result at <method>/oof/seed<seed>/<scene>/height.tif; None if the path is another."""
        found = PLACE.search(path.resolve().as_posix())
        return found and cls(path, found["method"], found["seed"], found["scene"])


def heights_in(folders: Sequence[Path]) -> list[Path]:
    """Return the height maps in folders of an experiment, a method, a seed or a scene, in the order of their paths.

    Raises:
        DataError: a folder contains none.
    """
    found = {folder: [path for path in sorted(folder.rglob(HEIGHTS)) if Result.of(path)] for folder in folders}
    if empty := [folder for folder, paths in found.items() if not paths]:
        raise DataError(
            f"{empty[0]}: contains no <method>/oof/seed<seed>/<scene>/{HEIGHTS}; give a folder of results, for example "
            "results/demo, or the path of a height map"
        )
    return list(dict.fromkeys(path for paths in found.values() for path in paths))


def scenes_of(heights: Sequence[Path], manifests: Sequence[Path]) -> list[Opener]:
    """Return the scenes of results, each with all methods that were run on it, by name, to be opened one by one.

    Args:
        heights: <method>/oof/seed<seed>/<scene>/height.tif, with the buildings next to it.
        manifests: scene.json of prepared scenes, in the folders <scene>/; there may be others among them.
    """
    found = sorted(filter(None, map(Result.of, heights)), key=lambda result: (result.method, int(result.seed)))
    by_name = {result.scene: [other for other in found if other.scene == result.scene] for result in found}
    return [
        partial(_opened, results, [manifest for manifest in manifests if manifest.parent.name == name])
        for name, results in by_name.items()
    ]


def _opened(results: list[Result], manifests: list[Path], stack: ExitStack) -> ShownScene:
    """Return a scene with the rasters of its methods open."""
    rasters = [stack.enter_context(open_raster(result.path)) for result in results]
    scene = _scene_of(results[0].scene, rasters[0], manifests)
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
        footprints=reference_buildings(scene), about=about_of(scene).model_dump(),
    )  # fmt: skip


def _method(
    result: Result, raster: DatasetReader, layers: Mapping[str, DatasetReader], all_results: list[Result]
) -> tuple[Method, Reader | None]:
    """Return a method and, where the scene has one, what its heights are compared with."""
    name = _name(result, all_results)
    table = result.path.with_name(BUILDINGS)
    buildings = read_geotable(table) if table.exists() else None
    stated = raster.descriptions[0]
    quantity = quantity_of(stated)
    compared_with = quantity.reference(layers)
    needed = {compared_with, *quantity.needs}
    if stated == RELATIVE or not needed <= layers.keys():
        return Method(name, quantity_name(stated), plain_reader(raster), buildings=buildings), None
    heights, reference = compared_readers(raster, layers)
    key = BUILDING_HEIGHTS if stated == BUILDING_HEIGHTS else compared_with
    return Method(name, quantity_name(stated, compared=True), heights, key, buildings), reference


def _name(result: Result, all_results: list[Result]) -> str:
    """Return a name of a method with what others of the same scene differ by: the seed, and the experiment."""
    alike = [other for other in all_results if other.method == result.method]
    seed = f", seed {result.seed}" if len({other.seed for other in alike}) > 1 else ""
    experiments = sorted({other.experiment for other in alike})
    title = dict(zip(experiments, ends(experiments), strict=True))[result.experiment]
    return f"{result.method}{seed}" + (f" ({title})" if len(experiments) > 1 else "")


def _scene_of(name: str, raster: DatasetReader, manifests: list[Path]) -> Scene:
    """Return the one scene that is on the grid of a raster."""
    fitting = [scene for scene in map(Scene.load, manifests) if Grid.of(raster).matches(scene.grid)]
    if len(fitting) != 1:
        raise DataError(
            f"{raster.name}: needs its scene {name}, prepared on the same grid; found {len(manifests)} of that name, "
            f"{len(fitting)} of them on this grid; give the folder that contains it with --scenes"
        )
    return fitting[0]
