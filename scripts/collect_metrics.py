"""Collect the scores of all methods and seeds of an experiment, with intervals and comparisons of the methods."""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument(
    "--scored", type=Path, nargs=4, metavar=("SCORES", "TILES", "BUILDINGS", "INTERVALS"), action="append",
    required=True, help="scores.json, tiles.parquet, building_tiles.parquet and interval_tiles.parquet of a method and "
    "seed; once for each",
)  # fmt: skip
flags.add_argument("--scenes", type=Path, required=True, help="scenes.json, see list_scenes.py")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument("--settings", type=Path, required=True, help="section `metrics` of the protocol, YAML")
flags.add_argument("--split", type=Path, required=True, help="section `split` of the protocol, YAML")
flags.add_argument("--out", type=Path, required=True, help="metrics.json to write")
flags.add_argument("--intervals", type=Path, required=True, help="intervals.csv to write")
flags.add_argument("--comparisons", type=Path, required=True, help="comparisons.csv to write")
flags.add_argument("--coverage", type=Path, required=True, help="interval_coverage.csv to write")


def main(args: Namespace) -> None:
    """Collect and write."""
    from img2height.comparison.collect import collect_experiment
    from img2height.comparison.coverage import coverage_rows
    from img2height.comparison.record import Comparison, Coverage, Interval, write_rows
    from img2height.io.atomic import atomic_paths
    from img2height.io.tables import read_geotable, write_json
    from img2height.scenes.listing import tested_scenes
    from img2height.scoring.intervals import read_interval_tiles
    from img2height.scoring.record import read_scored
    from img2height.settings.parsing import parse_file
    from img2height.settings.protocol import LEAKS, Metrics, Split

    scored = [read_scored(*files) for *files, _ in args.scored]
    gsd_m = min(scene.grid.gsd_m for scene in tested_scenes(args.scenes, read_geotable(args.areas)))
    found = collect_experiment(scored, gsd_m, parse_file(Metrics, args.settings), parse_file(Split, args.split))
    bounded = {
        (one.scores.method, one.scores.seed): read_interval_tiles(intervals)
        for one, (*_, intervals) in zip(scored, args.scored, strict=True)
    }
    coverages = coverage_rows(bounded, round(found.metrics.protocol.block_m / gsd_m))
    note = LEAKS if found.metrics.protocol.leaks else ""
    outputs = (args.out, args.intervals, args.comparisons, args.coverage)
    with atomic_paths(*outputs) as (out, intervals, comparisons, coverage):
        write_json(found.metrics.to_json(), out)
        write_rows(found.intervals, Interval, intervals, note)
        write_rows(found.comparisons, Comparison, comparisons, note)
        write_rows(coverages, Coverage, coverage, note)


if __name__ == "__main__":
    run(main, flags)
