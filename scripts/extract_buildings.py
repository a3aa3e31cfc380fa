"""Extract the buildings of a scene from its predicted heights: mask, footprints with heights, block models.

Writes a COG (uint8: 1 building, 0 other, 255 missing), GeoParquet (for programs), GeoPackage (for a GIS), CityJSON.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--height", type=Path, required=True, help="predicted heights in metres on the scene's grid")
flags.add_argument("--probability", type=Path, help="building probability of a method that predicts footprints")
flags.add_argument("--scene", type=Path, required=True, help="scene.json")
flags.add_argument("--about", type=Path, required=True, help="about.json of the dataset of the scene")
flags.add_argument("--card", type=Path, nargs="+", required=True, help="card.json of the model of each fold")
flags.add_argument("--run", required=True, help="experiment, method and seed, for the names of CityJSON objects")
flags.add_argument("--settings", type=Path, required=True, help="section `buildings` of the protocol, YAML")
flags.add_argument("--footprint", type=Path, required=True, help="mask to write, COG")
flags.add_argument("--parquet", type=Path, required=True, help="GeoParquet to write")
flags.add_argument("--gpkg", type=Path, required=True, help="GeoPackage to write")
flags.add_argument("--cityjson", type=Path, required=True, help="CityJSON to write")
flags.add_argument("--areas", type=Path, help="areas.parquet, for masks and calibrations of single folds")
flags.add_argument(
    "--fold", nargs=2, metavar=("NUMBER", "MASK"), action="append", default=[],
    help="a fold and its part of the mask to write, COG; once for each",
)  # fmt: skip
flags.add_argument(
    "--calibration", nargs=2, metavar=("NUMBER", "FILE"), action="append", default=[],
    help="a fold and calibration.json of its model, for the intervals of heights; once for each",
)  # fmt: skip


def main(args: Namespace) -> None:
    """Extract the buildings and write them in all formats."""
    from img2height.buildings.files import write_buildings
    from img2height.buildings.origin import with_origin
    from img2height.buildings.raster import cut_footprint
    from img2height.buildings.scene import READ, extract_scene
    from img2height.conformal.buildings import with_bounds
    from img2height.conformal.raster import calibrated_folds
    from img2height.io.atomic import atomic_paths
    from img2height.io.tables import read_geotable
    from img2height.models.card import read_card
    from img2height.scenes.about import read_about
    from img2height.scenes.scene import Scene
    from img2height.settings.parsing import parse_file
    from img2height.settings.protocol import Buildings
    from img2height.tiles.areas import area_of

    scene, settings = Scene.load(args.scene), parse_file(Buildings, args.settings)
    scene.check(READ)
    cards = [read_card(card) for card in args.card]
    folds = {int(number): Path(mask) for number, mask in args.fold}
    outputs = (args.footprint, args.parquet, args.gpkg, args.cityjson, *folds.values())
    with atomic_paths(*outputs) as (footprint, parquet, gpkg, cityjson, *parts):
        found = extract_scene(args.height, scene, settings, footprint, args.probability)
        if args.calibration:
            found = with_bounds(found, scene.grid, calibrated_folds(read_geotable(args.areas), scene, args.calibration))
        weights = [card.weights_sha256 for card in cards]
        buildings = with_origin(found, cards[0].method, weights, scene, read_about(args.about).licence)
        for fold, out in zip(folds, parts, strict=True):
            area = area_of(read_geotable(args.areas), "test", scene.dataset, scene.name, fold)
            cut_footprint(footprint, area, out)
        for path in (parquet, gpkg, cityjson):
            write_buildings(buildings, path, f"{args.run}/{scene.dataset}/{scene.name}")


if __name__ == "__main__":
    run(main, flags)
