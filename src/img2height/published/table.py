"""Files of published tables and figures as checked models: the printed numbers, and our scores that belong to them."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from img2height.settings.base import Name, Settings
from img2height.settings.parsing import parse, read_yaml


class Column(Settings):
    """One printed column.

    Attributes:
        header: as printed, with the arrow of the better direction where the paper has one.
        score: our score, a dotted key of the scores such as `footprint.dice`; it follows the `within` of the row. Null
            where we have nothing of the kind.
        unit: unit of our number where the printed one has another or none.
        decimals: as printed.
        method: whose score it is, where it is not that of the row.
        note: why the two numbers cannot be compared, or which convention ours follows.
    """

    header: str
    score: str | None
    unit: str = ""
    decimals: int = Field(default=4, ge=0, le=8)
    method: Name | None = None
    note: str = ""


class Row(Settings):
    """One printed row.

    Attributes:
        label: as printed.
        method: our method.
        facts: text of the columns that hold no score.
        within: key of the scores that those of the columns lie in, such as a stratum.
        printed: one number a column, null where the paper prints none; empty where it prints no row.
        note: what holds for this row alone.
    """

    label: str
    method: Name
    facts: list[str] = Field(default_factory=list)
    within: str = ""
    printed: list[float | None] = Field(default_factory=list)
    note: str = ""


class Table(Settings):
    """A published table.

    Attributes:
        title: what it is called in print.
        source: paper, table and year.
        corner: header of the first column.
        facts: headers of the columns that hold no score.
        columns: in the printed order.
        rows: in the printed order.
        notes: what holds for all numbers.
    """

    title: str
    source: str
    corner: str = "method"
    facts: list[str] = Field(default_factory=list)
    columns: list[Column] = Field(min_length=1)
    rows: list[Row] = Field(min_length=1)
    notes: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _rows_fit_the_columns(self) -> "Table":
        labels = [row.label for row in self.rows]
        if twice := [label for label in labels if labels.count(label) > 1]:
            raise ValueError(f"row {twice[0]} comes twice; give each row a label of its own")
        for row in self.rows:
            if row.printed and len(row.printed) != len(self.columns):
                raise ValueError(f"row {row.label}: {len(row.printed)} printed numbers, {len(self.columns)} columns")
            if len(row.facts) != len(self.facts):
                raise ValueError(f"row {row.label}: {len(row.facts)} facts, {len(self.facts)} headers of facts")
        return self

    @property
    def methods(self) -> set[str]:
        """The methods whose scores stand in the rows."""
        return {row.method for row in self.rows}


class Figure(Settings):
    """A published figure of tiles: the scores of two methods on each tile against each other.

    Attributes:
        title: what it is called in print.
        source: paper, figure and year.
        across: method whose score is drawn along x.
        up: method whose score is drawn along y.
        scores: drawn one beside the other.
        notes: what differs from the print.
    """

    title: str
    source: str
    across: Name
    up: Name
    scores: list[Literal["mse_m2", "rmse_m", "mae_m", "ssim"]] = Field(min_length=1)
    notes: list[str] = Field(default_factory=list)

    @property
    def methods(self) -> set[str]:
        """The methods whose tiles are drawn."""
        return {self.across, self.up}


def load_table(path: Path) -> Table:
    """Return the checked table of a file.

    Raises:
        SettingsError: the file does not say what it must.
    """
    return parse(Table, read_yaml(path), str(path))


def load_figure(path: Path) -> Figure:
    """Return the checked figure of a file.

    Raises:
        SettingsError: the file does not say what it must.
    """
    return parse(Figure, read_yaml(path), str(path))


def tables_of(folder: Path, methods: list[str]) -> list[str]:
    """Return the names of the tables of a folder that have a row of one of the methods."""
    return [path.stem for path in sorted(folder.glob("*.yaml")) if load_table(path).methods & set(methods)]


def figures_of(folder: Path, methods: list[str]) -> list[str]:
    """Return the names of the figures of a folder whose methods are all among the given."""
    return [path.stem for path in sorted(folder.glob("*.yaml")) if load_figure(path).methods <= set(methods)]
