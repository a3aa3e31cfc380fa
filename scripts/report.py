"""Write the report of an experiment: one HTML page, its pictures as PNG files, and its tables as CSV and Markdown.

The cost of the run is a separate page, because it differs between machines.
"""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

SETTINGS = {
    "params": "the effective protocol",
    "recipes": "recipe of each method by name",
    "code": "digest of the code of each program",
    "benchmarks": "folder of the benchmark files of each step",
}
FILES = {
    "experiment": "experiment file",
    "scenes": "scenes.json, see list_scenes.py",
    "metrics": "metrics.json",
    "intervals": "intervals.csv",
    "comparisons": "comparisons.csv",
    "coverage": "interval_coverage.csv",
    "areas": "areas.parquet",
    "audit": "statistics_audit.json",
    "folds-figure": "folds.png",
    "out": "report.html",
    "cost": "page of the costs, HTML; report.html links to it",
    "view": "page of the map, which may not exist; report.html links to it",
    "figures": "folder of PNG files, replaced as a whole",
}
TABLES = ("scores-csv", "scores-md", "strata-csv", "strata-md", "unfamiliar-csv")

flags = parser(__doc__)
for name, text in SETTINGS.items():
    flags.add_argument(f"--{name}", type=Path, required=True, help=f"{text}, YAML")
flags.add_argument(
    "--results", nargs=2, metavar=("METHOD", "FOLDER"), action="append", required=True,
    help="tiles.parquet and <scene>/{height.tif,interval.tif,unfamiliar.tif,buildings.parquet} of a method; "
    "once for each",
)  # fmt: skip
flags.add_argument(
    "--history", nargs=3, metavar=("METHOD", "FOLD", "CSV"), action="append", required=True,
    help="history.csv of a method and fold; once for each",
)  # fmt: skip
flags.add_argument("--about", type=Path, nargs="+", required=True, help="<dataset>/about.json of each dataset")
for name, text in (
    FILES | dict.fromkeys(TABLES, "table of scores, of errors by land cover and pair, or of unlike tiles")
).items():
    flags.add_argument(f"--{name}", type=Path, required=True, help=text)


def main(args: Namespace) -> None:
    """Read the results of the run and write the report."""
    import os

    from img2height.comparison.record import read_metrics
    from img2height.io.records import read_record
    from img2height.io.tables import read_geotable
    from img2height.models.audit import ModelAudit
    from img2height.report.cost import cost_table, write_cost
    from img2height.report.page import Links, TableFiles, write_report
    from img2height.report.run import MethodFiles, Run
    from img2height.report.tables.intervals import read_uncertainty
    from img2height.scenes.about import read_abouts
    from img2height.scenes.listing import all_scenes, tested_scenes
    from img2height.scoring.method import Predicted
    from img2height.settings.experiment import Experiment
    from img2height.settings.parsing import parse, parse_file, read_yaml
    from img2height.settings.protocol import Params
    from img2height.settings.recipe import Recipe

    experiment = parse_file(Experiment, args.experiment)
    recipes = read_yaml(args.recipes)
    areas = read_geotable(args.areas)
    scenes = tested_scenes(args.scenes, areas)
    files = {
        method: MethodFiles(
            [Predicted.in_folder(scene, Path(folder, scene.name)) for scene in scenes],
            {int(fold): Path(csv) for owner, fold, csv in args.history if owner == method},
            Path(folder, "tiles.parquet"),
        )
        for method, folder in args.results
    }
    audit = read_record(ModelAudit, args.audit, "audit the models again")
    report = Run(
        experiment=experiment,
        params=parse_file(Params, args.params),
        recipes={name: parse(Recipe, recipe, f"{args.recipes}: {name}") for name, recipe in recipes.items()},
        metrics=read_metrics(args.metrics),
        uncertainty=read_uncertainty(args.intervals, args.comparisons, args.coverage, experiment.seeds[0]),
        scenes=scenes,
        sources=all_scenes(args.scenes),
        about=read_abouts(args.about),
        areas=areas,
        folds_figure=args.folds_figure,
        files=files,
        code=read_yaml(args.code),
        unrecorded=audit.unrecorded,
        pretrained=audit.pretrained,
    )
    tables = TableFiles(args.scores_csv, args.scores_md, args.strata_csv, args.strata_md, args.unfamiliar_csv)
    links = Links(*(os.path.relpath(page, args.out.parent) for page in (args.cost, args.view)))
    write_report(report, args.out, args.figures, tables, links)
    benchmarks = {step: Path(folder) for step, folder in read_yaml(args.benchmarks).items()}
    write_cost(cost_table(benchmarks, list(recipes), report.test_area_km2), experiment.title, args.cost)


if __name__ == "__main__":
    run(main, flags)
