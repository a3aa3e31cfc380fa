"""The command that writes a model for other people and programs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from img2height.cli.predict import check_output
from img2height.errors import ModelError

if TYPE_CHECKING:
    from img2height.models.folder import LoadedModel


def export(
    model: Annotated[Path, typer.Argument(help="model folder")],
    onnx: Annotated[
        Path | None, typer.Option(help="file to write; it takes pixel values as stored and returns metres")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="folder to write: the weights, their card, and the card as README.md")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="results of the experiment, e.g. results/demo: their scores go into README.md")
    ] = None,
) -> None:
    """Write a model as a folder to hand on, or as an ONNX file for QGIS's plugin Deepness or any other engine."""
    if not (onnx or folder):
        raise ModelError("nothing to write: give --folder, --onnx or both")
    if onnx:
        check_output(onnx, "--onnx", (".onnx",), [])

    from img2height.inference import load_model

    loaded = load_model(model)
    if folder:
        from img2height.cli.hand_on import write_folder

        write_folder(loaded, model, folder, results)
    if onnx:
        _write_onnx(loaded, onnx)


def _write_onnx(loaded: "LoadedModel", path: Path) -> None:
    from img2height.inference.defaults import inference_settings
    from img2height.inference.onnx import export_onnx

    difference_m = export_onnx(loaded, inference_settings(loaded), path)
    typer.echo(f"{path}: agrees with the model within {difference_m:.2g} m")
    if len(loaded.inputs) > 1:
        inputs = ", ".join(loaded.inputs)
        typer.echo(f"not for Deepness, which takes models with one input: this one has {inputs}", err=True)
