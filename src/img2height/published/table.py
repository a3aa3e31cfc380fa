"""Files of published tables and figures as checked models: the printed numbers, and our scores that belong to them."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from img2height.settings.base import Distinct, Name, OneOf, Settings
from img2height.settings.parsing import parse, read_yaml
from img2height.vocabulary.scores import TILE_KINDS, of_kind

# Scores of single tiles, of which one side of a diagonal is better.
OF_TILES = [score.name for score in of_kind(*TILE_KINDS).values() if score.better in ("lower", "higher")]


class Column(Settings):
    """One printed column."""

    header: str = Field(description="as printed, with the arrow of the better direction where the paper has one")
    score: str | None = Field(
        description="our score, a dotted key of the scores such as `footprint.dice`, which follows the `within` of the "
        "row; null where we have nothing of the kind"
    )
    unit: str = Field("", description="unit of our number where the printed one has another or none")
    decimals: int = Field(4, ge=0, le=8, description="digits after the point, as printed")
    method: Name | None = Field(None, description="whose score it is, where it is not that of the row")
    note: str = Field("", description="why the two numbers cannot be compared, or which convention ours follows")


class Row(Settings):
    """One printed row."""

    label: str = Field(description="as printed; each row has its own")
    method: Name = Field(description="our method")
    facts: list[str] = Field([], description="text of the columns that hold no score")
    within: str = Field("", description="key of the scores that those of the columns lie in, such as a stratum")
    printed: list[float | None] = Field(
        [], description="one number a column, null where the paper prints none; empty where it prints no row"
    )
    note: str = Field("", description="what holds for this row alone")


class Table(Settings):
    """A published table: the printed numbers, and our scores that belong to them."""

    title: str = Field(description="what it is called in print")
    source: str = Field(description="paper, table and year")
    corner: str = Field("method", description="header of the first column")
    facts: list[str] = Field([], description="headers of the columns that hold no score")
    columns: list[Column] = Field(min_length=1, description="in the printed order")
    rows: list[Row] = Field(min_length=1, description="in the printed order")
    notes: list[str] = Field([], description="what holds for all numbers")

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
    """A published figure of tiles: the scores of two methods on each tile against each other."""

    title: str = Field(description="what it is called in print")
    source: str = Field(description="paper, figure and year")
    across: Name = Field(description="method whose score is drawn along x")
    up: Name = Field(description="method whose score is drawn along y")
    scores: Distinct[Annotated[str, OneOf(OF_TILES)]] = Field(min_length=1, description="drawn one beside the other")
    notes: list[str] = Field([], description="what differs from the print")

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
