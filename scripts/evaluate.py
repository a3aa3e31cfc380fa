"""Score one method over its test areas: pooled over the scenes (JSON), and by tile and stratum (Parquet).

Scores scenes with a test area. --results/<scene>/ contains height.tif, footprint.tif and buildings.parquet, and with
--views a height_pair<n>.tif per pair. Heights are scored in metres; a score is null if no pixel counts.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--method", required=True, help="name of the method")
flags.add_argument("--seed", type=int, required=True, help="seed of its training")
flags.add_argument("--scenes", type=Path, required=True, help="scenes.json, see list_scenes.py")
flags.add_argument("--results", type=Path, required=True, help="folder of predictions, with one folder per scene")
flags.add_argument("--views", nargs="*", default=[], help="the views of a pair that it uses, if any")
flags.add_argument("--outputs", nargs="+", default=["height"], choices=["height", "footprint"], help="its outputs")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet; the union of the test areas is scored")
flags.add_argument("--settings", type=Path, required=True, help="section `metrics` of the protocol, YAML")
flags.add_argument(
    "--fold", nargs=2, metavar=("NUMBER", "CALIBRATION"), action="append", required=True,
    help="number of a fold and calibration.json of its model; once for each fold",
)  # fmt: skip
flags.add_argument("--threads", type=int, default=1, help="windows scored at a time; does not change any digit")
flags.add_argument("--out", type=Path, required=True, help="scores JSON to write")
flags.add_argument("--tiles", type=Path, required=True, help="table of sums by tile and stratum to write")
flags.add_argument("--buildings", type=Path, required=True, help="table of sums over buildings by tile to write")
flags.add_argument("--intervals", type=Path, required=True, help="table of how often intervals hold, by tile, to write")


def main(args: Namespace) -> None:
    """Score the method and write all files."""
    import pandas

    from img2height.conformal.raster import calibrated_folds
    from img2height.io.atomic import atomic_paths
    from img2height.io.tables import read_geotable, write_table
    from img2height.scenes.listing import tested_scenes
    from img2height.scenes.pairs import read_pairs
    from img2height.scoring.intervals import interval_tiles
    from img2height.scoring.method import SCORED_ON, Predicted, evaluate_method
    from img2height.scoring.record import write_scores
    from img2height.settings.parsing import parse_file
    from img2height.settings.protocol import Metrics

    areas = read_geotable(args.areas)
    scenes = tested_scenes(args.scenes, areas)
    for scene in scenes:
        scene.check(SCORED_ON)
    predictions = [
        Predicted.in_folder(
            scene,
            args.results / scene.name,
            read_pairs(scene, "test", args.views)["pair"].tolist() if args.views else [],
        )
        for scene in scenes
    ]
    settings = parse_file(Metrics, args.settings)
    scored = evaluate_method(args.method, args.seed, predictions, areas, settings, args.outputs, args.threads)
    bounded = [
        interval_tiles(one.heights, one.scene, calibrated_folds(areas, one.scene, args.fold), settings.tile_px)
        for one in predictions
    ]
    outputs = (args.out, args.tiles, args.buildings, args.intervals)
    with atomic_paths(*outputs) as (out, table, buildings, intervals):
        write_scores(scored.scores, out)
        write_table(scored.tiles, table)
        write_table(scored.buildings, buildings)
        write_table(pandas.concat(bounded, ignore_index=True), intervals)


if __name__ == "__main__":
    run(main, flags)
