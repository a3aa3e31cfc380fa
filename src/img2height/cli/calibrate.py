"""The command that corrects a height map by known heights, and what it prints."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from img2height.cli.predict import check_output
from img2height.cli.program import messages
from img2height.cli.several import RASTERS
from img2height.errors import DataError
from img2height.settings.parsing import meant
from img2height.vocabulary.quantities import TERRAIN
from img2height.vocabulary.storage import Compression
from img2height.vocabulary.units import METRES

if TYPE_CHECKING:
    from img2height.correction.apply import Report

ABOVE_GROUND, ELEVATION = MEANINGS = ("above_ground", "elevation")
NO_HELP = 1  # exit status: nothing is wrong, but nothing was written; errors end with 2


def calibrate(
    heights: Annotated[Path, typer.Argument(help="height map to correct, in metres, e.g. of `img2height predict`")],
    points: Annotated[
        Path,
        typer.Argument(
            help="known heights: CSV with the columns x, y (or lon, lat) and height; points, or polygons of buildings, "
            "in any vector format; LAS or LAZ"
        ),
    ],
    out: Annotated[Path, typer.Option(help="corrected map to write, COG; a report is written beside it as .json")],
    quantity: Annotated[str, typer.Option(help=f"what the known heights are: {' or '.join(MEANINGS)}")],
    unit: Annotated[
        str | None, typer.Option(help="unit of the known heights, if their file does not state it, e.g. metre or foot")
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="column of the known heights (default: height, or z of points)")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="layer of a vector file with several")] = None,
    crs: Annotated[
        str | None, typer.Option(help="coordinate system of x and y, if their file does not state it")
    ] = None,
    vertical: Annotated[
        str | None, typer.Option(help="vertical system of known elevations, e.g. EPSG:5703 or ellipsoid")
    ] = None,
    map_vertical: Annotated[
        str | None, typer.Option(help="that of the map or of --terrain, if the file does not state it")
    ] = None,
    terrain: Annotated[Path | None, typer.Option(help="terrain model that is subtracted from known elevations")] = None,
    image: Annotated[
        Path | None, typer.Option(help="image on the grid of the map, for a correction that depends on colours")
    ] = None,
    compress: Annotated[Compression, typer.Option(help="deflate is for programs that cannot read zstd")] = "zstd",
) -> None:
    """Correct a height map by known heights, if they make it better where they are not known.

    Three corrections are compared by their errors in spatial blocks that they have not seen. If none is better than the
    map with 90 % confidence, nothing is written and the exit status is 1.
    """
    if quantity not in MEANINGS:
        raise DataError(f"--quantity: {meant(quantity, list(MEANINGS))}")
    if unit and unit not in METRES:
        raise DataError(f"--unit: {meant(unit, list(METRES))}")

    from img2height.correction.apply import REPORT, Rasters, correct_map
    from img2height.correction.control import read_control
    from img2height.correction.placed import References
    from img2height.io.rasters import open_raster

    read = [heights, points, *filter(None, [terrain, image])]
    check_output(out, "--out", RASTERS, read)
    if (report_json := out.with_suffix(REPORT)).resolve() in [path.resolve() for path in read]:
        raise DataError(f"--out {out}: its report {report_json} is one of the files to read; choose another name")
    with messages():
        with open_raster(heights) as raster:
            on_terrain = raster.descriptions[0] == TERRAIN
        control = read_control(points, column=column, layer=layer, crs=crs, terrain=on_terrain)
        refer = References("elevation" if quantity == ELEVATION else "above_ground", unit, vertical, map_vertical)
        report = correct_map(Rasters(heights, image, terrain), control, refer, out, compress)
    typer.echo("\n".join(_lines(report)))
    if not report.correction:
        typer.echo(f"{points}: does not make {heights} better; nothing was written", err=True)
        raise typer.Exit(NO_HELP)
    typer.echo(f"{out} and {report_json} were written")


def _lines(report: "Report") -> Iterator[str]:
    yield f"{report.samples} known heights in {report.blocks} blocks of {report.block_m:g} m, each left out in turn:"
    yield f"{'correction':18} {'MAE, m':24} {'RMSE, m':24} change of the RMSE, m"
    for each in report.candidates:
        change = "" if each is report.candidates[0] else str(each.change_m)
        yield f"{each.name:18} {each.mae_m!s:24} {each.rmse_m!s:24} {change}".rstrip()
    yield from (f"{report.chosen}: {line}" for line in report.correction)
