"""The command that writes a model for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from img2height.cli.predict import check_output


def export(
    model: Annotated[Path, typer.Argument(help="model folder")],
    onnx: Annotated[Path, typer.Option(help="file to write; takes pixel values as stored and returns metres")],
) -> None:
    """Write a model as an ONNX file, for QGIS's plugin Deepness or any other engine."""
    check_output(onnx, "--onnx", (".onnx",), [])

    from img2height.inference import load_model
    from img2height.inference.defaults import inference_settings
    from img2height.inference.onnx import export_onnx

    loaded = load_model(model)
    difference_m = export_onnx(loaded, inference_settings(loaded), onnx)
    typer.echo(f"{onnx}: agrees with the model within {difference_m:.2g} m")
    if len(loaded.recipe.inputs) > 1:
        typer.echo(
            f"it has the inputs {', '.join(loaded.recipe.inputs)}: Deepness takes models with one only", err=True
        )
