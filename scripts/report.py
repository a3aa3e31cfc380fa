"""Write the report of an experiment: one HTML page, its pictures as PNG files, and its tables as CSV and Markdown.

Lists of files go method by method, in the order of the experiment: all scenes (or folds) of the first method, then of
the second. Scenes come in the order of --scenes; folds in that of the experiment, ascending where it runs all.
"""

from argparse import Namespace
from pathlib import Path

from img2height.program import parser, run

TABLES = ("scores-csv", "scores-md", "strata-csv", "strata-md")
flags = parser(__doc__)
flags.add_argument("--experiment", required=True, help="settings of the experiment as JSON")
flags.add_argument("--params", required=True, help="the protocol in force as JSON")
flags.add_argument("--recipes", required=True, help="recipe of each method by name, as JSON")
flags.add_argument("--metrics", type=Path, required=True, help="metrics.json")
flags.add_argument("--scenes", type=Path, nargs="+", required=True, help="scene.json of each evaluated scene")
flags.add_argument("--areas", type=Path, required=True, help="areas.parquet")
flags.add_argument("--folds-figure", type=Path, required=True, help="folds.png")
flags.add_argument("--heights", type=Path, nargs="+", required=True, help="height.tif by method and scene")
flags.add_argument("--polygons", type=Path, nargs="+", required=True, help="buildings.parquet by method and scene")
flags.add_argument("--histories", type=Path, nargs="+", required=True, help="history.csv by method and fold")
flags.add_argument("--out", type=Path, required=True, help="report.html")
flags.add_argument("--figures", type=Path, required=True, help="folder of PNG files, replaced as a whole")
for table in TABLES:
    flags.add_argument(f"--{table}", type=Path, required=True, help="table of scores, or of errors by ground and pair")


def main(args: Namespace) -> None:
    """Read what the run left and write the report."""
    import json

    from img2height.parsing import parse
    from img2height.report.page import Run, write_report
    from img2height.scenes.scene import Scene
    from img2height.settings import Experiment, Params
    from img2height.settings_recipe import Recipe
    from img2height.tables import read_geotable, read_json

    experiment = parse(Experiment, args.experiment, "--experiment")
    recipes = json.loads(args.recipes)
    report = Run(
        experiment=experiment,
        params=parse(Params, args.params, "--params"),
        recipes={name: parse(Recipe, recipes[name], f"--recipes {name}") for name in experiment.methods},
        metrics=read_json(args.metrics),
        scenes=[Scene.load(path) for path in args.scenes],
        areas=read_geotable(args.areas),
        folds_figure=args.folds_figure,
        heights=args.heights,
        polygons=args.polygons,
        histories=args.histories,
    )
    tables = {name.replace("-", "_"): getattr(args, name.replace("-", "_")) for name in TABLES}
    write_report(report, args.out, args.figures, tables)


if __name__ == "__main__":
    run(main, flags)
