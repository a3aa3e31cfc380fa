"""The command that writes a map of results."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from img2height.cli.program import messages
from img2height.errors import DataError


def view(
    results: Annotated[
        list[Path],
        typer.Argument(help="folder of results, e.g. results/demo or results/demo/unet; or height maps on one grid"),
    ],
    out: Annotated[Path, typer.Option(help="folder to write; open its index.html in a browser")],
    image: Annotated[Path | None, typer.Option(help="image to show next to height maps")] = None,
    reference: Annotated[
        Path | None, typer.Option(help="reference heights to compare height maps with, on the same pixels")
    ] = None,
    buildings: Annotated[
        list[Path] | None, typer.Option(help="building polygons of a height map; one option each, in order")
    ] = None,
    scenes: Annotated[Path, typer.Option(help="folder of the prepared scenes of the results")] = Path("data/scenes"),
) -> None:
    """Write a map of heights, errors and buildings in 3D, which needs no network: a folder to open or to publish."""
    given = {"--image": image, "--reference": reference, "--buildings": buildings}
    maps = [path for path in results if path.is_file()]
    if missing := [path for path in results if not path.exists()]:
        raise DataError(f"{missing[0]}: does not exist; give a folder of results or a height map")
    if maps and len(maps) < len(results):
        raise DataError(f"{maps[0]}: is a height map, other arguments are folders of results; view them one by one")
    if not maps and (extra := [option for option, value in given.items() if value]):
        raise DataError(f"{extra[0]}: is for height maps only; the scene of a result has its own")

    from img2height.view.files import open_files
    from img2height.view.results import MANIFEST, heights_in, scenes_of
    from img2height.view.write import write_view

    with messages():
        write_view(
            [partial(open_files, maps, image, reference, buildings or [])]
            if maps
            else scenes_of(heights_in(results), sorted(scenes.rglob(MANIFEST))),
            title=results[0].stem,
            out=out,
        )
    typer.echo(f"{out / 'index.html'}: open it in a browser")
