"""Generate one district of the synthetic city, in the form in which a provider would deliver it.

Writes a folder with eo, dsm, dtm, ndsm, building, water, forest (.tif) and buildings.gpkg; depending on the settings
also sar.tif, and dsm_initial, view_<number> (.tif) and pairs.csv. The same settings give the same bytes.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--settings", type=Path, required=True, help="settings of the district, YAML")
flags.add_argument("--out", type=Path, required=True, help="the folder; appears when it is complete")


def main(args: Namespace) -> None:
    """Generate one district."""
    from img2height.io.atomic import atomic_folder
    from img2height.scenes.city import CitySettings, generate, write
    from img2height.scenes.city.optical import render
    from img2height.scenes.city.sar import render_sar
    from img2height.scenes.city.stereo import render_stereo
    from img2height.settings.parsing import parse_file

    city = generate(parse_file(CitySettings, args.settings))
    sar = render_sar(city) if city.settings.sar else None
    stereo = render_stereo(city) if city.settings.stereo else None
    with atomic_folder(args.out) as folder:
        write(city, render(city), folder, sar=sar, stereo=stereo)


if __name__ == "__main__":
    run(main, flags)
