"""Checked models of published tables and figures: the printed numbers, and our scores for each."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from img2height.settings.base import Distinct, Name, OneOf, Settings
from img2height.settings.parsing import parse_file
from img2height.vocabulary.scores import TILE_KINDS, of_kind

# Scores of single tiles, of which one side of a diagonal is better.
OF_TILES = [score.name for score in of_kind(*TILE_KINDS).values() if score.better in ("lower", "higher")]


class Column(Settings):
    """One printed column."""

    header: str = Field(description="as printed, with the arrow of the better direction if the paper has one")
    score: str | None = Field(
        description="our score, a dotted key of the scores such as `footprint.dice`, appended to the `within` of the "
        "row; null if we have no such score"
    )
    unit: str = Field("", description="unit of our number if the printed one has another or none")
    decimals: int = Field(4, ge=0, le=8, description="digits after the point, as printed")
    method: Name | None = Field(None, description="the method of the score, if it is not that of the row")
    note: str = Field("", description="why the two numbers cannot be compared, or which convention ours follows")


class Row(Settings):
    """One printed row."""

    label: str = Field(description="as printed; unique")
    method: Name = Field(description="our method")
    facts: list[str] = Field([], description="text of the columns without scores")
    within: str = Field("", description="key under which the columns' scores are found, such as a stratum")
    printed: list[float | None] = Field(
        [], description="one number per column, null where the paper prints none; empty if it does not print the row"
    )
    note: str = Field("", description="a note on this row only")


class Table(Settings):
    """A published table: the printed numbers, and our scores for each."""

    title: str = Field(description="title in print")
    source: str = Field(description="paper, table and year")
    corner: str = Field("method", description="header of the first column")
    facts: list[str] = Field([], description="headers of the columns without scores")
    columns: list[Column] = Field(min_length=1, description="in the printed order")
    rows: list[Row] = Field(min_length=1, description="in the printed order")
    notes: list[str] = Field([], description="notes that hold for all numbers")

    @model_validator(mode="after")
    def _rows_fit_the_columns(self) -> "Table":
        labels = [row.label for row in self.rows]
        if twice := [label for label in labels if labels.count(label) > 1]:
            raise ValueError(f"row {twice[0]} occurs twice; give each row its own label")
        for row in self.rows:
            if row.printed and len(row.printed) != len(self.columns):
                raise ValueError(f"row {row.label}: {len(row.printed)} printed numbers, {len(self.columns)} columns")
            if len(row.facts) != len(self.facts):
                raise ValueError(f"row {row.label}: {len(row.facts)} facts, {len(self.facts)} headers of facts")
        return self

    @property
    def methods(self) -> set[str]:
        """The methods whose scores are in the rows."""
        return {row.method for row in self.rows}


class Figure(Settings):
    """A published figure of tiles: a scatter plot of two methods' scores per tile."""

    title: str = Field(description="title in print")
    source: str = Field(description="paper, figure and year")
    across: Name = Field(description="method whose score is on the x axis")
    up: Name = Field(description="method whose score is on the y axis")
    scores: Distinct[Annotated[str, OneOf(OF_TILES)]] = Field(min_length=1, description="one panel each, side by side")
    notes: list[str] = Field([], description="differences from print")

    @property
    def methods(self) -> set[str]:
        """The methods whose tiles are drawn."""
        return {self.across, self.up}


def load_table(path: Path) -> Table:
    """Return the checked table of a file.

    Raises:
        SettingsError: the file is invalid.
    """
    return parse_file(Table, path)


def load_figure(path: Path) -> Figure:
    """Return the checked figure of a file.

    Raises:
        SettingsError: the file is invalid.
    """
    return parse_file(Figure, path)


def tables_of(folder: Path, methods: list[str]) -> list[str]:
    """Return the names of the tables in a folder that have a row for one of the methods."""
    return [path.stem for path in sorted(folder.glob("*.yaml")) if load_table(path).methods & set(methods)]


def figures_of(folder: Path, methods: list[str]) -> list[str]:
    """Return the names of the figures in a folder whose methods are all among the given ones."""
    return [path.stem for path in sorted(folder.glob("*.yaml")) if load_figure(path).methods <= set(methods)]
