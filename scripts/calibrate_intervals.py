"""Calibrate the intervals of a model on the validation area of its fold, which it was not trained on.

Writes calibration.json: by class of predicted height, by how much truth lies below and above a prediction. With an
engine other than exact, first writes int8.safetensors, if this machine can quantise, and engines.json: what each engine
does to the scores there.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--card", type=Path, required=True, help="card.json of the model")
flags.add_argument("--scenes", type=Path, required=True, help="scenes.json, see list_scenes.py")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument("--fold", type=int, required=True, help="number of the fold of the model")
flags.add_argument("--settings", type=Path, required=True, help="section `inference` of the protocol, YAML")
flags.add_argument("--scratch", type=Path, required=True, help="folder for the heights of the validation area")
flags.add_argument("--out", type=Path, required=True, help="calibration.json to write")


def main(args: Namespace) -> None:
    """Predict the validation area and write the calibration."""
    import shutil

    from img2height.conformal.calibration import write_calibration
    from img2height.inference.calibrate import calibrate_model
    from img2height.inference.engines import EXACT
    from img2height.inference.measure import measure_engines
    from img2height.inference.quantise import quantise
    from img2height.io.locks import alone
    from img2height.io.tables import read_geotable
    from img2height.models.engines import ENGINES, write_engines
    from img2height.models.folder import load_model
    from img2height.scenes.listing import all_scenes
    from img2height.settings.parsing import parse_file
    from img2height.settings.protocol import Inference

    model, settings = load_model(args.card.parent), parse_file(Inference, args.settings)
    scenes, areas = all_scenes(args.scenes), read_geotable(args.areas)
    with alone(args.scratch):  # if only Snakemake was killed, its job still uses it
        if settings.engine != EXACT:
            quantise(model, scenes, areas, args.fold, settings.window_px)
            measured = measure_engines(model, scenes, areas, args.fold, settings)
            write_engines(measured, args.card.with_name(ENGINES))
        found = calibrate_model(model, scenes, areas, args.fold, settings, args.scratch)
        write_calibration(found, args.out)
        shutil.rmtree(args.scratch, ignore_errors=True)


if __name__ == "__main__":
    run(main, flags)
