"""The command that imports a delivered folder as a dataset, and what it prints."""

import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from img2height.cli.program import messages
from img2height.errors import DataError, SettingsError
from img2height.importing.adapter import Adapter, Scene
from img2height.settings.installed import adapter_modules
from img2height.settings.parsing import meant

FOLDER = "folder"  # the one adapter whose layout is given with the call
SHOWN = 20  # scenes that are listed


def import_dataset(
    adapter: Annotated[str | None, typer.Argument(help="kind of delivery, see --list")] = None,
    root: Annotated[Path | None, typer.Argument(help="folder of the delivered files; never changed")] = None,
    name: Annotated[
        str | None, typer.Option(help="name of the dataset (default: that of the adapter or folder)")
    ] = None,
    layer: Annotated[
        list[str] | None,
        typer.Option(help="folder: names of the files of a layer, e.g. 'eo={scene}/ortho_{tile}.tif'; once per layer"),
    ] = None,
    table: Annotated[Path | None, typer.Option(help="folder: CSV with a column per layer instead of --layer")] = None,
    declare: Annotated[
        list[str] | None, typer.Option(help="what the files of a layer do not state, e.g. dsm.unit=metre; repeatable")
    ] = None,
    replace_file: Annotated[bool, typer.Option("--replace", help="replace the dataset file of this name")] = False,
    show: Annotated[bool, typer.Option("--list", help="list all adapters")] = False,
) -> None:
    """Describe a delivered folder in config/datasets/<name>.yaml, after checking every file, and how to continue.

    Tiles become one mosaic per scene and layer, and chips a sheet, in data/raw/<name>/; no pixel is copied. An
    experiment to start from is written if there is none of this name.
    """
    if show:
        typer.echo("\n".join(_rows()))
        return
    if adapter is None or root is None:
        raise SettingsError("give an adapter and a folder, e.g. img2height import-dataset folder data/raw/mytown")
    from img2height.importing.matching import as_name
    from img2height.importing.write import Places, import_delivery

    chosen = _with_declared(_adapter(adapter, layer, table), declare or [])
    config = Path("config")
    places = Places(config / "datasets", config / "experiments", Path("data/raw"))
    called = name or as_name(root.resolve().name if adapter == FOLDER else adapter)
    with messages():
        found = import_delivery(chosen, root, called, places, replace=replace_file)
    for line in _report(chosen, found):
        typer.echo(line)


def load_adapter(name: str) -> Adapter:
    """Return an adapter by its name."""
    modules = adapter_modules()
    if name not in modules:
        raise SettingsError(f"there is no adapter {meant(name, sorted(modules))}")
    return importlib.import_module(modules[name]).ADAPTER


def _rows() -> Iterator[str]:
    yield from (f"{name:18} {load_adapter(name).title}; {load_adapter(name).licence}" for name in adapter_modules())


def _adapter(name: str, layers: list[str] | None, table: Path | None) -> Adapter:
    if (layers or table) and name != FOLDER:
        raise SettingsError(f"--layer and --table belong to the adapter {FOLDER}; {name} has its own layout")
    if layers and table:
        raise SettingsError("give either --layer or --table")
    if not layers and not table:
        return load_adapter(name)
    from img2height.adapters.folder import of_patterns, of_table

    return of_table(table) if table else of_patterns(dict(_halves(text, "--layer") for text in layers or []))


def _halves(text: str, option: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise SettingsError(
            f"{option} {text}: has no =; write e.g. {option} dsm{'.unit=metre' if '.' in text else '=*.tif'}"
        )
    return key, value


def _with_declared(adapter: Adapter, declared: list[str]) -> Adapter:
    """Return an adapter that declares further keys of layers, as a dataset file has them."""
    keys: dict[str, dict[str, Any]] = {}
    for text in declared:
        place, value = _halves(text, "--declare")
        layer, dot, key = place.partition(".")
        if not dot:
            raise SettingsError(f"--declare {text}: name layer and key, e.g. dsm.unit=metre")
        try:
            keys.setdefault(layer, {})[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise SettingsError(f"--declare {text}: its value is not YAML ({' '.join(str(error).split())})") from error

    def find(root: Path) -> dict[str, Scene]:
        scenes = adapter.find(root)
        there = {layer for scene in scenes.values() for layer in scene.layers}
        if missing := sorted(keys.keys() - there):
            raise DataError(f"--declare: the scenes have no layer {meant(missing[0], sorted(there))}")
        return {
            name: replace(scene, layers={layer: {**own, **keys.get(layer, {})} for layer, own in scene.layers.items()})
            for name, scene in scenes.items()
        }

    return replace(adapter, find=find)


def _report(adapter: Adapter, found: Any) -> Iterator[str]:
    """Yield what was found, what is missing, what was written, and the next commands."""
    dataset = found.dataset
    count = "1 scene" if len(found.scenes) == 1 else f"{len(found.scenes)} scenes"
    yield f"{dataset.name}: {count}, {dataset.title}; {dataset.licence}"
    for name, scene in list(found.scenes.items())[:SHOWN]:
        counts = {layer: sum(layer in files for files in scene.pieces.values()) for layer in scene.layers}
        there = ", ".join(layer for layer, count in counts.items() if count)
        what = "chips" if scene.chip_gsd_m else "tiles"
        role = found.experiment.scenes[dataset.name][name] if found.experiment else scene.role or ""
        yield f"  {name:20} {len(scene.pieces):5} {what}  {role:5}  {there}"
    if len(found.scenes) > SHOWN:
        yield f"  and {len(found.scenes) - SHOWN} more"
    yield from _missing(found.scenes)
    yield from (f"note: {note}" for note in adapter.notes)
    yield f"wrote {', '.join(map(str, found.written))}"
    if found.kept:
        yield f"kept {found.kept}, which existed"
    yield from _next(dataset.name, found.experiment is not None or found.kept is not None)


def _missing(scenes: dict[str, Scene]) -> Iterator[str]:
    """Yield a line for each layer that an adapter knows and some tiles or scenes lack."""
    for layer in dict.fromkeys(layer for scene in scenes.values() for layer in scene.layers):
        counts = {name: sum(layer not in files for files in scene.pieces.values()) for name, scene in scenes.items()}
        total = sum(len(scene.pieces) for scene in scenes.values())
        if missing := sum(counts.values()):
            where = next(name for name, count in counts.items() if count)
            yield f"missing: {layer} of {missing} of {total} tiles, e.g. in scene {where}"


def _next(name: str, ready: bool) -> Iterator[str]:
    if not ready:
        yield (
            "next: nothing can be trained on these scenes alone: that needs an image, and ndsm or dsm and dtm, and "
            "scenes for training, validation and test"
        )
        return
    run = f"snakemake --cores 2 --resources gpu=1 --config experiment={name}"
    yield f"next: {run} -- scenes && img2height check {name}"
    yield f"then: {run}"
