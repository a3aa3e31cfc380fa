"""Refuse test areas that an image does not cover, before anything is trained.

Writes coverage.json: by scene and layer, how many test pixels have a reference but no image.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--scenes", type=Path, required=True, help="scenes.json, see list_scenes.py")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument("--layers", nargs="*", default=[], help="input layers of the methods, without views, which overlap")
flags.add_argument("--params", type=Path, required=True, help="params.yaml; with metrics.allow_missing only count")
flags.add_argument("--experiment", type=Path, required=True, help="experiment file, which may override the params")
flags.add_argument("--out", type=Path, required=True, help="coverage.json")


def main(args: Namespace) -> None:
    """Audit the coverage."""
    from img2height.io.tables import read_geotable, write_json
    from img2height.scenes.listing import all_scenes
    from img2height.settings.experiment import Experiment
    from img2height.settings.parsing import merge, parse, parse_file, read_yaml
    from img2height.settings.protocol import Params
    from img2height.tiles.unseen import refuse_unseen, unseen_pixels

    unseen = unseen_pixels(all_scenes(args.scenes), read_geotable(args.areas), args.layers)
    experiment = parse_file(Experiment, args.experiment)
    protocol = parse(Params, merge(read_yaml(args.params), experiment.params), str(args.params))
    if not protocol.metrics.allow_missing:
        refuse_unseen(unseen)
    write_json(unseen, args.out)


if __name__ == "__main__":
    run(main, flags)
