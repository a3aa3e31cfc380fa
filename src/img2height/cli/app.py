"""The command line: methods, prediction without the workflow, checks, and the state of the workflow."""

import json
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from img2height.cli.calibrate import calibrate
from img2height.cli.export import export
from img2height.cli.grid import grid
from img2height.cli.importing import import_dataset
from img2height.cli.predict import predict
from img2height.cli.view import view
from img2height.errors import DataError, Img2HeightError


class Commands(TyperGroup):
    """Commands that report user errors as one line on standard error, with exit code 2."""

    def invoke(self, ctx: typer.Context) -> None:  # type: ignore[override]  # typer's own context is private
        """Run the requested command."""
        try:
            super().invoke(ctx)
        except Img2HeightError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(2) from error


app = typer.Typer(
    cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False,
    help="Height maps and buildings from overhead images.",
)  # fmt: skip
app.command()(predict)
app.command()(calibrate)
app.command()(export)
app.command()(view)
app.command()(grid)
app.command("import-dataset")(import_dataset)


@app.command()
def methods(as_json: Annotated[bool, typer.Option("--json", help="a JSON list of objects")] = False) -> None:
    """List all methods: paper, inputs, target, parameters, batch-norm buffers, 10^9 multiply-accumulates."""
    from img2height.cli.methods import methods_table

    found = methods_table()
    if as_json:
        typer.echo(json.dumps([method.model_dump(mode="json") for method in found], indent=2))
        return
    typer.echo(f"{'method':27} {'trainable':>12} {'batch norm':>10} {'GMAC':>6} {'at':>6}  target  inputs; paper")
    for method in found:
        named = {layer: f"{layer} ({' '.join(bands)})" for layer, bands in method.inputs.items()}
        inputs = ", ".join(f"[{text}]" if layer in method.optional else text for layer, text in named.items())
        paper = f"{method.paper.title} ({method.paper.year})" if method.paper else "baseline"
        counts = f"{method.trainable_parameters:12,} {method.batchnorm_buffers:10,} {method.gmac:6.2f}"
        size = f"{method.tile_px:3} px"
        typer.echo(f"{method.name:27} {counts} {size}  {method.target:6}  {inputs}; {paper}")


@app.command()
def scores(
    experiment: Annotated[str, typer.Argument(help="name of an experiment that was run")],
    results: Annotated[Path, typer.Option(help="folder of the results")] = Path("results"),
) -> None:
    """Print the scores of an experiment, one row per method."""
    from rich.console import Console

    from img2height.cli.scores import scores_table

    Console().print(scores_table(results / experiment))


@app.command()
def status(experiment: Annotated[str, typer.Argument(help="name of an experiment")]) -> None:
    """List the steps of an experiment: which are done, stale, running, failed or missing, their time and log."""
    from img2height.cli.workflow import ask

    raise typer.Exit(ask("status", experiment))


@app.command()
def why(
    target: Annotated[str, typer.Argument(help="a file that the workflow makes, or a target such as `report`")],
    experiment: Annotated[str | None, typer.Option(help="its experiment (default: as in config/config.yaml)")] = None,
) -> None:
    """Print which input, parameter or code has changed since a file was made, and what would be made again."""
    from img2height.cli.workflow import ask

    raise typer.Exit(ask("why", target, *(["--experiment", experiment] if experiment else [])))


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
    """Convert a model trained with the authors' ResDepth code to a model folder; nothing in its files is executed."""
    from img2height.models.official import import_resdepth

    import_resdepth(checkpoint, model_config, normalization, out, gsd_m=gsd_m)


@app.command()
def check(
    dataset: Annotated[str, typer.Argument(help="name of a dataset whose scenes are prepared")],
    scenes: Annotated[Path, typer.Option(help="folder of prepared scenes")] = Path("data/scenes"),
    page: Annotated[Path | None, typer.Option(help="HTML page to write, with maps")] = None,
) -> None:
    """Report the quality of the prepared scenes of a dataset as JSON, with warnings on standard error."""
    from img2height.scenes.quality import quality_reports
    from img2height.scenes.scene import Scene

    if not (manifests := sorted((scenes / dataset).glob("*/scene.json"))):
        raise DataError(
            f"{scenes / dataset}: contains no prepared scene; prepare it first, with an "
            "experiment that has it: snakemake --config experiment=<name> -- scenes"
        )
    prepared = [Scene.load(manifest) for manifest in manifests]
    reports = {scene.name: report for scene, report in zip(prepared, quality_reports(prepared), strict=True)}
    if page:
        from img2height.report.quality import write_quality

        write_quality(dataset, [(scene, reports[scene.name]) for scene in prepared], page)
    typer.echo(json.dumps(reports, indent=2))
    for scene, report in reports.items():
        for warning in report["warnings"]:
            typer.echo(f"warning: {dataset}/{scene}: {warning}", err=True)


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="folder of a model, of a scene, or of archived results; or an archive")],
) -> None:
    """Check a model, scene or experiment against its recorded digests; exit 1 if a file differs."""
    from img2height.cli.verify import verify as find_problems

    problems = find_problems(path)
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{path}: as recorded")
