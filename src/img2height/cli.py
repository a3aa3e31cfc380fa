"""The command line: methods, prediction without the workflow, and checks of data and results."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from img2height.errors import DataError, Img2HeightError, ModelError

OPTIONS = {"eo": "--image", "sar": "--sar", "ms": "--ms", "dsm_initial": "--dsm", "views": "--view"}


class Commands(TyperGroup):
    """Commands whose errors that the user can mend are one line on standard error, with exit code 2."""

    def invoke(self, ctx: typer.Context) -> None:
        """Run the command that was asked for."""
        try:
            super().invoke(ctx)
        except Img2HeightError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(2) from error


app = typer.Typer(
    cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False,
    help="Height maps and buildings from overhead images.",
)  # fmt: skip


@app.command()
def methods(as_json: Annotated[bool, typer.Option("--json", help="a JSON list of objects")] = False) -> None:
    """List every method: paper, inputs, target, trainable parameters, batch-norm buffers, 10^9 multiply-accumulates."""
    from img2height.methods_table import methods_table

    found = methods_table()
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    typer.echo(f"{'method':27} {'trainable':>12} {'batch norm':>10} {'GMAC':>6} {'at':>6}  target  inputs; paper")
    for method in found:
        inputs = ", ".join(f"{layer} ({' '.join(bands)})" for layer, bands in method["inputs"].items())
        paper = f"{method['paper']['title']} ({method['paper']['year']})" if method["paper"] else "baseline"
        counts = f"{method['trainable_parameters']:12,} {method['batchnorm_buffers']:10,} {method['gmac']:6.2f}"
        size = f"{method['tile_px']:3} px"
        typer.echo(f"{method['name']:27} {counts} {size}  {method['target']:6}  {inputs}; {paper}")


@app.command()
def predict(
    model: Annotated[Path, typer.Option(help="model folder")],
    out: Annotated[Path, typer.Option(help="height map to write, COG in metres")],
    image: Annotated[Path | None, typer.Option(help="orthorectified optical image, GeoTIFF in metres")] = None,
    sar: Annotated[Path | None, typer.Option(help="radar image in decibel")] = None,
    ms: Annotated[Path | None, typer.Option(help="multispectral image")] = None,
    dsm: Annotated[Path | None, typer.Option(help="initial surface model; its holes are filled first")] = None,
    view: Annotated[list[Path] | None, typer.Option(help="orthorectified view; once for each, in their order")] = None,
    draws: Annotated[int, typer.Option(help="predictions with dropout: their mean, and their spread as a band")] = 0,
) -> None:
    """Predict heights with a trained model from what it looks at; all rasters lie on one pixel grid."""
    from img2height.inference import load_model, predict_raster
    from img2height.rasters import copy_to_cog

    loaded = load_model(model)
    given = {"eo": image, "sar": sar, "ms": ms, "dsm_initial": dsm, "views": view}
    _require(loaded.recipe.inputs, [layer for layer, value in given.items() if value])
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".scratch.") as folder:
        scratch = Path(folder) / out.name
        inputs = {layer: given[layer] for layer in loaded.recipe.inputs}
        if "dsm_initial" in inputs:
            inputs["dsm_initial"] = _filled(dsm, Path(folder))
        predict_raster(loaded, inputs, scratch, progress=True, draws=draws)
        copy_to_cog(scratch, out)


def _require(needed: dict[str, list[str]], given: list[str]) -> None:
    """Refuse a call that leaves out what the model looks at."""
    wanted = [f"{OPTIONS[layer]} ({' '.join(bands)})" for layer, bands in needed.items()]
    if missing := [OPTIONS[layer] for layer in needed if layer not in given]:
        raise ModelError(f"the model looks at {', '.join(wanted)}; give {' and '.join(missing)}")


def _filled(dsm: Path, folder: Path) -> Path:
    """Return the surface model with its holes filled, and say what was filled."""
    from img2height.scenes.initial import bring_initial

    surface, count = bring_initial(dsm, folder)
    typer.echo(f"{dsm}: {count} unknown pixels were filled from around them", err=True)
    return surface


@app.command("import-resdepth")
def import_official(
    checkpoint: Annotated[Path, typer.Argument(help="Model_best.pth, or another checkpoint of the authors' train.py")],
    model_config: Annotated[Path, typer.Argument(help="model_config.json")],
    normalization: Annotated[
        list[Path],
        typer.Argument(help="DSM_normalization_parameters.p, then, with images, Image_normalization_parameters.p"),
    ],
    gsd_m: Annotated[float, typer.Option(help="pixel size of the rasters that it was trained on, metres")],
    out: Annotated[Path, typer.Option(help="model folder to write")],
) -> None:
    """Turn a model that the authors' ResDepth code trained into a model folder; nothing in its files is run."""
    from img2height.inference.official import import_resdepth

    import_resdepth(checkpoint, model_config, normalization, out, gsd_m=gsd_m)


@app.command()
def check(
    dataset: Annotated[str, typer.Argument(help="name of a dataset whose scenes are prepared")],
    scenes: Annotated[Path, typer.Option(help="folder of prepared scenes")] = Path("data/scenes"),
) -> None:
    """Report the quality of the prepared scenes of a dataset as JSON, with warnings on standard error."""
    from img2height.scenes.quality import quality_report
    from img2height.scenes.scene import Scene

    if not (manifests := sorted((scenes / dataset).glob("*/scene.json"))):
        raise DataError(f"{scenes / dataset}: holds no prepared scene; prepare the dataset first: snakemake scenes")
    reports = {manifest.parent.name: quality_report(Scene.load(manifest)) for manifest in manifests}
    typer.echo(json.dumps(reports, indent=2))
    for scene, report in reports.items():
        for warning in report["warnings"]:
            typer.echo(f"warning: {dataset}/{scene}: {warning}", err=True)


@app.command()
def verify(path: Annotated[Path, typer.Argument(help="model folder or scene folder")]) -> None:
    """Check that a model or scene is what its card or manifest says; exit 1 where it is not."""
    from img2height.provenance import verify as find_problems

    problems = find_problems(path)
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{path}: as recorded")
