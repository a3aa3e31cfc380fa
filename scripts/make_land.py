"""Generate one synthetic landscape, in the form in which a provider would deliver it: ms, dtm, water and forest (.tif).

The same settings give the same bytes.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--settings", type=Path, required=True, help="settings of the landscape, YAML")
flags.add_argument("--out", type=Path, required=True, help="the folder; appears when it is complete")


def main(args: Namespace) -> None:
    """Generate one landscape."""
    from img2height.io.atomic import atomic_folder
    from img2height.scenes.land import generate
    from img2height.scenes.land.files import write_land
    from img2height.scenes.land.optical import render
    from img2height.settings.land import LandSettings
    from img2height.settings.parsing import parse_file

    land = generate(parse_file(LandSettings, args.settings))
    with atomic_folder(args.out) as folder:
        write_land(land, render(land), folder)


if __name__ == "__main__":
    run(main, flags)
