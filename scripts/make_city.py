"""Makes one district of the synthetic city, as a data provider would deliver it.

Makes a folder with eo, dsm, dtm, ndsm, building, water, forest (.tif) and buildings.gpkg. The same settings give the
same bytes.
"""

from pathlib import Path

from img2height.program import parser, run

flags = parser(__doc__)
flags.add_argument("--settings", required=True, help="settings of the district, as JSON")
flags.add_argument("--out", type=Path, required=True, help="the folder; appears when it is whole")


def main(args) -> None:
    """Make one district."""
    from img2height.files import atomic_folder
    from img2height.project import parse
    from img2height.scenes.city import CitySettings, generate, write
    from img2height.scenes.city_optical import render

    city = generate(parse(CitySettings, args.settings, "--settings"))
    with atomic_folder(args.out) as folder:
        write(city, render(city), folder)


if __name__ == "__main__":
    run(main, flags)
