"""The command that makes surface and terrain models from point clouds."""

from pathlib import Path
from typing import Annotated

import typer

from img2height.cli.program import messages
from img2height.errors import DataError, SettingsError
from img2height.settings.ground import GroundFilter, PointRules
from img2height.settings.parsing import meant, parse
from img2height.vocabulary.units import METRES

DEFAULTS = PointRules()


def grid(
    clouds: Annotated[list[Path], typer.Argument(help="LAS, LAZ or COPC files, or folders of them")],
    out: Annotated[Path, typer.Option(help="folder to write: dsm.tif, dtm.tif, dtm_filled.tif, ndsm.tif")],
    pixel: Annotated[float | None, typer.Option(help="side of a pixel in metres")] = None,
    like: Annotated[Path | None, typer.Option(help="raster whose grid is taken, e.g. the image")] = None,
    surface: Annotated[
        str, typer.Option(help="max: highest point of a pixel; p95: 95th percentile")
    ] = DEFAULTS.surface,
    unit: Annotated[str | None, typer.Option(help="unit of heights, if the files do not state it, e.g. metre")] = None,
    crs: Annotated[str | None, typer.Option(help="coordinate system, if the files do not state it")] = None,
    vertical: Annotated[
        str | None, typer.Option(help="vertical system, if the files do not state it: EPSG:… or ellipsoid")
    ] = None,
    ground: Annotated[
        list[int] | None, typer.Option(help="class of the terrain; repeatable (default: 2 and 9, water)")
    ] = None,
    leave_out: Annotated[list[int] | None, typer.Option(help="class of noise; repeatable (default: 7 and 18)")] = None,
    surface_gap: Annotated[
        float, typer.Option(help="widest gap of the surface that is interpolated, metres")
    ] = DEFAULTS.surface_gap_m,
    terrain_gap: Annotated[float, typer.Option(help="the same for the terrain")] = DEFAULTS.terrain_gap_m,
    ground_filter: Annotated[
        bool, typer.Option("--ground-filter", help="estimate the terrain, for points without classes")
    ] = False,
) -> None:
    """Make a surface model, a terrain model and heights above ground from point clouds, in metres.

    Points may be more than fit into memory. Neither their order nor that of the files changes the result.
    """
    from img2height.io.clouds import Stated
    from img2height.scenes.clouds import grid_clouds

    if (pixel is None) == (like is None):
        raise SettingsError(
            "give either --pixel, the side of a pixel in metres, or --like, a raster with the wanted grid"
        )
    if unit and unit not in METRES:
        raise SettingsError(f"--unit: {meant(unit, list(METRES))}")
    if out.exists():
        raise DataError(f"--out {out}: exists; choose the name of a new folder")
    given = {
        "surface": surface, "ground": ground or DEFAULTS.ground, "left_out": leave_out or DEFAULTS.left_out,
        "surface_gap_m": surface_gap, "terrain_gap_m": terrain_gap,
    }  # fmt: skip
    rules = parse(PointRules, given, "img2height grid")
    with messages():
        found = grid_clouds(
            clouds, out, rules, GroundFilter() if ground_filter else None, Stated(crs, unit, vertical),
            pixel_m=pixel, like=like,
        )  # fmt: skip
    typer.echo(f"wrote {', '.join(str(out / name) for name in found)}")
