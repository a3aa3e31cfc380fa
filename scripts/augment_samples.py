"""Plan the whole training of one method, fold and seed: a table of samples and a contact sheet of the first ones."""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--folds", type=Path, required=True, help="folds.parquet")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument("--scenes", type=Path, required=True, help="scenes.json, see list_scenes.py")
flags.add_argument("--fold", type=int, required=True)
flags.add_argument("--seed", type=int, required=True)
flags.add_argument("--recipe", type=Path, required=True, help="recipe of the method, YAML")
flags.add_argument("--symmetries", type=int, nargs="+", required=True, help="numbers of the allowed ones, 0 to 7")
flags.add_argument("--training", type=Path, required=True, help="section `training` of the protocol, YAML")
flags.add_argument("--out", type=Path, required=True, help="samples.parquet")
flags.add_argument("--figure", type=Path, required=True, help="contact sheet, PNG")


def main(args: Namespace) -> None:
    """Plan the samples and draw the first of them."""
    from img2height.io.atomic import atomic_paths
    from img2height.io.tables import read_geotable, read_table, write_table
    from img2height.samples.contact import draw_contact_sheet
    from img2height.samples.missing import left_out_of
    from img2height.samples.plan import plan_samples
    from img2height.samples.reader import TileReader
    from img2height.scenes.listing import all_scenes
    from img2height.scenes.pairs import pairs_of
    from img2height.settings.parsing import parse_file
    from img2height.settings.protocol import Training
    from img2height.settings.recipe import Recipe

    recipe, training = parse_file(Recipe, args.recipe), parse_file(Training, args.training)
    folds, areas = read_table(args.folds), read_geotable(args.areas)
    tiles, train_areas = (table[(table["fold"] == args.fold) & (table["part"] == "train")] for table in (folds, areas))
    places = set(zip(train_areas["dataset"], train_areas["scene"], strict=True))
    scenes = {(s.dataset, s.name): s for s in all_scenes(args.scenes) if (s.dataset, s.name) in places}
    samples = plan_samples(
        tiles, train_areas, samples=training.samples, seed=args.seed, symmetries=args.symmetries,
        augmentation=recipe.augmentation, sampling=recipe.sampling,
        pairs=pairs_of(list(scenes.values()), "train", recipe) if "views" in recipe.inputs else None,
        left_out=left_out_of(scenes.values(), recipe),
    )  # fmt: skip
    reader = TileReader(scenes, recipe.inputs, recipe.target, recipe.classes, recipe.optional)
    with atomic_paths(args.figure, args.out) as (figure, out):
        draw_contact_sheet(samples, reader, figure)
        write_table(samples, out)


if __name__ == "__main__":
    run(main, flags)
