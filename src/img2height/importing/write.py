"""Imports a delivery: mosaics beside the delivered files, a dataset file, and an experiment to start from."""

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rasterio.enums import MaskFlags

from img2height.errors import DataError
from img2height.importing.adapter import Adapter, Scene
from img2height.importing.apart import divide_places
from img2height.importing.matching import MOSAICS, files_below
from img2height.importing.mosaics import POINTS, Delivery, Layers, write_mosaics
from img2height.importing.starting import NOTE, Look, largest_tile_px, roles_of, start_experiment
from img2height.io.atomic import atomic_path
from img2height.io.clouds import Stated
from img2height.io.rasters import open_raster
from img2height.scenes.clouds import check_clouds
from img2height.scenes.sources import Source, check_raster, target_grid
from img2height.settings.base import Settings
from img2height.settings.dataset import GRIDS, Dataset, TargetGrid, of_polygons
from img2height.settings.experiment import Experiment
from img2height.settings.ground import PointCloud
from img2height.settings.parsing import parse
from img2height.vocabulary.layers import is_view
from img2height.vocabulary.parts import Role

FILES = "files"  # in the folder of a dataset: a link to a delivery that lies elsewhere


@dataclass(frozen=True)
class Places:
    """The folders of a project that an import writes to.

    Attributes:
        datasets: of dataset files.
        experiments: of experiment files.
        raw: of delivered files, one folder per dataset.
    """

    datasets: Path
    experiments: Path
    raw: Path


@dataclass(frozen=True)
class Imported:
    """What an import found and wrote.

    Attributes:
        scenes: as found, by name.
        dataset: the settings that were written.
        experiment: likewise; None if there is nothing to train on.
        written: files and folders.
        kept: the experiment file that existed before and was not changed, if any.
    """

    scenes: dict[str, Scene]
    dataset: Dataset
    experiment: Experiment | None
    written: list[Path]
    kept: Path | None


def import_delivery(adapter: Adapter, root: Path, name: str, places: Places, *, replace: bool = False) -> Imported:
    """Return what was found in a folder and written for it; after an error nothing is left.

    Args:
        adapter: the kind of delivery.
        root: its folder.
        name: of the dataset.
        places: where to write.
        replace: whether a dataset file of this name is replaced.

    Raises:
        DataError: nothing was found, a file cannot be used, or the dataset file exists.
    """
    file, start = places.datasets / f"{name}.yaml", places.experiments / f"{name}.yaml"
    if file.exists() and not replace:
        raise DataError(f"{file}: exists; choose another name (--name), or replace it (--replace)")
    if not root.is_dir():
        raise DataError(f"{root}: is not a folder; give that of the delivery")
    scenes = divide_places(adapter.find(root))
    if not scenes:
        raise DataError(_nothing_found(adapter, root))
    folder = places.raw / name
    with ExitStack() as undo:
        delivery = Delivery(root, _link(root, folder, undo), folder)
        made = Path(tempfile.mkdtemp(dir=folder, prefix=f".{MOSAICS}."))
        undo.callback(shutil.rmtree, made)
        layers = write_mosaics(name, scenes, delivery, made)
        _require_images(layers)
        sources = _check(_described(adapter, name, scenes, layers), scenes, folder)
        roles = roles_of(scenes)
        grid = TargetGrid(gsd_m=adapter.gsd_m)
        looks = {key: _look(scene, sources[key], roles[key], grid) for key, scene in scenes.items()}
        final = {key: {layer: _moved(keys, made.name) for layer, keys in of.items()} for key, of in layers.items()}
        dataset = _described(adapter, name, scenes, final)
        experiment = start_experiment(dataset, looks, _placed(adapter.params, delivery.inside))
        undo.pop_all()
    written = [*_keep(made, folder / MOSAICS), _write(dataset, adapter.notes, file)]
    kept = start if start.exists() else None
    if experiment and not kept:
        written.append(_write(experiment, (NOTE,), start))
    return Imported(scenes, dataset, experiment, written, kept)


def _require_images(layers: Mapping[str, Layers]) -> None:
    for name, found in layers.items():
        if not any(layer in GRIDS for layer in found):
            raise DataError(
                f"scene {name}: found {', '.join(found)}, but no image; a scene needs one of {', '.join(GRIDS)}, whose "
                "grid it has: add its file, or give its name (--layer eo=…)"
            )


def _nothing_found(adapter: Adapter, root: Path) -> str:
    there = [path.relative_to(root).as_posix() for path, _ in zip(files_below(root), range(3), strict=False)]
    found = f"found e.g. {', '.join(there)}" if there else "the folder is empty"
    return f"{root}: contains no file of this layout: {', '.join(adapter.layout.splitlines())}; {found}"


def _link(root: Path, folder: Path, undo: ExitStack) -> Path:
    """Return the delivery as a path below the folder of the dataset; it is linked there if it lies elsewhere."""
    if folder.resolve() == root.resolve():
        return folder
    if not folder.exists():
        folder.mkdir(parents=True)
        undo.callback(folder.rmdir)
    link = folder / FILES
    if not (link.is_symlink() or link.exists()):
        link.symlink_to(root.resolve(), target_is_directory=True)
        undo.callback(link.unlink)
    if link.resolve() != root.resolve():
        raise DataError(f"{link}: points to {link.resolve()}, another delivery; remove it, or choose another name")
    return link


def _described(adapter: Adapter, name: str, scenes: Mapping[str, Scene], layers: Mapping[str, Layers]) -> Dataset:
    """Return the settings of a dataset from what its adapter declares."""
    keys = ("title", "source", "licence", "citation", "vertical_reference")
    about = {key: text for key in keys if (text := getattr(adapter, key))}
    grid = {"grid": {"gsd_m": adapter.gsd_m}} if adapter.gsd_m else {}
    found = {key: _scene(scene, layers[key]) for key, scene in scenes.items()}
    return parse(Dataset, {"name": name, **about, **grid, "scenes": found}, f"dataset {name}")


def _placed(value: Any, folder: Path) -> Any:
    """Return settings in which {folder} is replaced, at any depth."""
    if isinstance(value, Mapping):
        return {key: _placed(inner, folder) for key, inner in value.items()}
    return value.replace("{folder}", folder.as_posix()) if isinstance(value, str) else value


def _scene(scene: Scene, layers: Layers) -> dict[str, object]:
    numbered = {layer: keys for layer, keys in layers.items() if not is_view(layer) and layer != POINTS}
    if views := [layers[layer] for layer in sorted(layers) if is_view(layer)]:
        numbered["views"] = views  # type: ignore[assignment]  # the one list among mappings
    keys: dict[str, object] = {"layers": numbered, "pairs": scene.pairs, "group": scene.group, "allow": scene.allow}
    if POINTS in layers and "dsm" not in layers:  # a delivered surface takes their place
        keys[POINTS] = layers[POINTS]
    filtered = scene.ground_filter and "dsm" in layers and "dtm" not in layers
    return {key: value for key, value in keys.items() if value} | ({"ground_filter": {}} if filtered else {})


def _check(dataset: Dataset, scenes: Mapping[str, Scene], folder: Path) -> dict[str, dict[str, Source]]:
    """Return the checked rasters of all scenes, by scene and layer."""
    found: dict[str, dict[str, Source]] = {}
    for name, scene in dataset.scenes.items():
        found[name] = {}
        if scene.points:
            _check_points(scene.points, folder)
        for layer, declared in scene.layers.items():
            if of_polygons(layer, declared):
                continue
            try:
                found[name][layer] = check_raster(layer, declared, folder, scene.allow)
            except DataError as error:
                files = [str(files[layer]) for files in scenes[name].pieces.values() if layer in files]
                delivered = f"{files[0]} (and {len(files) - 1} more)" if len(files) > 1 else "".join(files)
                text = str(error).replace(str(folder / declared.path), delivered or layer)
                raise DataError(f"{text} (while importing: --declare {layer}.KEY=VALUE)") from error
    return found


def _check_points(points: PointCloud, folder: Path) -> None:
    try:
        check_clouds([folder / points.path], Stated(points.crs, points.unit, points.vertical))
    except DataError as error:
        raise DataError(f"{error} (while importing: --declare {POINTS}.KEY=VALUE)") from error


def _look(scene: Scene, sources: Mapping[str, Source], role: Role, wanted: TargetGrid) -> Look:
    """Return what an experiment has to know of a scene, by the layer that has its grid; of a sheet by its chips."""
    first, image = next(iter(sources.items()))
    bands = {layer: source.bands for layer, source in sources.items() if source.is_image}
    if scene.chip_gsd_m:
        shrunk = scene.chip_gsd_m / (wanted.gsd_m or scene.chip_gsd_m)
        sides = [_side_px(files[first], role) for files in scene.pieces.values() if first in files]
        return Look(role, int(min(sides) * shrunk), bands, image.nodata is not None)
    grid = target_grid(image.path, wanted)
    with open_raster(image.path) as raster:
        may_lack = any(MaskFlags.all_valid not in flags for flags in raster.mask_flag_enums)
    return Look(role, largest_tile_px(grid.width, grid.height, role), bands, may_lack)


def _side_px(chip: Path, role: Role) -> int:
    with open_raster(chip) as raster:
        return largest_tile_px(raster.width, raster.height, role)


def _moved(keys: dict[str, object], made: str) -> dict[str, object]:
    """Return the keys of a layer with the final path of its mosaic."""
    return {**keys, "path": str(keys["path"]).replace(f"{made}/", f"{MOSAICS}/", 1)}


def _keep(made: Path, folder: Path) -> list[Path]:
    """Move the mosaics to their final folder, which is replaced, and return it if there are any."""
    if folder.exists():
        shutil.rmtree(folder)
    if not any(made.iterdir()):
        made.rmdir()
        return []
    made.chmod(0o755)  # temporary folders are closed to others
    made.rename(folder)
    return [folder]


def _write(settings: Settings, notes: Iterable[str], path: Path) -> Path:
    """Write a settings file and return its path."""
    value = settings.model_dump(mode="json", exclude_unset=True)
    value = {"name": value.pop("name"), **value}
    lines = "".join(f"# {note}\n" for note in notes)
    with atomic_path(path) as temporary:
        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
        temporary.write_text(lines + text, encoding="utf-8")
    return path
