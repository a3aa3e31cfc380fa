"""Makes the scores of one method over its test areas: pooled over the scenes (JSON), and by tile and stratum (Parquet).

All repeated flags are parallel lists, one entry a scene, and those of pairs one entry a pair and scene. Heights are
scored in metres; a score is null where no pixel counts.
"""

from argparse import Namespace
from pathlib import Path

from img2height.program import parser, run

flags = parser(__doc__)
flags.add_argument("--method", required=True, help="name of the method")
flags.add_argument("--seed", type=int, required=True, help="seed of its training")
flags.add_argument("--scenes", type=Path, nargs="+", required=True, help="scene.json of each scene")
flags.add_argument("--heights", type=Path, nargs="+", required=True, help="predicted heights of each scene")
flags.add_argument("--footprints", type=Path, nargs="+", required=True, help="predicted building mask of each scene")
flags.add_argument("--polygons", type=Path, nargs="+", required=True, help="predicted buildings of each scene")
flags.add_argument("--pair-heights", type=Path, nargs="+", default=[], help="predicted heights from each pair of views")
flags.add_argument("--pair-scenes", nargs="+", default=[], help="the scenes' names")
flags.add_argument("--pair-numbers", type=int, nargs="+", default=[], help="the pairs' numbers in pairs.csv")
flags.add_argument("--outputs", nargs="+", default=["height"], choices=["height", "footprint"], help="what it tells")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet; the union of the test areas is scored")
flags.add_argument("--settings", required=True, help="section `metrics` of params.yaml as JSON")
flags.add_argument("--out", type=Path, required=True, help="scores JSON to write")
flags.add_argument("--tiles", type=Path, required=True, help="table of sums by tile and stratum to write")


def main(args: Namespace) -> None:
    """Score the method and write both files."""
    from img2height.errors import DataError
    from img2height.files import atomic_paths
    from img2height.metrics.method import PairHeights, evaluate_method
    from img2height.parsing import parse
    from img2height.scenes.scene import Scene
    from img2height.settings import Metrics
    from img2height.tables import read_geotable, write_json, write_table

    parallel = (args.pair_scenes, args.pair_numbers, args.pair_heights)
    if len({len(values) for values in parallel}) > 1:
        counts = " and ".join(str(len(values)) for values in parallel)
        raise DataError(f"--pair-scenes, --pair-numbers and --pair-heights have {counts} values; give as many of each")
    scenes = [Scene.load(path) for path in args.scenes]
    scores, tiles = evaluate_method(
        scenes,
        args.heights,
        args.footprints,
        args.polygons,
        read_geotable(args.areas),
        parse(Metrics, args.settings, "--settings"),
        [PairHeights(*pair) for pair in zip(*parallel, strict=True)],
        args.outputs,
    )
    names = [f"{scene.dataset}/{scene.name}" for scene in scenes]
    tiles.insert(0, "method", args.method)
    tiles.insert(1, "seed", args.seed)
    with atomic_paths(args.out, args.tiles) as (out, table):
        write_json({"method": args.method, "seed": args.seed, "scenes": names} | scores, out)
        write_table(tiles, table)


if __name__ == "__main__":
    run(main, flags)
