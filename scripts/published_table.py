"""Write a table of a paper as CSV, Markdown and HTML: the printed numbers, ours, and our 95 % intervals."""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--table", type=Path, required=True, help="file of the table, config/tables/<name>.yaml")
flags.add_argument("--metrics", type=Path, required=True, help="metrics.json")
flags.add_argument("--intervals", type=Path, required=True, help="intervals.csv")
flags.add_argument("--csv", type=Path, required=True, help="one row per cell")
flags.add_argument("--md", type=Path, required=True, help="the table as Markdown")
flags.add_argument("--html", type=Path, required=True, help="the table as a page")


def main(args: Namespace) -> None:
    """Fill and write the table."""
    from img2height.comparison.record import Interval, read_metrics, read_rows
    from img2height.io.atomic import atomic_paths
    from img2height.published.fill import fill, notes_of
    from img2height.published.render import to_html, to_markdown
    from img2height.published.table import load_table

    table, metrics = load_table(args.table), read_metrics(args.metrics)
    cells, notes = fill(table, metrics, read_rows(Interval, args.intervals)), notes_of(table, metrics)
    with atomic_paths(args.csv, args.md, args.html) as (csv, markdown, page):
        cells.to_csv(csv, index=False)
        markdown.write_text(to_markdown(table, cells, notes), encoding="utf-8")
        page.write_text(to_html(table, cells, notes), encoding="utf-8")


if __name__ == "__main__":
    run(main, flags)
