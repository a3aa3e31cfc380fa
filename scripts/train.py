"""Train one method on one fold with one seed; run the same command again to resume a killed training.

On SIGTERM or SIGUSR1 it saves its state after the current step and exits with status 75; the next run resumes there.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--method", required=True, help="name of the method")
flags.add_argument("--recipe", type=Path, required=True, help="recipe of the method, YAML")
flags.add_argument("--training", type=Path, required=True, help="section `training` of the protocol, YAML")
flags.add_argument("--samples", type=Path, required=True, help="samples.parquet")
flags.add_argument("--folds", type=Path, required=True, help="folds.parquet")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument("--fold", type=int, required=True)
flags.add_argument("--seed", type=int, required=True)
flags.add_argument("--scenes", type=Path, required=True, help="scenes.json, see list_scenes.py")
flags.add_argument("--scratch", type=Path, required=True, help="folder for checkpoints")
flags.add_argument("--live", type=Path, required=True, help="folder for DVCLive's history")
flags.add_argument("--devices", type=int, default=1, help="GPUs that share each batch; 0 on a machine without GPUs")
flags.add_argument("--out", type=Path, required=True, help="model folder")


def main(args: Namespace) -> None:
    """Train and write the model folder."""
    from img2height.io.tables import read_geotable, read_table
    from img2height.scenes.listing import all_scenes
    from img2height.settings.parsing import parse_file
    from img2height.settings.protocol import Training
    from img2height.settings.recipe import Recipe
    from img2height.training.job import TrainingJob
    from img2height.training.run import train

    folds = read_table(args.folds)
    job = TrainingJob(
        method=args.method,
        recipe=parse_file(Recipe, args.recipe),
        training=parse_file(Training, args.training),
        fold=args.fold,
        seed=args.seed,
        samples=read_table(args.samples),
        tiles=folds[folds["fold"] == args.fold],
        scenes=all_scenes(args.scenes),
        areas=read_geotable(args.areas),
    )
    train(job, args.out, args.scratch, live=args.live, devices=max(args.devices, 1))


if __name__ == "__main__":
    run(main, flags)
