"""Renders a filled table as CSV, Markdown and one HTML page: two lines per row, the printed numbers above ours."""

import html

import pandas

from img2height.io.tables import rows_of
from img2height.published.table import Column, Row, Table

DASH, PRINTED, OURS, INTERVAL = "–", "printed", "ours", "95 %"
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }}
div {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .2rem .6rem; text-align: right; white-space: nowrap; border: 0; }}
thead tr:last-child th {{ text-align: left; border-bottom: 1px solid #1a1a1a; }}
tbody th {{ text-align: left; font-weight: normal; vertical-align: top; }}
tbody tr:has(th[rowspan]) {{ border-top: 1px solid #d9d9d9; }}
</style></head><body>
<h1>{title}</h1>
<p>{source}</p>
<div>{table}</div>
<ol>{footnotes}</ol>
<ul>{notes}</ul>
</body></html>
"""


def to_markdown(table: Table, cells: pandas.DataFrame, notes: list[str]) -> str:
    """Return the table as Markdown with its source and notes.

    Args:
        table: the published table.
        cells: see `fill`.
        notes: see `notes_of`.
    """
    lines, marked = _lines(table, cells), _footnotes(table)
    text = lines.reset_index()
    text.loc[text[table.corner].duplicated(), [table.corner, *table.facts]] = ""
    align = ["left", *["left"] * len(table.facts), "left", *["right"] * len(table.columns)]
    body = text.to_markdown(index=False, colalign=align, disable_numparse=True)
    numbered = [f"{number}. {note}" for number, note in enumerate(marked, start=1)]
    listed = [f"- {note}" for note in notes]
    parts = [f"# {table.title}", table.source, body, "\n".join(numbered), "\n".join(listed)]
    return "\n\n".join(part for part in parts if part) + "\n"


def to_html(table: Table, cells: pandas.DataFrame, notes: list[str]) -> str:
    """Return the table as one HTML page; arguments as in `to_markdown`."""
    lists = [
        "".join(f"<li>{html.escape(note, quote=False)}</li>" for note in given) for given in (_footnotes(table), notes)
    ]
    return PAGE.format(
        title=html.escape(table.title, quote=False),
        source=html.escape(table.source, quote=False),
        table=_lines(table, cells).to_html(border=0),
        footnotes=lists[0],
        notes=lists[1],
    )


def _lines(table: Table, cells: pandas.DataFrame) -> pandas.DataFrame:
    """Return the text of all cells; the index contains label, facts and the source of the number."""
    whose = [PRINTED, OURS, INTERVAL] if cells["printed"].notna().any() else [OURS, INTERVAL]
    labels, texts, width = [], [], len(table.columns)
    for number, row in enumerate(table.rows):
        own = cells.iloc[number * width : (number + 1) * width]
        for name in whose if own["low"].notna().any() else whose[:-1]:
            labels.append((_mark(row.label, _number(table, row)), *row.facts, name))
            texts.append(_texts(table, own, name))
    headers = [_mark(f"{c.header}, {c.unit}" if c.unit else c.header, _number(table, c)) for c in table.columns]
    index = pandas.MultiIndex.from_tuples(labels, names=[table.corner, *table.facts, ""])
    return pandas.DataFrame(texts, index=index, columns=headers)


def _texts(table: Table, cells: pandas.DataFrame, name: str) -> list[str]:
    values = zip(rows_of(cells), (column.decimals for column in table.columns), strict=True)
    if name == INTERVAL:
        return [_interval(cell["low"], cell["high"], decimals) for cell, decimals in values]
    return [_text(cell[name], decimals) for cell, decimals in values]


def _text(value: float, decimals: int) -> str:
    return DASH if pandas.isna(value) else f"{value:.{decimals}f}".replace("-", "−")


def _interval(low: float, high: float, decimals: int) -> str:
    return "" if pandas.isna(low) else f"{_text(low, decimals)} to {_text(high, decimals)}"


def _footnotes(table: Table) -> list[str]:
    """Return the notes of columns and rows, each once, in the order of their numbers."""
    items: list[Column | Row] = [*table.columns, *table.rows]
    return list(dict.fromkeys(item.note for item in items if item.note))


def _number(table: Table, item: Column | Row) -> int:
    return _footnotes(table).index(item.note) + 1 if item.note else 0


def _mark(text: str, number: int) -> str:
    return text + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(number)) if number else text
