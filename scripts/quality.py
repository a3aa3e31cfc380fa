"""Check the prepared scenes of an experiment: one page with a verdict for each check, what to do, and maps."""

from argparse import Namespace
from pathlib import Path

from img2height.cli.program import parser, run

flags = parser(__doc__)
flags.add_argument("--title", required=True, help="of the page")
flags.add_argument("--scenes", type=Path, nargs="+", required=True, help="<scene>/scene.json of each scene")
flags.add_argument("--out", type=Path, required=True, help="the page, .html")


def main(args: Namespace) -> None:
    """Write the page."""
    from img2height.report.quality import write_quality
    from img2height.scenes.quality import quality_reports
    from img2height.scenes.scene import Scene

    scenes = [Scene.load(manifest) for manifest in args.scenes]
    write_quality(args.title, list(zip(scenes, quality_reports(scenes), strict=True)), args.out)


if __name__ == "__main__":
    run(main, flags)
