"""Draw a figure of a paper: a scatter plot of two methods' scores per tile."""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--figure", type=Path, required=True, help="file of the figure, config/figures/<name>.yaml")
flags.add_argument("--tiles", type=Path, nargs=2, required=True, help="tiles.parquet of the methods on x and on y")
flags.add_argument("--metrics", type=Path, required=True, help="metrics.json")
flags.add_argument("--png", type=Path, required=True, help="the picture")
flags.add_argument("--csv", type=Path, required=True, help="one row per tile and score")
flags.add_argument("--md", type=Path, required=True, help="medians, and the number of tiles that each method wins")


def main(args: Namespace) -> None:
    """Pair the tiles, draw and write."""
    from img2height.comparison.record import read_metrics
    from img2height.io.atomic import atomic_paths
    from img2height.published.fill import split_notes
    from img2height.published.scatter import draw, pair_tiles, summarise, to_markdown
    from img2height.published.table import load_figure
    from img2height.report.figures.drawing import drawn, png
    from img2height.scoring.tiles import read_tiles

    figure = load_figure(args.figure)
    pairs = pair_tiles(figure, *(read_tiles(path) for path in args.tiles))
    notes = split_notes(read_metrics(args.metrics)) + figure.notes
    with atomic_paths(args.png, args.csv, args.md) as (picture, csv, markdown):
        picture.write_bytes(png(drawn(draw(figure, pairs))))
        pairs.to_csv(csv, index=False)
        markdown.write_text(to_markdown(figure, summarise(figure, pairs), notes), encoding="utf-8")


if __name__ == "__main__":
    run(main, flags)
