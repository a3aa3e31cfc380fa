"""Archive a finished experiment as a Workflow Run RO-Crate: settings, models, results and report with their digests.

All paths are relative to the current folder, the top folder of the project.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--experiment", type=Path, required=True, help="experiment file")
flags.add_argument("--about", type=Path, nargs="+", required=True, help="<dataset>/about.json of each dataset")
flags.add_argument("--recipes", type=Path, required=True, help="recipe of each method by name, YAML")
flags.add_argument("--citations", type=Path, required=True, help="what to cite for the data by dataset, YAML")
flags.add_argument("--scenes", type=Path, required=True, help="scenes.json, see list_scenes.py")
flags.add_argument("--workflow", nargs=2, metavar=("FILE", "LANGUAGE"), required=True, help="its main file")
flags.add_argument(
    "--settings", type=Path, nargs="+", required=True, help="files and folders that the results depend on"
)
flags.add_argument("--outputs", type=Path, nargs="+", required=True, help="files and folders of models and results")
flags.add_argument("--left-out", type=Path, nargs="*", default=[], help="files and folders in them to leave out")
flags.add_argument("--out", type=Path, required=True, help="the archive, .zip")


def main(args: Namespace) -> None:
    """Write the archive."""
    from img2height.report.crate import Finished, write_crate
    from img2height.scenes.about import read_abouts
    from img2height.scenes.listing import all_scenes
    from img2height.settings.experiment import Experiment
    from img2height.settings.parsing import parse, parse_file, read_yaml
    from img2height.settings.recipe import Recipe

    experiment = parse_file(Experiment, args.experiment)
    recipes = {name: parse(Recipe, recipe, name) for name, recipe in read_yaml(args.recipes).items()}
    finished = Finished(
        title=experiment.title,
        workflow=Path(args.workflow[0]),
        language=args.workflow[1],
        scenes=all_scenes(args.scenes),
        about=read_abouts(args.about),
        citations=read_yaml(args.citations),
        papers={name: recipe.paper for name, recipe in recipes.items() if recipe.paper},
        seeds=experiment.seeds,
        settings=args.settings,
        outputs=args.outputs,
        left_out=args.left_out,
    )
    write_crate(finished, args.out)


if __name__ == "__main__":
    run(main, flags)
