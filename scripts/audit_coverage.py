"""Refuse what a method cannot be trained for or tested on, before anything is trained.

That is: bands that a scene lacks, test scenes whose pixels have another type or size than those of the training scenes,
training scenes whose pixels have another type or size than those of the starting model, test areas that it was trained
on, or that an image does not cover.

Writes coverage.json: by scene and layer, how many test pixels have a reference but no image.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--scenes", type=Path, required=True, help="scenes.json, see list_scenes.py")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument("--recipe", type=Path, required=True, help="recipe of the method, YAML")
flags.add_argument("--start", type=Path, help="card.json of the model that the trainings start from")
flags.add_argument("--params", type=Path, required=True, help="params.yaml; with metrics.allow_missing only count")
flags.add_argument("--experiment", type=Path, required=True, help="experiment file, which may override the params")
flags.add_argument("--out", type=Path, required=True, help="coverage.json")


def main(args: Namespace) -> None:
    """Audit the coverage."""
    from img2height.io.tables import read_geotable, write_json
    from img2height.models.card import read_card
    from img2height.models.trained import refuse_tested, require_same_network, require_same_pixels, trained_before
    from img2height.samples.alike import refuse_unlike, scenes_of
    from img2height.scenes.listing import all_scenes
    from img2height.settings.experiment import Experiment
    from img2height.settings.parsing import merge, parse, parse_file, read_yaml
    from img2height.settings.protocol import Params
    from img2height.settings.recipe import Recipe
    from img2height.tiles.unseen import refuse_unseen, unseen_pixels
    from img2height.vocabulary.layers import VIEWS

    recipe = parse_file(Recipe, args.recipe)
    scenes, areas = all_scenes(args.scenes), read_geotable(args.areas)
    refuse_unlike(recipe, scenes, areas)
    if args.start:
        card = read_card(args.start)
        require_same_network(recipe, card.recipe)
        require_same_pixels(recipe, card, scenes_of(scenes, areas, "train"))
        refuse_tested(recipe, trained_before(recipe, card), scenes, areas, sorted(areas["fold"].unique().tolist()))
    unseen = unseen_pixels(scenes, areas, sorted(set(recipe.required) - {VIEWS}))
    experiment = parse_file(Experiment, args.experiment)
    protocol = parse(Params, merge(read_yaml(args.params), experiment.params), str(args.params))
    if not protocol.metrics.allow_missing:
        refuse_unseen(unseen)
    write_json(unseen, args.out)


if __name__ == "__main__":
    run(main, flags)
