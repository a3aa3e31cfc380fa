"""The scores of an experiment as a table for the terminal, with the columns that fit; the report has all."""

from pathlib import Path

import pandas
from rich import box
from rich.table import Table

from img2height.errors import DataError
from img2height.io.tables import rows_of
from img2height.report.tables.scores import COLUMNS

SHOWN = {
    "all_rmse_m": "RMSE, m",
    "all_mae_m": "MAE, m",
    "all_bias_m": "bias, m",
    "buildings_rmse_m": "buildings RMSE, m",
    "instances_f1": "building F1",
}


def scores_table(results: Path) -> Table:
    """Return the table of an experiment, one row per method; untrained baselines in italics.

    Args:
        results: folder of the experiment, with tables/scores.csv.

    Raises:
        DataError: there are no scores yet.
    """
    path = results / "tables/scores.csv"
    if not path.exists():
        raise DataError(
            f"{path}: does not exist; run the experiment first: snakemake --config experiment={results.name}"
        )
    scores = pandas.read_csv(path)
    table = Table(box=box.SIMPLE)
    table.add_column("method")
    for heading in SHOWN.values():
        table.add_column(heading, justify="right")
    for row in rows_of(scores):
        values = [COLUMNS[column].text(row[column]) if column in row else "–" for column in SHOWN]
        table.add_row(row["method"], *values, style="italic" if row["trivial"] else None)
    return table
